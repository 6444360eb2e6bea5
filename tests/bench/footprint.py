"""What the running bot costs: memory, and the time from its start until it watches.

``python -m tests.bench.footprint`` starts it several times on the loopback Discord and takes a minute or two.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, Popen

import psutil

from tests.bench.growth import MEGABYTE, counted, resident_mb
from tests.bench.posts import texts
from tests.loopback.bot_process import APPLICATION, ROOT, TOKEN, BotProcess
from tests.loopback.server import Loopback, serving
from tests.loopback.town import Town

STARTS = 3
POSTS = 200
REST_SECONDS = 2.0
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 300.0
HEAVY = ("torch", "transformers", "scipy", "sklearn", "pandas", "onnx", "matplotlib", "huggingface_hub", "simcord")
"""What a bot without a GPU has no use for."""

_SCORE_ONE = """
import sys
from pathlib import Path
from models.classifier import ClassifierInput, Runtime
from models.loading import load_classifier
model = load_classifier(Path("models/weights"), Runtime(sys.argv[1]))
assert model.predict_now([ClassifierInput("The council meets on Tuesday.")])[0].scores
print("scored", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the bot: seconds since the process began, resident memory in MB (of a million bytes).

    discord.py waits for two seconds whether more servers come before it says that it is ready.
    """

    loaded_s: float
    """Its first request to Discord: the model and the database are open; the cogs are not imported yet."""
    connected_s: float
    """The gateway has sent it its servers: from here on posts arrive."""
    ready_s: float
    """It has said “connected as”."""
    posts_s: float
    """From the first of the posts in a watched channel to the last decision; not counted from the start."""
    ready_mb: float
    rest_mb: float
    """Some seconds after the posts were decided."""
    peak_mb: float
    libraries: frozenset[str]
    """Those of `torch` and `onnxruntime` whose code is mapped into the process."""


@dataclass(frozen=True, slots=True)
class OnRuntime:
    """The bot with one value of THREADWATCH_RUNTIME.

    ``imports``: each package imported until the posts are decided, and its time in ms without what it imports itself;
    measured by Python (`-X importtime`) in one more start, which that slows a little. Slowest first.
    """

    name: str
    starts: Sequence[Start]
    imports: Mapping[str, float]

    @property
    def heavy(self) -> list[str]:
        return [name for name in HEAVY if name in self.imports]

    def best(self, figure: Callable[[Start], float]) -> float:
        return min(map(figure, self.starts))

    def middle(self, figure: Callable[[Start], float]) -> float:
        return median(map(figure, self.starts))


@dataclass(frozen=True, slots=True)
class Scored:
    """A process that loads a model and scores one post: seconds until it has, resident memory then and at most (MB)."""

    seconds: float
    resident_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Figures:
    """``scored``: by name, the best of several starts of a model alone, without a bot around it."""

    posts: int
    runtimes: Sequence[OnRuntime]
    scored: Mapping[str, Scored]


async def measure(rival: Sequence[str] = (), starts: int = STARTS, posts: int = POSTS) -> Figures:
    """Measure the bot on the runtime it chooses by itself and on torch, and both models alone.

    ``rival`` is the command of another model to compare those with; `score_one` says what it has to do.
    """
    runtimes = [await of_runtime(name, starts, posts) for name in ("auto", "torch")]
    commands = {name: [sys.executable, "-c", _SCORE_ONE, name] for name in ("auto", "torch")}
    if rival:
        commands["rival"] = [*rival]
    tries = {name: [score_one(command) for _ in range(starts)] for name, command in commands.items()}
    return Figures(posts, runtimes, {name: min(each, key=lambda one: one.seconds) for name, each in tries.items()})


async def of_runtime(name: str, starts: int = STARTS, posts: int = POSTS, model: str = "weights") -> OnRuntime:
    """Start the bot ``starts`` times with THREADWATCH_RUNTIME=``name``, and once more to see what it imports."""
    measured = [(await _start(posts, model, THREADWATCH_RUNTIME=name))[0] for _ in range(starts)]
    _, log = await _start(posts, model, THREADWATCH_RUNTIME=name, PYTHONPROFILEIMPORTTIME="1")
    return OnRuntime(name, measured, imports_of(log))


def score_one(command: Sequence[str]) -> Scored:
    """Run a process that loads a model, scores a post, prints a line, and ends when its standard input does."""
    began = time.perf_counter()
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdout is not None, "it is a pipe"
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        assert line, f"{command[:2]} ended with {process.wait()} before it had scored"
        scored = Scored(seconds, resident_mb(process.pid), peak_mb(process.pid))
        process.communicate()
    return scored


async def _start(posts: int, model: str, **environment: str) -> tuple[Start, str]:
    """One start in a fresh folder, and all that the bot wrote."""
    with tempfile.TemporaryDirectory() as folder:
        async with serving(APPLICATION, TOKEN) as loopback:
            town = Town(loopback.world)
            process = BotProcess(loopback, Path(folder), "--model", model, **environment)
            await town.set_up(process.database)
            try:
                return await _watched(loopback, town, process, texts(posts)), process.written
            finally:
                await process.kill()


async def _watched(loopback: Loopback, town: Town, process: BotProcess, posts: Sequence[str]) -> Start:
    began = time.perf_counter()
    await process.launch()

    async def seconds_until(condition: Callable[[], object], since: float = began) -> float:
        await _until(process, condition)
        return time.perf_counter() - since

    loaded = await seconds_until(lambda: loopback.rest.answered)
    connected = await seconds_until(lambda: loopback.gateway.ready)
    ready = await seconds_until(lambda: "connected as" in process.written)
    at_ready = resident_mb(process.pid)
    posting = time.perf_counter()
    for text in posts:
        town.world.post(town.chat, town.alice, text)
    decided = await seconds_until(lambda: counted(process.database)[0] == len(posts), posting)
    await asyncio.sleep(REST_SECONDS)
    memory = at_ready, resident_mb(process.pid), peak_mb(process.pid)
    return Start(loaded, connected, ready, decided, *memory, libraries_of(process.pid))


async def _until(process: BotProcess, condition: Callable[[], object]) -> None:
    """Look again and again: some of it is told by nothing but a file."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            assert process.running, f"the bot ended; it wrote:\n{process.written}"
            await asyncio.sleep(LOOK_SECONDS)


def peak_mb(pid: int) -> float:
    """The most that was ever resident, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (kibibytes,) = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) * 1024 / MEGABYTE


def libraries_of(pid: int) -> frozenset[str]:
    """Which runtimes have compiled code mapped: what is loaded cannot hide there."""
    paths = {Path(mapped.path) for mapped in psutil.Process(pid).memory_maps()}
    return frozenset(name for name in ("torch", "onnxruntime") if any(name in path.parts for path in paths))


def imports_of(log: str) -> dict[str, float]:
    """What a process wrote with `-X importtime`, summed up by package."""
    ms: dict[str, float] = defaultdict(float)
    for spent, name in re.findall(r"^import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)\s*$", log, re.MULTILINE):
        ms[name.partition(".")[0]] += int(spent) / 1000
    return dict(sorted(ms.items(), key=lambda each: -each[1]))


def lines_of(figures: Figures) -> list[str]:
    return [
        *(line for runtime in figures.runtimes for line in _lines_of_runtime(runtime, figures.posts)),
        "One post scored by the model alone (best start)",
        *(
            f"  {name:<24}{each.seconds:>8.2f} s{each.resident_mb:>8.0f} MB, at most {each.peak_mb:.0f}"
            for name, each in figures.scored.items()
        ),
    ]


def _lines_of_runtime(runtime: OnRuntime, posts: int) -> list[str]:
    rows: list[tuple[str, str, Callable[[Start], float]]] = [
        ("loaded after", "s", lambda start: start.loaded_s),
        ("connected after", "s", lambda start: start.connected_s),
        ("ready after", "s", lambda start: start.ready_s),
        (f"{posts} posts decided in", "s", lambda start: start.posts_s),
        ("resident when ready", "MB", lambda start: start.ready_mb),
        ("resident at rest", "MB", lambda start: start.rest_mb),
        ("at most", "MB", lambda start: start.peak_mb),
    ]
    libraries = sorted({name for start in runtime.starts for name in start.libraries})
    slowest = ", ".join(f"{name} {ms:.0f}" for name, ms in list(runtime.imports.items())[:12])
    return [
        f"THREADWATCH_RUNTIME={runtime.name}: {len(runtime.starts)} starts, best and median",
        *(f"  {what:<24}{runtime.best(of):>8.2f}{runtime.middle(of):>8.2f} {unit}" for what, unit, of in rows),
        f"  mapped: {', '.join(libraries)}; of no use without a GPU: {', '.join(runtime.heavy) or 'nothing'}",
        f"  imports, ms: {slowest}; together {sum(runtime.imports.values()):.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("rival", nargs=argparse.REMAINDER, help="command of another model to compare with")
    options = parser.parse_args()
    print("\n".join(lines_of(asyncio.run(measure(options.rival, options.starts)))))


if __name__ == "__main__":
    main()
