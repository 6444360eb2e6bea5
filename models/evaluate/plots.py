"""The pictures of the model card."""

# matplotlib's stubs leave much unknown:
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt  # the backend must be chosen first: there may be no display
from matplotlib.figure import Figure

from models.evaluate.development import Calibration
from models.evaluate.evaluation import Evaluation
from models.evaluate.test_sets import SetResult
from models.labels import Axis, ScoreKey


def write_plots(found: Evaluation, folder: Path) -> None:
    """All pictures of one evaluation, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _reliability(found.development.calibration(), folder / "reliability.png")
    _areas(found.sets, folder / "areas.png")
    if found.evasions:
        _evasion_bars(found.evasions, folder / "evasions.png")


def _reliability(calibration: Mapping[tuple[str, ScoreKey], Calibration], path: Path) -> None:
    """One panel an axis and domain: what share of the posts with a score were positive."""
    domains = list(dict.fromkeys(domain for domain, _ in calibration))
    figure, panels = plt.subplots(2, len(domains), figsize=(2.4 * len(domains), 5.2), sharex=True, sharey=True)
    for row, axis in enumerate(Axis):
        for column, domain in enumerate(domains):
            panel = panels[row][column]
            panel.plot([0, 1], [0, 1], color="0.8", linewidth=1)
            found = calibration.get((domain, axis))
            if found:
                panel.plot(found.table[:, 0], found.table[:, 1], marker="o", markersize=3)
                panel.text(0.04, 0.9, f"ECE {found.error:.3f}", fontsize=8)
            else:
                panel.text(0.2, 0.5, "no labels", fontsize=8, color="0.5")
            panel.set_title(domain if row == 0 else "", fontsize=9)
        panels[row][0].set_ylabel(f"{axis}\nshare positive", fontsize=9)
    figure.supxlabel("score", fontsize=9)
    _save(figure, path)


def _areas(results: Sequence[SetResult], path: Path) -> None:
    """Area under the curve of every test set, with its interval, beside that of alt-profanity-check."""
    ranked = sorted(results, key=lambda result: result.auc.value)
    figure, panel = plt.subplots(figsize=(7, 0.24 * len(ranked) + 1))
    for place, result in enumerate(ranked):
        color = "tab:blue" if result.trained_on else "tab:orange"
        panel.plot([result.auc.low, result.auc.high], [place, place], color=color, linewidth=2)
        panel.plot(result.auc.value, place, "o", color=color, markersize=4)
        if result.profanity_auc is not None:
            panel.plot(result.profanity_auc, place, "x", color="0.4", markersize=4)
    panel.set_yticks(
        range(len(ranked)), [f"{result.sample.name} ({result.sample.key})" for result in ranked], fontsize=7
    )
    panel.axvline(0.5, color="0.8", linewidth=1)
    panel.set_xlabel(
        "AUC with 95 % interval; blue: other rows of the set were trained on; ×: alt-profanity-check", fontsize=8
    )
    _save(figure, path)


def _evasion_bars(found: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Points of AUC that each evasion costs, by set."""
    figure, panel = plt.subplots(figsize=(7, 3.2))
    width = 0.8 / len(found)
    names: list[str] = []
    for number, (name, by_evasion) in enumerate(found.items()):
        names = [evasion for evasion in by_evasion if evasion != "none"]
        drops = [100 * (by_evasion["none"] - by_evasion[evasion]) for evasion in names]
        panel.bar([place + number * width for place in range(len(names))], drops, width, label=name)
    panel.axhline(3, color="tab:red", linewidth=1, linestyle="--")
    panel.set_xticks(
        [place + 0.4 - width / 2 for place in range(len(names))], names, rotation=25, ha="right", fontsize=8
    )
    panel.set_ylabel("points of AUC lost", fontsize=9)
    panel.legend(fontsize=8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
