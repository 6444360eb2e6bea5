"""What `docs/security.md` promises and no other test proves; and that the tests it names exist."""

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import AppCommandOptionType, app_commands, ui

from bot.__main__ import EXTENSIONS, start_logging
from bot.app import running
from bot.config import Settings
from bot.domain import Outcome
from bot.errors import ThreadwatchError
from bot.login import run_bot
from cogs.common import NotAllowed
from tests.support.keyword import KeywordClassifier
from tests.support.world import World, answer, assert_nobody_pinged, open_world, walk

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("bot", "cogs", "models") for path in (ROOT / folder).rglob("*.py"))
HOSTILE = "idiot'); DROP TABLE posts; --"
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GSECRE.a-secret-that-nobody-may-ever-see-in-a-log"
STATE = ("guilds", "watched_channels", "thresholds", "threshold_changes", "reviews", "posts", "decisions")


async def state(world: World) -> dict[str, list[dict[str, Any]]]:
    return {table: await world.rows(f"SELECT * FROM {table}") for table in STATE}


def filled_in(world: World, command: app_commands.Command[Any, Any, Any]) -> dict[str, Any]:
    """Something valid for every option, so that nothing but the missing right can stop the command."""
    values: dict[AppCommandOptionType, Any] = {
        AppCommandOptionType.boolean: False,
        AppCommandOptionType.channel: world.chat,
        AppCommandOptionType.integer: 1,
        AppCommandOptionType.number: 1.0,
        AppCommandOptionType.role: world.jury,
        AppCommandOptionType.string: "inflammatory",
    }
    return {option.name: values[option.type] for option in command.parameters if option.required}


async def test_every_command_refuses_a_member_without_rights_even_where_the_server_offers_it(world: World) -> None:
    await world.flagged_card()
    tree, curious = world.env.bot.tree, world.guild.create_role("Curious")
    nosy = world.member("nosy", curious)
    for offered in await tree.fetch_commands():
        world.guild.set_command_permissions(offered, {curious: True})
    assert not tree.get_commands(type=discord.AppCommandType.message), "menus on messages need a test of their own"
    assert not tree.get_commands(type=discord.AppCommandType.user), "menus on members need a test of their own"
    before = await state(world)
    commands = [each for each in tree.walk_commands() if isinstance(each, app_commands.Command)]
    assert len(commands) >= 7
    for command in commands:
        earlier = len(world.env.errors)
        result = await nosy.slash(world.chat, command.qualified_name, **filled_in(world, command))
        assert [type(error) for error in world.env.errors[earlier:]] == [NotAllowed], command.qualified_name
        assert result.ephemeral and re.search("This is for reviewers|Manage Server", answer(result))
    assert await state(world) == before


async def test_every_button_refuses_a_member_without_rights_wherever_it_stands(world: World) -> None:
    await world.flagged_card()
    kinds = list(world.env.bot._connection._view_store._dynamic_items.values())
    assert len(kinds) >= 6
    view = ui.View(timeout=None)
    for kind in kinds:
        view.add_item(kind(1))
    await world.env.bot.get_channel(world.chat.id).send(view=view)
    await world.env.settle()
    before = await state(world)
    world.env.http_requests.clear()
    for item in view.children:
        pressed = await world.bob.click(world.chat.last_message, custom_id=item.custom_id)
        assert pressed.ephemeral and "for reviewers" in answer(pressed), item.custom_id
    assert await state(world) == before
    assert not [request for request in world.env.http_requests if request.method == "DELETE"]


async def test_buttons_carry_ids_and_nothing_else(world: World) -> None:
    card = await world.flagged_card()
    ids = [part["custom_id"] for part in walk([each.to_dict() for each in card.components]) if "custom_id" in part]
    ids += [kind(1).custom_id for kind in world.env.bot._connection._view_store._dynamic_items.values()]
    assert len(ids) > 6
    assert [each for each in ids if not re.fullmatch(r"review:[a-z_]+:\d+(:\d+)?", each)] == []


async def test_no_request_lets_discord_read_a_mention_out_of_what_is_said(world: World) -> None:
    card = await world.flagged_card("@everyone <@&1> you idiot")
    await world.mod.slash(world.chat, "status")
    await world.chief.slash(world.chat, "setup")
    await world.mod.click(card, label="Remove post")
    said = [part for request in world.env.http_requests if request.method == "POST" for part in _messages(request.json)]
    assert len(said) >= 4
    assert [part for part in said if part.get("allowed_mentions") != {"parse": []}] == []
    assert_nobody_pinged(world)


def _messages(body: Any) -> Iterator[dict[str, Any]]:
    """What a request would have Discord say."""
    if isinstance(body, dict):
        if body.get("content") or body.get("components"):
            yield body
        else:
            yield from _messages(body.get("data"))


@pytest.fixture
def levels() -> Iterator[None]:
    """Puts the levels back that `start_logging` sets."""
    before = {name: logging.getLogger(name).level for name in ("", "aiosqlite", "discord")}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "ERROR"])
async def test_no_words_of_members_are_logged_or_told_as_an_error(
    settings: Settings, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    start_logging(level)
    async with open_world(settings, KeywordClassifier(breaks_on="broken")) as world:
        await world.set_up()
        post = await world.bob.send(world.chat, "You idiot, ZEBRA.")
        await world.bob.send(world.chat, "A calm ZEBRA.")
        await world.bob.edit(post, "You total idiot, ZEBRA.")
        await world.bob.send(world.chat, "A broken ZEBRA.")
        await world.forum_post(world.bob, "ZEBRA", "A half \ud83d ZEBRA, idiot.")
        await world.mod.click((await world.cards())[0], label="False alarm")
        assert "ZEBRA" not in str(world.services.health.last_error)
        assert world.services.health.last_error is not None
    assert "could not be scored" in caplog.text
    assert "ZEBRA" not in caplog.text


@pytest.mark.usefixtures("levels")
async def test_the_token_is_in_no_log_and_no_error(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_logging("DEBUG")
    monkeypatch.setattr("bot.login.running", partial(running, classifier=KeywordClassifier()))
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:9")  # nobody listens there
    given = replace(settings, token=TOKEN)
    with pytest.raises(ThreadwatchError) as raised:
        await run_bot(given, TOKEN, EXTENSIONS)
    for told in (caplog.text, repr(raised.getrepr(showlocals=False)), str(raised.value), repr(given)):
        assert not [part for part in TOKEN.split(".") if part in told]
    assert "keyword-1" in caplog.text


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


RUNS_CODE = re.compile(
    r"(eval|exec|compile|__import__)|(builtins|pickle|cPickle|marshal|shelve|dill|joblib|os\.(system|popen)|subprocess)\..*"
    r"|torch\.load|(np|numpy)\.load|yaml\.load"
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_is_run(path: Path) -> None:
    """No pickles, no evaluated text, no shell, no code that comes with a model."""
    calls = list(_calls(path))
    assert [name for name, _ in calls if RUNS_CODE.fullmatch(name)] == []
    trusting = [word for _, call in calls for word in call.keywords if word.arg in ("trust_remote_code", "shell")]
    assert [ast.unparse(word) for word in trusting if ast.unparse(word.value) != "False"] == []


STATEMENTS = ("execute", "executemany", "execute_fetchall", "fetch_all", "fetch_one", "executescript")
OURS = {
    *("SELECT_REVIEW", "_FORGET_CARD", "BUSY_TIMEOUT_MS", "POST_COLUMNS", "DECISION_COLUMNS"),  # constants
    *("wanted", "listed"),  # question marks, by `database.values`
    "gone",  # a query made of those below
    *("assignment", "condition", "where"),  # arguments that our own constants are given for
    *("table", "name", "parent"),  # names of tables, read from the schema
}


@pytest.mark.parametrize("path", sorted((ROOT / "bot" / "store").glob("*.py")), ids=lambda path: path.name)
def test_no_statement_is_put_together_from_what_somebody_wrote(path: Path) -> None:
    for name, call in _calls(path):
        if name.split(".")[-1] in STATEMENTS and call.args:
            mixed = [ast.unparse(part.value) for part in ast.walk(call.args[0]) if isinstance(part, ast.FormattedValue)]
            assert set(mixed) <= OURS, f"line {call.lineno}"
            assert not isinstance(call.args[0], ast.BinOp | ast.Call) or path.name == "database.py", call.lineno


async def test_words_that_are_sql_are_just_words(world: World) -> None:
    await world.set_up()
    before = await world.rows("SELECT name FROM sqlite_schema ORDER BY name")
    joker = world.member("joker", nick=HOSTILE)
    await world.forum_post(joker, HOSTILE, HOSTILE)
    store = world.services.store
    assert await store.reviews.resolve(1, Outcome.REMOVING, world.mod.id)
    await store.reviews.reopen(1, HOSTILE)
    assert await world.rows("SELECT name FROM sqlite_schema ORDER BY name") == before
    (words,) = await world.rows("SELECT author_name, text, thread_title FROM evidence")
    assert set(words.values()) == {HOSTILE, f"{HOSTILE}\n\n{HOSTILE}"}
    assert [row["detail"] for row in await world.rows("SELECT detail FROM review_events")][-1] == HOSTILE


def test_every_test_that_the_threat_note_names_exists() -> None:
    note = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(\w+)`", note)
    assert len(named) > 30
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (path := ROOT / "tests" / file).exists()
        or not re.search(rf"^(async )?def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_the_threat_note_names_no_test_in_another_form() -> None:
    note = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert len(re.findall(r"test_\w+\.py", note)) == len(re.findall(r"`(test_\w+\.py)::(\w+)`", note))
