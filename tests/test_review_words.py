"""What a card says, and that the words of members on it are shown as they are: no markup, no pings."""

import re
import unicodedata
from typing import Any

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from tests.support.world import World, answer, assert_nobody_pinged, buttons_of, text_of

MARKUP = "*_~`|<>[]#@"
HOSTILE = {
    "bold": "**you** __utter__ *idiot*",
    "masked link": "[free money](https://scam.example) for an idiot",
    "bare link": "idiot: https://scam.example/path",
    "everyone": "@everyone look, an idiot, @here",
    "member": "<@1456074443980800014> is an idiot",
    "role": "<@&1456074443980800001> idiot",
    "channel": "<#1456074443980800001> idiot",
    "custom emoji": "<:idiot:1456074443980800001> <a:idiot:1456074443980800001>",
    "heading": "# idiot\n## of the\n-# year",
    "spoiler": "||idiot||",
    "code": "```py\nidiot\n``` `idiot`",
    "quote": ">>> idiot\n> again",
    "list": "* idiot\n- idiot",
    "time": "idiot since <t:1767225600:R>",
    "command": "</threshold set:1456074443980800001> idiot",
    "escapes": "\\*idiot\\* \\\\*idiot\\\\* \\",
    "unclosed": "**idiot __you ~~are ||so `very",
    "right to left": "\u202eidiot\u2066 you\u061c",
    "zero width": "\u200bidiot\u2060 \u200d\ufeffyou \u00adare",
    "NUL": "idiot\x00 you \x07are",
}


async def write(world: World, channel: ChannelHandle, member: MemberActor, text: str, **kwargs: Any) -> Any:
    """As from the gateway: members with Nitro may write 4,000 characters, and clients send what they like."""
    message = world.env.backend.prepare_message(channel.id, member.id, "x", **kwargs)
    message.content = text
    world.env.backend.commit_message(message)
    await world.env.settle()
    return channel.last_message


def live(shown: str) -> str:
    """``shown`` without what is escaped: what is left of the markup characters would take effect."""
    return re.sub(r"\\[^A-Za-z0-9\s]", "", shown)


def assert_plain(shown: str) -> None:
    left = live(shown)
    assert not set(MARKUP) & set(left), left
    assert "://" not in left
    assert not [char for char in shown if unicodedata.category(char) in ("Cf", "Cc")]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_members_words_have_no_markup_on_a_card(world: World, text: str) -> None:
    await world.set_up()
    await world.forum_post(world.alice, "Budget vote", "What now?")
    await write(world, world.chat, world.bob, text)
    (quote,) = [line for line in text_of(await world.card()).splitlines() if line.startswith("> ")]
    before, core, after = live(quote.removeprefix("> ")).split("**")
    assert "idiot" in core
    assert_plain(before + core + after)
    assert_nobody_pinged(world)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_titles_and_answered_posts_have_no_markup_on_a_card(world: World, text: str) -> None:
    await world.set_up()
    line = " ".join(text.replace("\x00", "").split())
    thread, _ = await world.forum_post(world.alice, line.replace("idiot", "friend"), "Hello.")
    first = await write(world, thread, world.alice, text.replace("idiot", "friend"))
    await world.bob.send(thread, "You idiot.", reply_to=first)
    said = text_of(await world.card())
    titles = re.findall(r"-# Thread: (.*)", said)
    answered = re.findall(r"-# In reply to: (.*)", said)
    assert len(titles) == len(answered) == 1
    assert_plain(titles[0])
    assert_plain(answered[0])
    assert_nobody_pinged(world)


async def test_an_authors_name_has_no_markup_on_a_card(world: World) -> None:
    await world.set_up()
    joker = world.member("joker", nick="**@everyone** [x](http://y.z)")
    await joker.send(world.chat, "You idiot.")
    (line,) = [line for line in text_of(await world.card()).splitlines() if f"<@{joker.id}>" in line]
    assert "everyone" in line
    assert_plain(line.split("> (")[1].split("), <t:")[0])
    assert_nobody_pinged(world)


async def test_a_card_says_who_wrote_what_where_why_and_in_answer_to_what(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "What do you think?")
    first = await world.alice.send(thread, "The mayor is right.")
    post = await world.bob.send(thread, "Fine. But you are an idiot. Bye.", reply_to=first)
    card = await world.card()
    said = text_of(card)
    assert "### Insult\n" in said
    assert "Inflammatory 0.90 (threshold 0.50)" in said and "insult 0.90 (threshold 0.80)" in said
    assert "bob" in said and f"<@{world.bob.id}>" in said
    assert "Thread: Budget vote" in said
    assert "In reply to: The mayor is right." in said
    assert "> Fine. **But you are an idiot.** Bye." in said
    link = f"https://discord.com/channels/{world.guild.id}/{thread.id}/{post.id}"
    assert buttons_of(card)["Go to post"]["url"] == link


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        ("I will kill the lights", "Threat"),
        ("It is the cabal", "Conspiracy framing"),
        ("You idiot, the cabal will kill the lights", "Threat, insult, conspiracy framing"),
    ],
)
async def test_a_card_names_what_it_suspects_the_worst_first(world: World, text: str, headline: str) -> None:
    await world.set_up()
    await world.alice.send(world.chat, text)
    said = text_of(await world.card())
    assert f"### {headline}\n" in said
    assert "Thread:" not in said and "In reply to:" not in said


async def test_a_card_shows_the_threshold_that_was_in_force(world: World) -> None:
    await world.set_up()
    changed = await world.chief.slash(world.chat, "threshold set", key="inflammatory", value=0.85)
    assert "from the next post on" in answer(changed)
    await world.alice.send(world.chat, "You idiot.")
    assert "0.90 (threshold 0.85)" in text_of(await world.card())


async def test_a_long_post_is_shown_around_its_decisive_sentence(world: World) -> None:
    await world.set_up()
    filler = "The council met on Monday and it talked about the budget. "
    body = (filler * 40 + "You are an idiot, mayor. " + filler * 40)[:4000]
    await write(world, world.chat, world.alice, body)
    said = text_of(await world.card())
    assert "**You are an idiot, mayor.**" in said
    assert said.count("…") == 2
    assert len(said) < 1500


@pytest.mark.parametrize("filler", ["*_~`|[]()<>#@:-", "**bold** ", "\\"])
async def test_the_longest_post_full_of_markdown_fits_a_card(world: World, filler: str) -> None:
    await world.set_up()
    long = (filler * 4000)[:1990]
    thread, _ = await world.forum_post(world.alice, ("*" * 100), "Hello.")
    first = await world.bob.send(thread, long)
    joker = world.member("joker", nick="*" * 32)
    body = (filler * 4000)[:2000] + " idiot kill cabal " + (filler * 4000)[:1982]
    assert len(body) == 4000
    await write(world, thread, joker, body, reference={"channel_id": str(thread.id), "message_id": str(first.id)})
    said = text_of(await world.card())
    assert "Misinformation-prone" in said and "Inflammatory" in said
    assert len(said) <= 4000


async def test_one_endless_sentence_is_shown_up_to_its_decisive_word_or_cut(world: World) -> None:
    await world.set_up()
    await write(world, world.chat, world.alice, "idiot " + "so very long " * 300)
    said = text_of(await world.card())
    assert "**idiot so very long" in said and said.count("…") == 1


async def test_a_reply_to_a_picture_names_no_answered_words(world: World) -> None:
    await world.set_up()
    picture = await world.alice.send(world.chat, "", attachments=[("a.png", b"..")])
    await world.bob.send(world.chat, "You idiot.", reply_to=picture)
    assert "In reply to" not in text_of(await world.card())
