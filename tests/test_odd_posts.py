"""Odd posts: empty, invisible, huge, right-to-left, malformed. Each is decided once and shown harmlessly."""

import json
import re
from typing import Any

import pytest
from simcord.backend.models import MessageSticker

from tests.support.world import World, assert_nobody_pinged, text_of


async def _post(world: World, content: str, **kwargs: Any) -> dict[str, Any]:
    """Alice posts; returns the one decision on it."""
    await world.set_up()
    backend = world.env.backend
    message = backend.prepare_message(world.chat.id, world.alice.id, content[:2000].strip() or "-", **kwargs)
    message.content = content  # what people with Nitro may send, and what clients would trim
    backend.commit_message(message)
    await world.env.settle()
    (decision,) = await world.decisions()
    assert decision["external_id"] == str(message.id)
    (cursor,) = await world.rows("SELECT * FROM cursors")
    assert (cursor["channel_id"], cursor["position"]) == (world.chat.id, message.id)
    return decision


@pytest.mark.parametrize(
    "content",
    [
        " \n\t ",
        "\u200b\u200d\u2060\ufeff",
        "\u202e\u2066\u2069",
        "\x00",
        "\x00\x1f\x7f",
        "\u0301\u0301",
        "** **",
        "||||",
    ],
    ids=["space", "zero-width", "direction", "nul", "controls", "accents", "blank-bold", "blank-spoiler"],
)
async def test_a_post_with_nothing_to_read_is_decided_without_scores(world: World, content: str) -> None:
    decision = await _post(world, content)
    assert not decision["flagged"]
    assert decision["inflammatory"] is None and decision["misinformation"] is None
    assert json.loads(decision["scores"]) == {} and await world.cards() == []


async def test_a_sticker_is_a_post_with_nothing_to_read(world: World) -> None:
    decision = await _post(world, "", stickers=[MessageSticker(1, "wave", 1, world.guild.id)])
    assert not decision["flagged"] and decision["inflammatory"] is None


async def test_a_picture_without_words_is_a_post_with_nothing_to_read(world: World) -> None:
    backend = world.env.backend
    picture = backend.cdn.store_attachment(backend.snowflake(), world.chat.id, "idiot.png", b"..", None)
    decision = await _post(world, "", attachments=[picture])
    assert not decision["flagged"] and decision["inflammatory"] is None


@pytest.mark.parametrize("content", ["😀", "😀" * 500, "<:wave:123456789012345678>", "👩‍👩‍👧‍👦🏳️‍🌈"])
async def test_emoji_are_read_by_their_names(world: World, content: str) -> None:
    decision = await _post(world, content)
    assert not decision["flagged"] and decision["inflammatory"] is not None


async def test_a_custom_emoji_can_insult(world: World) -> None:
    decision = await _post(world, "<:idiot:123456789012345678>")
    assert decision["flagged"]
    assert "idiot" in text_of(await world.card())


@pytest.mark.parametrize("place", [0, 2000, 3970], ids=["start", "middle", "end"])
async def test_a_post_of_4000_characters_is_shown_around_the_sentence_that_counts(world: World, place: int) -> None:
    filler = "The council *met* again. " * 200
    content = (filler[:place] + " What an idiot he is. " + filler)[:4000]
    decision = await _post(world, content)
    assert decision["flagged"]
    shown = text_of(await world.card())
    assert "What an idiot he is" in shown and len(shown) < 4000
    (evidence,) = await world.rows("SELECT * FROM evidence")
    assert evidence["text"] == content


@pytest.mark.parametrize("content", ["*idiot* " * 500, "idiot" + "`" * 3995, "idiot" * 800])
async def test_a_card_fits_into_a_message_however_much_has_to_be_escaped(world: World, content: str) -> None:
    decision = await _post(world, content)
    assert decision["flagged"]
    assert "idiot" in text_of(await world.card())


@pytest.mark.parametrize(
    "content",
    ["id\u200bi\u200do\ufefft", "\u202eidiot\u202c", "you\x00 idiot\x00", "\u2067אתה idiot\u2069", "i\u0336d\u0336iot"],
    ids=["zero-width", "overridden", "nul", "isolated", "struck"],
)
async def test_hiding_a_word_behind_invisible_characters_does_not_help(world: World, content: str) -> None:
    decision = await _post(world, content)
    assert decision["flagged"]
    shown = text_of(await world.card())
    assert not set(shown) & set("\x00\u200b\u200d\ufeff\u202e\u202c\u2067\u2069")
    (evidence,) = await world.rows("SELECT * FROM evidence")
    assert evidence["text"] == content


async def test_right_to_left_text_is_decided_and_shown(world: World) -> None:
    decision = await _post(world, "ראש העיר הוא idiot. هذا كل شيء")
    assert decision["flagged"]
    assert "ראש העיר הוא idiot" in text_of(await world.card())


@pytest.mark.parametrize(
    "content",
    [
        "**||`idiot ```> [x](",
        "```idiot",
        "> > # idiot\n-# ||",
        "[idiot](https://example.org",
        "<@&>idiot<#",
        "\\idiot\\",
    ],
)
async def test_malformed_markup_is_shown_as_it_was_typed(world: World, content: str) -> None:
    decision = await _post(world, content)
    assert decision["flagged"]
    shown = text_of(await world.card())
    (quoted,) = [line.removeprefix("> ") for line in shown.splitlines() if line.startswith("> ")]
    unescaped = re.sub(r"\\(.)", r"\1", quoted.replace("**", ""))  # bare, the mark of the decisive sentence
    assert "".join(unescaped.split()) == "".join(content.split())


async def test_a_flagged_post_that_names_everybody_pings_nobody(world: World) -> None:
    await world.set_up()
    names = f"@everyone @here <@{world.bob.id}> <@&{world.mods.id}>"
    thread, _ = await world.forum_post(world.alice, f"{names} idiot", f"You idiot. {names}")
    await world.bob.send(thread, f"{names} is an idiot")
    assert len(await world.cards()) == 2
    assert_nobody_pinged(world)


async def test_a_broken_character_does_not_stop_the_posts_beside_it(world: World) -> None:
    await world.set_up()
    backend = world.env.backend
    backend.create_message(world.chat.id, world.alice.id, "You idiot. \ud83d")
    after = backend.create_message(world.chat.id, world.bob.id, "Another idiot.")
    await world.env.settle()
    assert str(after.id) in [decision["external_id"] for decision in await world.decisions()]
    assert "Another idiot" in "\n".join([text_of(card) for card in await world.cards()])
    (cursor,) = await world.rows("SELECT * FROM cursors")
    assert cursor["position"] == after.id
