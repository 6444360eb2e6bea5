"""`python -m models.train.ablate`: what one change to the recipe does, on a fixed small share of the data.

Prints the mean over the development sets of the area under the ROC curve of each score: on clean posts, on
disguised ones, and on the development scenarios of our own corpus.
"""

# scikit-learn is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.metrics import roc_auc_score

from models.labels import SCORE_KEYS, Axis, ScoreKey
from models.train.calibrate import annotated
from models.train.dataset import CORPUS, DataError, Example, draw, read_examples
from models.train.evasion import EVASIONS
from models.train.recipe import Recipe
from models.train.views import training

SHARE = 0.12
DEV_ROWS = 250
"""A set. Few, because an ablation is run many times."""

app = typer.Typer(add_completion=False)


@app.command()
def ablate(
    settings: Annotated[list[str] | None, typer.Argument(help="Changes to the recipe: name=value.")] = None,
    data: Annotated[Path, typer.Option(help="Folder with the labelled sets.")] = Path("../shared/data"),
    checkpoints: Annotated[Path, typer.Option(help="Where to keep, and resume from, checkpoints.")] = Path(
        "../checkpoints"
    ),
) -> None:
    """Make a pass over a small share of the data (``passes=``, ``closing=``: more); print figures of held-out rows."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.__main__ import trained
    from models.train.trainer import logits_of

    try:
        recipe = Recipe().with_settings([f"share={SHARE}", "passes=1", "closing=0", *(settings or [])])
        rows = read_examples(data, recipe)
    except (DataError, FileNotFoundError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    model, tokenizer = trained(recipe.each_pass(), lambda each: training(draw(rows, each), each), checkpoints)
    dev = _sample(draw(rows, recipe))
    disguised = [_disguised(example) for example in dev if Axis.INFLAMMATORY in example.targets]
    figures = {
        **_aucs(logits_of(model, tokenizer, dev), dev),
        **_aucs(logits_of(model, tokenizer, disguised), disguised, " disguised"),
    }
    typer.echo(f"{' '.join(settings or []) or 'the recipe as it is'}")
    for name, figure in figures.items():
        typer.echo(f"  {name:<34}{figure:>9.4f}")


def _sample(rows: Sequence[Example]) -> list[Example]:
    by_source: dict[str, list[Example]] = defaultdict(list)
    for example in rows:
        if example.split == "dev":
            by_source[example.source].append(example)
    return [example for name, some in by_source.items() for example in some[: None if name == CORPUS else DEV_ROWS]]


def _disguised(example: Example) -> Example:
    chance = random.Random(example.input.text)
    text = EVASIONS[chance.choice(sorted(EVASIONS))](example.input.text, chance)
    return replace(example, input=replace(example.input, text=text))


def _aucs(logits: Any, dev: Sequence[Example], suffix: str = "") -> dict[str, float]:
    """Per score the mean over sets of the AUC on annotated rows, and the corpus's own."""
    scores = np.array(logits)
    found: dict[str, float] = {}
    for column, key in enumerate(SCORE_KEYS):
        by_source: dict[str, float] = {}
        for source in sorted({example.source for example in dev}):
            auc = _auc(scores[:, column], dev, source, key)
            if auc is not None:
                by_source[source] = auc
        own = by_source.pop(CORPUS, None)
        if by_source:
            found[f"{key}{suffix}"] = mean(by_source.values())
        if own is not None:
            found[f"{key}{suffix} (corpus)"] = own
    return found


def _auc(scores: Any, dev: Sequence[Example], source: str, key: ScoreKey) -> float | None:
    chosen = [index for index, example in enumerate(dev) if example.source == source]
    rows, truth = annotated([dev[index] for index in chosen], key)
    return float(roc_auc_score(truth, scores[chosen][rows])) if truth.any() and not truth.all() else None


if __name__ == "__main__":
    app()
