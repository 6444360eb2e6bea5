"""`/status`: is the bot doing its work, and what is in its way?"""

import pytest
from discord import Permissions
from simcord.backend.models import Overwrite

from bot import __version__
from bot.config import Settings
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, assert_nobody_pinged, open_world, refusal


async def status(world: World) -> dict[str, str]:
    """The lines of `/status`, by what stands in bold in front of them; warnings under "⚠️"."""
    result = await world.mod.slash(world.chat, "status")
    assert result.ephemeral
    said = answer(result)
    assert len(said) <= 2000
    headline, *rest = said.splitlines()
    lines = [line.replace("**", "", 2).split(": ", maxsplit=1) for line in rest if line.startswith("**")]
    warnings = [line for line in rest if line.startswith("⚠️")]
    assert ("All is well" in headline) == (not warnings) and (str(len(warnings)) in headline) == bool(warnings)
    (small,) = (line for line in rest if line.startswith("-# "))
    return {line[0]: line[-1] for line in lines} | {"⚠️": "\n".join(warnings), "small": small}


async def test_before_the_set_up_it_says_what_to_do_first(world: World) -> None:
    said = await status(world)
    assert "/setup watch:" in said["⚠️"] and "/setup review_channel:" in said["⚠️"]
    assert said["Last problem"] == "none since the start" and said["Watched"] == "nothing"
    assert said["small"].endswith("no post yet")


async def test_it_shows_version_model_and_what_was_done(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "Hello.")
    await world.alice.send(world.chat, "You idiot.")
    said = await status(world)
    assert f"Threadwatch {__version__}, model keyword-1" in said["small"] and "queue: 0 posts" in said["small"]
    assert said["Watched"] == f"<#{world.forum.id}>, <#{world.chat.id}>"
    assert said["Posts"] == "2 scored, 1 flagged, 0 could not be scored"
    assert said["To decide"] == "1 flagged posts, 0 wait for a card"
    assert said["small"].endswith("ms from post to decision (median)")
    assert said["⚠️"] == ""


async def test_a_resolved_review_is_not_open_any_more(world: World) -> None:
    assert (await world.mod.click(await world.flagged_card(), label="False alarm")).acknowledged
    assert (await status(world))["To decide"] == "0 flagged posts, 0 wait for a card"


async def test_it_counts_what_waits_in_the_queue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.set_up()
    monkeypatch.setattr(type(world.services.intake), "__len__", lambda _: 7)
    assert "queue: 7 posts" in (await status(world))["small"]


async def test_a_classifier_that_fails_is_told_without_the_words_of_the_post(settings: Settings) -> None:
    async with open_world(settings, KeywordClassifier(breaks_on="kaput")) as world:
        await world.set_up()
        post = await world.alice.send(world.chat, "This is kaput, my secret.")
        said = await status(world)
        assert said["Posts"].endswith("1 could not be scored")
        assert "could not be scored" in said["Last problem"] and "kaput" not in said["Last problem"]
        assert post.jump_url in said["⚠️"] and "try again every hour" in said["⚠️"]
        assert "secret" not in str(await world.rows("SELECT * FROM posts"))


async def test_a_failing_discord_is_told_with_its_time(world: World) -> None:
    await world.set_up()
    await world.env.advance_time(90)
    at = int(world.env.now().timestamp())
    world.env.inject_error("POST", f"/channels/{world.review.id}/messages", status=503)
    await world.alice.send(world.chat, "You idiot.")
    said = await status(world)
    assert f"<t:{at}:R>" in said["Last problem"] and "503" in said["Last problem"]
    assert said["To decide"] == "1 flagged posts, 1 wait for a card"


async def test_a_review_channel_that_is_gone_or_closed_is_told(world: World) -> None:
    await world.set_up()
    denied = Overwrite(world.env.bot.user.id, type=1, allow=0, deny=Permissions(send_messages=True).value)
    world.env.backend.set_overwrite(world.review.id, denied)
    await world.env.settle()
    assert f"may not write in <#{world.review.id}>" in (await status(world))["⚠️"]
    world.env.backend.delete_channel(world.review.id)
    await world.env.settle()
    assert "review channel is deleted" in (await status(world))["⚠️"]


async def test_a_review_channel_that_the_bot_cannot_see_is_told(world: World) -> None:
    await world.set_up()
    hidden = Overwrite(world.env.bot.user.id, type=1, allow=0, deny=Permissions(view_channel=True).value)
    world.env.backend.set_overwrite(world.review.id, hidden)
    await world.env.settle()
    assert "flagged posts wait" in (await status(world))["⚠️"]


async def test_every_command_that_an_answer_names_exists(world: World) -> None:
    await world.set_up()
    world.env.inject_error("POST", "/interactions/*/*/callback", status=403, code=50013)
    failed = await world.mod.slash(world.chat, "status")
    said = answer(failed)
    assert "403" in said and "permission" in said
    assert world.env.errors
    named = [part.split("`")[0] for part in said.split("`/")[1:]]
    assert named
    assert set(named) <= set(world.chief.available_commands(world.chat))


@pytest.mark.parametrize(("status_code", "told"), [(500, "HTTP 500"), (404, "404")])
async def test_an_answer_that_discord_refuses_is_tried_once_more_and_kept(
    world: World, status_code: int, told: str
) -> None:
    await world.set_up()
    world.env.inject_error("POST", "/interactions/*/*/callback", status=status_code)
    assert told in answer(await world.mod.slash(world.chat, "status"))
    assert world.env.errors
    assert told in (await status(world))["Last problem"]


async def test_status_is_for_reviewers(world: World) -> None:
    await world.set_up()
    assert "for reviewers" in refusal(world, await world.alice.slash(world.chat, "status"))
    assert "Threadwatch" in answer(await world.juror.slash(world.chat, "status"))
    assert_nobody_pinged(world)


async def test_a_database_that_is_locked_does_not_keep_status_from_answering(world: World) -> None:
    await world.set_up()
    async with world.locked_database():
        assert "queue: 0 posts" in (await status(world))["small"]
