"""docs/performance.md: what was measured, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.evaluate.report import table
from tests.bench import prose
from tests.bench.footprint import Figures as Footprint
from tests.bench.footprint import Start
from tests.bench.growth import Growth
from tests.bench.load import Load
from tests.bench.machine import Machine
from tests.bench.profile import TOKENS, Profile
from tests.bench.speed import Speed
from tests.bench.store import Figures as StoreFigures


@dataclass(frozen=True, slots=True)
class Measured:
    machine: Machine
    speeds: Sequence[Speed]
    """Detoxify's first, then Threadwatch's."""
    profile: Profile
    footprint: Footprint
    loads: Sequence[Load]
    behind: Sequence[Load]
    """While history is read behind the live posts."""
    store: StoreFigures
    growth: Growth


def document(found: Measured, pictures: str) -> str:
    """``pictures`` is the folder of the plots, relative to the document."""
    parts = (
        prose.INTRODUCTION,
        _machine(found.machine),
        "## In short",
        _targets(found),
        "## Speed\n\n" + prose.SPEED,
        _speeds(found.speeds),
        "## Where the time goes\n\n" + prose.PROFILE,
        _profile(found.profile, found.machine),
        "## Load\n\n" + prose.LOAD,
        f"![Throughput and latency against load]({pictures}/load.png)",
        _loads(found.loads),
        prose.BEHIND,
        _loads(found.behind),
        "## Memory and start\n\n" + prose.FOOTPRINT,
        _footprint(found.footprint),
        "## The database\n\n" + prose.STORE,
        _store(found.store),
        "## A long scan\n\n" + prose.GROWTH.format(posts=found.growth.posts, source=found.growth.source),
        f"![Speed and memory of each tenth]({pictures}/growth.png)",
        _growth(found.growth),
        prose.TRIED,
    )
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _machine(machine: Machine) -> str:
    return (
        f"Measured on {machine.cores} cores of: {machine.processor} ({', '.join(machine.instructions)}), "
        f"{machine.memory_gb:.0f} GB, Python {machine.python}, {machine.packages}."
    )


def _targets(found: Measured) -> str:
    detoxify, ours = found.speeds[:2]
    assert detoxify.idle_ms is not None and ours.idle_ms is not None, "both are measured"
    bot = found.footprint.runtimes[0]
    best = max(found.store.writing, key=lambda each: each.per_second)
    slowest = max(found.store.answers, key=lambda each: each.ms)
    overhead = next(each for each in found.store.overhead if each.batch == 128 and each.flagged)
    growth = found.growth
    rows = (
        ("throughput, against Detoxify", "20 times", f"{ours.posts_per_second / detoxify.posts_per_second:.1f} times"),
        ("a single post on an idle machine, against Detoxify", "1/10", f"1/{detoxify.idle_ms / ours.idle_ms:.1f}"),
        ("resident memory of the running bot", "300 MB", f"{bot.middle(_rest):.0f} MB"),
        ("from start to watching", "6 s", f"{bot.middle(_connected):.1f} s"),
        ("event loop blocked, at most, below saturation", "20 ms", f"{_longest_block(found.loads):.1f} ms"),
        ("decisions a second into SQLite", "5,000", f"{best.per_second:,.0f}"),
        ("pipeline without the model", "0.2 ms a post", f"{overhead.ms:.2f} ms a post"),
        ("slowest command on a million decisions", "200 ms", f"{slowest.ms:.0f} ms ({slowest.what})"),
        (
            "long scan, last tenth against first",
            "flat",
            f"speed x{growth.speed_ratio:.2f}, memory x{growth.memory_ratio:.2f}",
        ),
    )
    return table(("", "target", "measured"), rows)


def _longest_block(loads: Sequence[Load]) -> float:
    return max(load.loop_ms for load in loads if load.decided > 0.9 * load.offered)


def _rest(start: Start) -> float:
    return start.rest_mb


def _connected(start: Start) -> float:
    return start.connected_s


def _speeds(speeds: Sequence[Speed]) -> str:
    first = speeds[0]
    return table(
        ("", "posts/s", "times Detoxify", "ms for a single post, idle"),
        (
            (
                *(speed.way, f"{speed.posts_per_second:.1f}"),
                f"{speed.posts_per_second / first.posts_per_second:.1f}",
                f"{speed.idle_ms:.1f}" if speed.idle_ms else None,
            )
            for speed in speeds
        ),
    )


def _profile(profile: Profile, machine: Machine) -> str:
    steps = table(
        ("of a post", "ms"),
        (
            ("cleaning (one core)", profile.clean_ms),
            ("windows and tokens (one core)", profile.tokens_ms),
            (f"forward pass at {TOKENS} tokens, in a full batch (all cores)", profile.forward_ms),
        ),
    )
    operators = table(
        ("operator", "share of the forward pass"),
        ((name, f"{share:.1%}") for name, share in list(profile.operators.items())[:8]),
    )
    inside = profile.gops / profile.matrix_share
    return (
        f"{steps}\n\n{operators}\n\nThis machine multiplies a large matrix with {machine.int8_gops:,.0f} GOP/s in int8 "
        f"(fp32: {machine.fp32_gops:,.0f}). The forward pass makes {profile.gops:,.0f} GOP/s, "
        f"**{profile.gops / machine.int8_gops:.0%} of that peak**; its matrix multiplications alone {inside:,.0f}, "
        f"{inside / machine.int8_gops:.0%}."
    )


def _loads(loads: Sequence[Load]) -> str:
    return table(
        ("offered/s", "decided/s", "refused", "p50 ms", "p95 ms", "p99 ms", "loop blocked, ms at most"),
        (
            (
                *(f"{load.offered:.0f}", f"{load.decided:.1f}", load.refused),
                *(f"{value:.1f}" for value in (load.p50, load.p95, load.p99, load.loop_ms)),
            )
            for load in loads
        ),
    )


def _footprint(footprint: Footprint) -> str:
    bot = table(
        ("bot on", "connected, s", "ready, s", "MB at rest", "MB at most", "imports torch or transformers"),
        (
            (
                f"`THREADWATCH_RUNTIME={runtime.name}`",
                *(
                    f"{runtime.middle(lambda start, name=name: getattr(start, name)):.1f}"
                    for name in ("connected_s", "ready_s")
                ),
                *(
                    f"{runtime.middle(lambda start, name=name: getattr(start, name)):.0f}"
                    for name in ("rest_mb", "peak_mb")
                ),
                "yes" if {"torch", "transformers"} & set(runtime.heavy) else "no",
            )
            for runtime in footprint.runtimes
        ),
    )
    names = {"auto": "Threadwatch's classifier", "torch": "the same on torch", "rival": "Detoxify"}
    alone = table(
        ("a process with the model alone", "s to the first score", "MB", "MB at most"),
        (
            (names[name], f"{each.seconds:.1f}", f"{each.resident_mb:.0f}", f"{each.peak_mb:.0f}")
            for name, each in footprint.scored.items()
        ),
    )
    return f"{bot}\n\n{alone}"


def _store(store: StoreFigures) -> str:
    writing = table(
        ("batch", "flagged", "onto decisions", "decisions/s"),
        (
            (each.batch, "5 %" if each.flagged else "none", f"{each.before:,}", f"{each.per_second:,.0f}")
            for each in store.writing
        ),
    )
    overhead = table(
        ("pipeline, batch", "flagged", "ms a post"),
        ((each.batch, "5 %" if each.flagged else "none", each.ms) for each in store.overhead),
    )
    answers = table(("asked of a million decisions", "ms"), ((each.what, f"{each.ms:.1f}") for each in store.answers))
    upkeep = table(("rare, or nobody waits for it", "ms"), ((each.what, f"{each.ms:,.0f}") for each in store.upkeep))
    return f"{writing}\n\n{overhead}\n\n{answers}\n\n{upkeep}"


def _growth(growth: Growth) -> str:
    return table(
        ("posts", "posts/s", "processor ms a post", "resident MB"),
        (
            (f"{tenth.posts:,}", f"{tenth.per_second:.0f}", f"{tenth.cpu_ms:.2f}", f"{tenth.resident_mb:.0f}")
            for tenth in growth.tenths
        ),
    )
