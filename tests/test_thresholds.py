"""`/threshold`: when is a post flagged, who says so, and where does it come from?"""

from typing import Any

import pytest
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from bot.errors import StoreBusy
from models.labels import Label
from tests.support.world import World, answer, assert_nobody_pinged, refusal


async def change(world: World, key: str, value: float | None, channel: ChannelHandle | None = None) -> str:
    """Chief sets a threshold, or resets it with None."""
    options: dict[str, Any] = {"key": key} | ({"channel": channel} if channel else {})
    if value is None:
        return answer(await world.chief.slash(world.chat, "threshold reset", **options))
    return answer(await world.chief.slash(world.chat, "threshold set", value=value, **options))


async def show(world: World, channel: ChannelHandle | None = None) -> dict[str, str]:
    """What `/threshold show` says, by line: the name in front of the colon gives the rest."""
    options = {"channel": channel} if channel else {}
    said = await world.mod.slash(world.chat, "threshold show", **options)
    assert said.ephemeral
    lines = [line.removeprefix("-# ").replace("**", "") for line in answer(said).splitlines()]
    return dict(line.split(": ", maxsplit=1) for line in lines if ": " in line)


async def flagged(world: World) -> list[bool]:
    return [bool(row["flagged"]) for row in await world.decisions()]


async def test_before_any_change_the_models_defaults_are_shown_in_plain_words(world: World) -> None:
    await world.set_up()
    said = await world.mod.slash(world.chat, "threshold show")
    assert "Higher = fewer flags" in answer(said) and said.ephemeral
    shown = await show(world)
    assert shown["Inflammatory"] == "0.5, the model's default"
    assert shown["unsupported claim, not fact-checked"] == "0.8, the model's default"
    assert "checkable claim" not in shown


async def test_a_change_holds_for_the_next_post_and_not_for_earlier_ones(world: World) -> None:
    await world.set_up()
    await world.alice.send(world.chat, "You idiot.")
    await change(world, "inflammatory", 0.95)
    await change(world, "insult", 0.95)
    await world.alice.send(world.chat, "You idiots.")
    assert await flagged(world) == [True, False]
    assert len(await world.cards()) == 1


async def test_a_score_that_equals_its_threshold_is_flagged(world: World) -> None:
    await world.set_up()
    await change(world, "inflammatory", 0.9)
    await change(world, "insult", 1.0)
    await world.alice.send(world.chat, "You idiot.")
    assert await flagged(world) == [True]


async def test_a_label_with_a_threshold_of_its_own_flags_alone(world: World) -> None:
    await world.set_up()
    await change(world, "inflammatory", 1.0)
    await world.alice.send(world.chat, "You idiot.")
    await change(world, "insult", 1.0)
    await world.alice.send(world.chat, "You idiots.")
    await world.alice.send(world.chat, "I will kill it.")
    assert await flagged(world) == [True, False, True]


async def test_a_forums_threshold_holds_in_its_threads_and_nowhere_else(world: World) -> None:
    await world.set_up()
    await change(world, "inflammatory", 0.95, world.forum)
    await change(world, "insult", 0.95, world.forum)
    thread, _ = await world.forum_post(world.alice, "Budget vote", "You idiot.")
    await world.bob.send(thread, "Idiot yourself.")
    await world.alice.send(world.chat, "You idiot.")
    assert await flagged(world) == [False, False, True]


async def test_show_says_what_is_inherited_from_where(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Hello.")
    await change(world, "misinformation", 0.7)
    await change(world, "inflammatory", 0.6, world.forum)
    in_forum = await show(world, world.forum)
    assert in_forum["Inflammatory"] == f"0.6, set for <#{world.forum.id}>"
    assert in_forum["Misinformation-prone"] == "0.7, inherited from the whole server"
    assert in_forum["insult"] == "0.8, the model's default"
    assert (await show(world, world.chat))["Inflammatory"] == "0.5, the model's default"
    assert (await show(world, thread))["Inflammatory"] == in_forum["Inflammatory"]
    on_server = await show(world)
    assert on_server["Misinformation-prone"] == "0.7, set for the whole server"
    assert on_server["Channels with thresholds of their own"] == f"<#{world.forum.id}>"


async def test_a_thread_inherits_and_both_show_and_set_say_so(world: World) -> None:
    await world.set_up()
    thread, _ = await world.forum_post(world.alice, "Budget vote", "Hello.")
    inherits = f"inherits from <#{world.forum.id}>"
    assert inherits in answer(await world.mod.slash(world.chat, "threshold show", channel=thread))
    said = await change(world, "inflammatory", 0.6, thread)
    assert inherits in said and f"in <#{world.forum.id}>: inherited → **0.6**" in said


async def test_a_reset_inherits_again(world: World) -> None:
    await world.set_up()
    await change(world, "inflammatory", 0.7)
    await change(world, "inflammatory", 0.9, world.chat)
    said = await change(world, "inflammatory", None, world.chat)
    assert "0.9 → **inherited**" in said
    assert (await show(world, world.chat))["Inflammatory"] == "0.7, inherited from the whole server"
    await change(world, "inflammatory", None)
    assert (await show(world, world.chat))["Inflammatory"] == "0.5, the model's default"


async def test_every_change_is_logged_with_who_and_when(world: World) -> None:
    await world.set_up()
    await change(world, "inflammatory", 0.7)
    await world.env.advance_time(60)
    at = int(world.env.now().timestamp())
    await change(world, "inflammatory", 0.8)
    await change(world, "insult", 0.3, world.forum)
    await change(world, "inflammatory", None)
    said = await world.juror.slash(world.chat, "threshold history")
    assert said.ephemeral
    newest, forum, second, first = answer(said).splitlines()
    assert "Inflammatory on the whole server: 0.8 → inherited" in newest
    assert f"insult in <#{world.forum.id}>: inherited → 0.3" in forum
    assert f"<t:{at}:f> <@{world.chief.id}>" in second and "0.7 → 0.8" in second
    assert "inherited → 0.7" in first
    log = await world.rows("SELECT changed_by, changed_at, old_value, new_value FROM threshold_changes ORDER BY id")
    assert [(row["old_value"], row["new_value"]) for row in log] == [(None, 0.7), (0.7, 0.8), (None, 0.3), (0.8, None)]
    assert {row["changed_by"] for row in log} == {world.chief.id}
    assert log[1]["changed_at"] // 1000 == at
    assert_nobody_pinged(world)


async def test_a_history_without_changes_says_so_and_a_long_one_fits_a_message(world: World) -> None:
    await world.set_up()
    assert "No threshold has been changed" in answer(await world.mod.slash(world.chat, "threshold history"))
    for step in range(1, 31):
        await change(world, "unsupported_claim", 0.001 + step / 100, world.forum)
    said = answer(await world.mod.slash(world.chat, "threshold history"))
    assert "0.301" in said and len(said) <= 2000


async def test_many_channels_with_thresholds_of_their_own_fit_a_message(world: World) -> None:
    await world.set_up()
    for number in range(80):
        channel = world.guild.create_text_channel(f"room-{number}")
        await world.services.store.thresholds.set(world.guild.id, channel.id, Label.INSULT, 0.9, world.chief.id)
    await world.env.settle()
    assert (await show(world))["Inflammatory"] == "0.5, the model's default"
    assert "**0.9**" in await change(world, "insult", 0.9)


@pytest.mark.parametrize("command", ["threshold set", "threshold reset"])
@pytest.mark.parametrize("key", ["sarcasm", "checkworthy", "", "**<@1>**", "x" * 3000])
async def test_an_unknown_label_is_refused_with_those_that_can_be_chosen(world: World, command: str, key: str) -> None:
    await world.set_up()
    options = {"value": 0.5} if command.endswith(" set") else {}
    said = refusal(world, await world.chief.slash(world.chat, command, key=key, **options))
    assert (
        "Choose one of: inflammatory, misinformation, insult" in said and "checkworthy" not in said.split("Choose")[1]
    )
    assert await world.rows("SELECT 1 FROM thresholds UNION ALL SELECT 1 FROM threshold_changes") == []
    assert_nobody_pinged(world)


@pytest.mark.parametrize("value", [-0.01, 1.01, 5])
async def test_discord_takes_no_threshold_outside_0_and_1(world: World, value: float) -> None:
    await world.set_up()
    with pytest.raises(simcord.OptionError):
        await world.chief.slash(world.chat, "threshold set", key="insult", value=value)
    assert await world.rows("SELECT 1 FROM thresholds") == []


@pytest.mark.parametrize("value", [0.0, 1.0])
async def test_0_and_1_themselves_are_thresholds(world: World, value: float) -> None:
    await world.set_up()
    assert f"**{value:g}**" in await change(world, "insult", value)
    await world.alice.send(world.chat, "Hello.")
    assert await flagged(world) == [value == 0.0]


@pytest.mark.parametrize("command", ["threshold set", "threshold reset"])
async def test_changing_needs_manage_server(world: World, command: str) -> None:
    await world.set_up()
    options = {"value": 0.5} if command.endswith(" set") else {}
    people: list[MemberActor] = [world.alice, world.juror, world.mod]
    for person in people:
        assert "Manage Server" in refusal(world, await person.slash(world.chat, command, key="insult", **options))
    assert await world.rows("SELECT 1 FROM thresholds UNION ALL SELECT 1 FROM threshold_changes") == []


@pytest.mark.parametrize("command", ["threshold show", "threshold history"])
async def test_showing_is_for_reviewers(world: World, command: str) -> None:
    await world.set_up()
    assert "for reviewers" in refusal(world, await world.alice.slash(world.chat, command))
    for person in (world.juror, world.mod, world.chief):
        assert "for reviewers" not in answer(await person.slash(world.chat, command))


@pytest.mark.parametrize("command", ["threshold set", "threshold reset"])
async def test_typing_offers_the_axes_and_labels_that_can_flag(world: World, command: str) -> None:
    await world.set_up()
    everything = await world.chief.autocomplete(world.chat, command, "key", "")
    assert [choice["value"] for choice in everything][:3] == ["inflammatory", "misinformation", "insult"]
    assert "checkworthy" not in {choice["value"] for choice in everything}
    (group,) = await world.chief.autocomplete(world.chat, command, "key", "Group")
    assert group["name"] == "attack on a group of people" and group["value"] == "identity_attack"
    assert await world.chief.autocomplete(world.chat, command, "key", "zzz") == []


async def test_thresholds_of_one_server_do_not_touch_another(world: World) -> None:
    await world.set_up()
    await world.services.store.thresholds.set(world.guild.id + 1, None, Label.INSULT, 0.1, world.chief.id)
    assert (await show(world))["insult"] == "0.8, the model's default"
    assert "No threshold has been changed" in answer(await world.mod.slash(world.chat, "threshold history"))


async def test_a_change_that_cannot_be_written_says_why_and_changes_nothing(world: World) -> None:
    await world.set_up()
    async with world.locked_database():
        failed = await world.chief.slash(world.chat, "threshold set", key="insult", value=0.3)
        assert "records are busy" in refusal(world, failed, StoreBusy)
    assert await world.rows("SELECT 1 FROM thresholds UNION ALL SELECT 1 FROM threshold_changes") == []
    assert "**0.3**" in await change(world, "insult", 0.3)


async def test_a_change_is_acknowledged_before_the_database_which_may_be_busy_for_seconds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set_up()
    table = world.services.store.thresholds
    write = table.set
    answered: list[bool] = []

    async def watched(*args: Any) -> float | None:
        answered.append(any(entry.path.endswith("/callback") for entry in world.env.http_requests))
        return await write(*args)

    monkeypatch.setattr(table, "set", watched)
    await change(world, "insult", 0.3)
    assert answered == [True]
