"""The model card: the evaluation as Markdown."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from models.evaluate import prose
from models.evaluate.evaluation import Evaluation
from models.evaluate.robustness import summary_of_bias
from models.evaluate.samples import DOMAINS
from models.evaluate.test_sets import SetResult
from models.labels import SCORE_KEYS, Axis
from models.train.calibrate import PREVALENCE
from models.train.recipe import Recipe
from models.train.sources import SOURCES

_WORST_TERMS = 8
_ABSENT: tuple[int | None, float | None] = (None, None)


def model_card(found: Evaluation, data: Path, pictures: str) -> str:
    """``pictures`` is the folder of the plots, relative to the card."""
    parts = (
        prose.INTRODUCTION.format(version=found.version, rows=found.rows),
        "## Test sets\n\n" + prose.TEST_SETS,
        _test_sets(found.sets),
        f"![Areas under the curve]({pictures}/areas.png)",
        prose.PUBLISHED,
        "## Our own corpus, held-out scenarios\n",
        _corpus(found),
        "## What must pass\n\n" + prose.CIVIL,
        _must_pass(found),
        "## Calibration and thresholds\n\n" + prose.CALIBRATION.format(prevalence=PREVALENCE),
        _calibration(found),
        f"![Reliability diagrams]({pictures}/reliability.png)",
        "## Disguise\n\n" + prose.DISGUISE,
        _evasions(found),
        f"![Cost of each disguise]({pictures}/evasions.png)",
        "## Identity terms\n",
        _bias(found),
        "## Context and long posts\n",
        _context(found),
        "## What int8 costs\n\n" + prose.ROUNDING.format(worst=100 * found.rounding[0].loss),
        _rounding(found),
        "## Training sets\n\n" + prose.TRAINING,
        _training_sets(data),
    )
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; floats are shown with three digits."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def _test_sets(results: Sequence[SetResult]) -> str:
    head = ["set", "score", "posts", "positive", "AUC", "AUC of its axis", "average precision", "macro-F1"]
    head += ["recall", "false alarms", "ECE", "AUC of alt-profanity-check"]
    return table(
        head,
        (
            (
                *(result.sample.name + ("" if result.trained_on else " *"), result.sample.key),
                *(len(result.sample.truth), sum(result.sample.truth), result.auc, result.axis_auc),
                *(result.average_precision, result.macro_f1, result.recall, result.false_alarms),
                *(result.calibration_error, result.profanity_auc),
            )
            for result in results
        ),
    )


def _corpus(found: Evaluation) -> str:
    own = found.corpus
    scores = table(
        ("score", "AUC", "AUC of a linear model over words"),
        ((key, value, own.words_auc.get(key) if isinstance(key, Axis) else None) for key, value in own.by_key.items()),
    )
    pairs = table(
        ("axis", "phenomenon of the labelled post", "pairs", "in the right order"),
        ((axis, name, order.pairs, order.share) for axis in Axis for name, order in own.pairs[axis].items()),
    )
    at_default = table(
        ("axis", "recall at the default threshold", "false alarms"),
        ((axis, own.recall[axis], own.false_alarms[axis]) for axis in Axis),
    )
    return (
        f"{own.posts} posts from scenarios that training never saw.\n\n{scores}\n\n{at_default}\n\n"
        f"Minimal pairs, labelled post against its twins without (a tie is wrong):\n\n{pairs}"
    )


def _must_pass(found: Evaluation) -> str:
    development = found.development.strata(found.thresholds)
    names = list(dict.fromkeys((*development, *found.must_pass)))
    return table(
        ("posts", "development rows", "flagged", "test rows", "flagged in the test"),
        ((name, *development.get(name, _ABSENT), *found.must_pass.get(name, _ABSENT)) for name in names),
    )


def _rounding(found: Evaluation) -> str:
    return table(
        ("set", "score", "posts", "AUC in int8", "AUC in single precision", "points lost", "verdicts changed"),
        (
            (r.name, r.key, r.posts, r.int8_auc, r.exact_auc, f"{100 * r.loss:.2f}", f"{r.changed:.1%}")
            for r in found.rounding
        ),
    )


def _calibration(found: Evaluation) -> str:
    calibration = found.development.calibration()
    quality = found.development.quality(found.thresholds)
    domains = ("all", *DOMAINS)
    errors = table(
        ("ECE of", *domains),
        (
            (key, *(calibration[d, key].error if (d, key) in calibration else None for d in domains))
            for key in SCORE_KEYS
        ),
    )
    thresholds = table(
        ("score", "default threshold", "AUC", "recall", "false alarms"),
        ((k, found.thresholds[k], of.auc, of.recall, of.false_alarms) for k, of in quality.items()),
    )
    return f"{errors}\n\nAt the default thresholds, on all annotated development rows:\n\n{thresholds}"


def _evasions(found: Evaluation) -> str:
    names = list(found.evasions)
    kinds = [kind for by_kind in list(found.evasions.values())[:1] for kind in by_kind]
    return table(("disguise", *names), ((kind, *(found.evasions[name][kind] for name in names)) for kind in kinds))


def _bias(found: Evaluation) -> str:
    if not found.bias:
        return "Not measured."
    summary = table(("measure", "value"), summary_of_bias(found.bias).items())
    worst = table(
        ("term", "sentences", "false alarms", "subgroup AUC", "BPSN AUC", "BNSP AUC"),
        ((b.term, b.rows, b.false_alarms, b.subgroup_auc, b.bpsn_auc, b.bnsp_auc) for b in found.bias[:_WORST_TERMS]),
    )
    return f"{prose.BIAS}\n\n{summary}\n\n{worst}"


def _context(found: Evaluation) -> str:
    context = table(("set", "AUC with context", "AUC without"), ((name, *pair) for name, pair in found.context.items()))
    long_posts = table(
        ("set", "AUC alone", "AUC inside a long post"), ((name, *pair) for name, pair in found.long_posts.items())
    )
    return f"{context}\n\nThe same posts set among some 150 words of civil argument:\n\n{long_posts}"


def _training_sets(data: Path) -> str:
    with (data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        manifest = {row["name"]: row for row in csv.DictReader(file)}
    share = Recipe().share
    return table(
        ("set", "rows a pass at most", "licence as found", "source"),
        (
            (source.name, int(source.rows * share), manifest[source.name]["licence"], manifest[source.name]["source"])
            for source in SOURCES
        ),
    )
