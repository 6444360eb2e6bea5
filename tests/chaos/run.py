"""One run: the storm, the troubles, and then peace until the records are as they must be, or time is up."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.audit import Audit, audit
from tests.chaos.storm import Storm
from tests.chaos.troubles import Troubles
from tests.loopback.bot_process import APPLICATION, TOKEN, BotProcess
from tests.loopback.server import serving
from tests.loopback.town import Town

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    posts: int
    kills: int
    pace: float
    """Things that happen in a second."""
    seed: int
    troubles: int
    model: str = "keyword"
    peace_seconds: float = 240.0
    restart_at_end: bool = False
    """Saves the time that the bot's own timers take (a minute), and hides what only a restart would mend."""


@dataclass(frozen=True, slots=True)
class Outcome:
    storm: Storm
    happened: Counter[str]
    audit: Audit
    exit_code: int


async def run(plan: Plan, folder: Path) -> Outcome:
    async with serving(APPLICATION, TOKEN, heartbeat_ms=500) as loopback:
        town = Town(loopback.world)
        options = ("--silence", "2", "--model", plan.model)
        process = BotProcess(loopback, folder, *options, THREADWATCH_CARDS_PER_MINUTE="60")
        await town.set_up(process.database)
        storm = Storm(town, loopback.interactions, plan.seed)
        await process.start()
        try:
            troubles = Troubles(loopback, town, process, plan.seed)
            await _weather(plan, storm, troubles)
            await troubles.over()
            if plan.restart_at_end:
                await troubles.kill()
            found = await _peace(plan, storm, process)
            exit_code = await process.stop(seconds=15)
        finally:
            await process.kill()
        return Outcome(storm, troubles.happened, found, exit_code)


async def _weather(plan: Plan, storm: Storm, troubles: Troubles) -> None:
    chance = random.Random(plan.seed)
    kills = sorted(chance.sample(range(plan.posts // 20, plan.posts), plan.kills))
    others = sorted(chance.sample(range(plan.posts), plan.troubles))
    while storm.posts < plan.posts:
        storm.step()
        if kills and storm.posts >= kills[0]:
            kills.pop(0)
            await troubles.kill()
        if others and storm.posts >= others[0]:
            others.pop(0)
            troubles.any()
        await troubles.keep_running()
        await asyncio.sleep(chance.expovariate(plan.pace))


async def _peace(plan: Plan, storm: Storm, process: BotProcess) -> Audit:
    """The first audit without a fault, or the last one."""
    loop = asyncio.get_running_loop()
    end = loop.time() + plan.peace_seconds
    while (found := audit(storm, process.database)).faults and loop.time() < end:  # noqa: ASYNC110  # it is another process
        await asyncio.sleep(LOOK_SECONDS)
    return found
