"""`python -m bot demo`: serve the page, let posts arrive, or take one picture for headless machines."""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import simcord
from playwright.async_api import async_playwright
from rich.console import Console
from simcord.preview import Preview

from bot.app import Services, running
from bot.client import Threadwatch
from bot.config import Settings
from bot.demo.script import LATER, THREAD, Line
from bot.demo.town import Town
from bot.errors import InputError

SECONDS_BETWEEN_POSTS = 45.0
"""On the simulated server's clock."""
SECONDS_BETWEEN_ARRIVALS = 12.0
"""On the wall clock, for whoever watches; a page refresh disturbs a click, so not too often."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

console = Console()


async def run_demo(settings: Settings, extensions: Sequence[str], *, port: int, screenshot: Path | None) -> None:
    """Run until the page is closed or Ctrl-C; with ``screenshot``, until the picture is written.

    The demo's database lives in a temporary folder: a real one is never touched.
    """
    if screenshot is not None:
        _chromium()
    console.print("Starting the bot with the real model in a simulated Discord …")
    env: simcord.Env | None = None

    def clock() -> int:
        return int(env.now().timestamp() * 1000) if env else 0

    with tempfile.TemporaryDirectory(prefix="threadwatch-demo-") as folder:
        private = replace(settings, database=Path(folder) / "demo.db")
        async with (
            running(private, clock=clock) as services,
            simcord.run(Threadwatch(services, extensions), shard_count=1, settle_timeout=30) as env,
        ):
            town = Town(env)
            await town.set_up(services)
            town.open_thread()
            await _arrive(env, services, town, THREAD if screenshot is None else THREAD + LATER)
            await _show(env, services, town, port, screenshot)


async def _arrive(env: simcord.Env, services: Services, town: Town, lines: Sequence[Line]) -> None:
    """Post ``lines``, one after the other, and say how long the flagged ones took to become cards."""
    seconds: list[float] = []
    for line in lines:
        (_, before, _), started = await services.store.decisions.count(town.guild.id), time.perf_counter()
        town.write(line)
        await services.intake.drain()
        await env.settle()
        took = time.perf_counter() - started
        if (await services.store.decisions.count(town.guild.id))[1] > before:
            seconds.append(took)
        await env.advance_time(SECONDS_BETWEEN_POSTS)
    if seconds:
        console.print(
            f"{len(lines)} posts, {len(seconds)} flagged; from post to card {statistics.median(seconds) * 1000:.0f} ms "
            f"(median), {max(seconds) * 1000:.0f} ms at most"
        )


async def _show(env: simcord.Env, services: Services, town: Town, port: int, screenshot: Path | None) -> None:
    async with env.preview(town.review, viewers=town.moderators, layout="channel", port=port) as page:
        if screenshot is not None:
            await _take_picture(page.url, screenshot)
            console.print(f"Picture written to {screenshot}")
            return
        console.print(f"\n[bold]Open {page.url}[/] in your browser. Ctrl-C ends the demo.", soft_wrap=True)
        console.print(
            "You are Maya, a moderator, in the review channel. Press the buttons; try /threshold show and /status."
        )
        async with asyncio.TaskGroup() as group:
            arrivals = group.create_task(_keep_arriving(env, services, town, page))
            await page.wait_closed()
            arrivals.cancel()


async def _keep_arriving(env: simcord.Env, services: Services, town: Town, page: Preview) -> None:
    for line in LATER:
        await asyncio.sleep(SECONDS_BETWEEN_ARRIVALS)
        town.write(line)
        await services.intake.drain()
        await _when_free(env, page)
        console.print(f"{line.author} posted: {line.text}", style="dim", markup=False)


async def _when_free(env: simcord.Env, page: Preview) -> None:
    """Move the clock and redraw as soon as no click of the visitor is being worked on."""
    while True:
        try:
            await env.advance_time(SECONDS_BETWEEN_POSTS)
            await page.refresh()
        except simcord.SetupError:
            await asyncio.sleep(0.1)
        else:
            return


def _chromium() -> str:
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    raise InputError("--screenshot needs Chromium; on Debian and Ubuntu: sudo apt install chromium")


async def _take_picture(url: str, target: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox", "--disable-background-networking"]
        )
        view = await browser.new_page(viewport={"width": 1280, "height": 1000})
        await view.goto(url)
        await view.get_by_text("Go to post").last.wait_for()
        await view.wait_for_timeout(1000)
        await view.screenshot(path=target)
        await browser.close()
