"""`python -m tests.chaos.flood`: a backlog of 20,000 posts, a raid of 1,000 in ten seconds, and what they cost."""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from tests.loopback.bot_process import APPLICATION, TOKEN, BotProcess
from tests.loopback.server import Loopback, serving
from tests.loopback.town import Town

PATIENCE_SECONDS = 900.0
CAP = 10
"""Cards a minute: the default."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument("--raid", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(options.backlog, options.raid, Path(folder)))


async def _run(backlog: int, raid: int, folder: Path) -> None:
    async with serving(APPLICATION, TOKEN) as loopback:
        town = Town(loopback.world)
        process = BotProcess(loopback, folder)
        await town.set_up(process.database)
        try:
            await process.start()
            await _decided(process, town.world.post(town.chat, town.alice, "Hello.").id)
            print(f"resident memory at rest: {_resident(process)} MB")
            await process.kill()
            await _backlog(process, town, backlog)
            await _raid(process, loopback, town, raid)
        finally:
            await process.kill()


async def _backlog(process: BotProcess, town: Town, count: int) -> None:
    for number in range(count):
        town.world.post(town.chat, town.bob, f"Post {number} that nobody read.")
    began = time.monotonic()
    await process.start()
    thread = town.world.forum_post(town.forum, town.alice, "Live", "You are an idiot, live.")
    await town.card("an idiot, live", PATIENCE_SECONDS)
    live, left = time.monotonic() - began, count + 2 - _count(process)
    last = [message.id for message in town.chat.history][-1]
    highest = await _decided(process, last)
    seconds = time.monotonic() - began
    assert _count(process) >= count, "every post of the backlog is decided"
    assert thread.id > last, "the live post came after all of them"
    print(
        f"backlog of {count}: {seconds:.0f} s, {count / seconds:.0f} posts/s, memory at most {highest} MB; "
        f"a live flagged post had its card after {live:.1f} s, with {left} posts of the backlog still unread"
    )


async def _raid(process: BotProcess, loopback: Loopback, town: Town, count: int) -> None:
    """Every second post is flagged; a dozen accounts in one thread."""
    gang = [town.world.add_member(town.guild, f"raider{number}") for number in range(12)]
    thread = town.world.forum_post(town.forum, town.alice, "Raided", "Hello.")
    before, cards, began = _count(process), len(town.cards()), time.monotonic()
    for number in range(count):
        words = "You idiot" if number % 2 else "I was here"
        post = town.world.post(thread, gang[number % len(gang)], f"{words}, number {number}.")
        await asyncio.sleep(max(0.0, began + 10 * number / count - time.monotonic()))
    highest = await _decided(process, post.id)
    seconds = time.monotonic() - began
    await process.until(lambda: not _waiting(process), "a card for every review", 90)
    sent = sum(asked.startswith("POST /channels/") for asked, _ in loopback.rest.answered)
    print(
        f"raid of {count} in 10 s: {_count(process) - before - 1} decided after {seconds:.1f} s, memory at most "
        f"{highest} MB, {len(town.cards()) - cards} new messages in the review channel for {count // 2} flagged posts "
        f"(at most {CAP} a minute; {sent} sent in all)"
    )


async def _decided(process: BotProcess, message_id: int) -> int:
    """Wait until a post is decided; returns the highest resident memory meanwhile, in MB."""
    highest, end = 0, time.monotonic() + PATIENCE_SECONDS
    while not _rows(process, "SELECT 1 FROM posts WHERE external_id = ?", str(message_id)):
        assert time.monotonic() < end, f"post {message_id} was never decided; the bot wrote:\n{process.written}"
        highest = max(highest, _resident(process))
        await asyncio.sleep(0.05)
    return max(highest, _resident(process))


def _resident(process: BotProcess) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) // 1024


def _count(process: BotProcess) -> int:
    return int(_rows(process, "SELECT count(*) FROM decisions")[0][0])


def _waiting(process: BotProcess) -> int:
    return int(_rows(process, "SELECT count(*) FROM reviews WHERE card_message_id IS NULL")[0][0])


def _rows(process: BotProcess, sql: str, *values: str) -> list[tuple[int, ...]]:
    connection = sqlite3.connect(f"file:{process.database}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


if __name__ == "__main__":
    main()
