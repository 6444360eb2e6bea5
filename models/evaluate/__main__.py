"""`python -m models.evaluate`: how well each test set is told apart, and what the default thresholds do there."""

# scikit-learn is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
import asyncio
import csv
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sklearn.metrics import roc_auc_score

from models.classifier import Classifier, ClassifierInput
from models.labels import Axis, Label, ScoreKey
from models.train.dataset import DataError, read_rows, tidy
from models.train.sources import Row

_KEY_OF_SCOPE: dict[str, ScoreKey] = {
    "checkworthy": Label.CHECKWORTHY,
    "conspiracy": Axis.MISINFORMATION,
    "propaganda": Axis.MISINFORMATION,
    "veracity": Axis.MISINFORMATION,
    "verifiable_claim": Axis.MISINFORMATION,
}
"""Every other scope asks for something inflammatory."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    key: ScoreKey
    posts: list[ClassifierInput]
    truth: list[bool]


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
    weights: Annotated[Path, typer.Option(help="Weights folder.")] = Path("models/weights"),
    rows: Annotated[int, typer.Option(help="Rows drawn from each set, same seed, same rows.", min=10)] = 1000,
) -> None:
    """Print, for every test set and published test split: AUC, and recall and false alarms at the default."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.transformer import TransformerClassifier

    classifier = TransformerClassifier.load(weights)
    typer.echo(f"model {classifier.info.version}, {rows} rows a set at most")
    typer.echo(f"{'set':<30}{'score':<18}{'rows':>6}{'positive':>10}{'AUC':>7}{'recall':>8}{'false alarms':>14}")
    try:
        for sample in samples(data, rows):
            typer.echo(asyncio.run(_line(classifier, sample)))
    except DataError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def samples(data: Path, rows: int) -> Iterator[Sample]:
    """A random sample of every test set, and of the published test split of every other English set."""
    with (data / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        sets = list(csv.DictReader(file))
    for entry in sets:
        key = _KEY_OF_SCOPE.get(entry["scope"], Axis.INFLAMMATORY)
        column = "inflammatory" if key is Axis.INFLAMMATORY else "misinfo"
        kept = [
            row
            for row in read_rows(data, entry["name"])
            if row[column] and row["lang"] in ("", "en") and (entry["use"] == "test" or row["split"] == "test")
        ]
        chosen = random.Random(entry["name"]).sample(kept, min(rows, len(kept)))
        truth = [float(row[column]) >= 0.5 for row in chosen]
        if len(set(truth)) == 2:
            yield Sample(entry["name"], key, [_post(row) for row in chosen], truth)


def _post(row: Row) -> ClassifierInput:
    return ClassifierInput(tidy(row["text"]))


async def _line(classifier: Classifier, sample: Sample) -> str:
    predictions = await classifier.predict(sample.posts)
    scores = [prediction.scores.get(sample.key, 0.0) for prediction in predictions]
    threshold = classifier.info.default_thresholds[sample.key]
    recall = _share(scores, sample.truth, threshold, of=True)
    false_alarms = _share(scores, sample.truth, threshold, of=False)
    return (
        f"{sample.name:<30}{sample.key:<18}{len(scores):>6}{sum(sample.truth):>10}"
        f"{float(roc_auc_score(sample.truth, scores)):>7.3f}{recall:>8.2f}{false_alarms:>14.3f}"
    )


def _share(scores: Sequence[float], truth: Sequence[bool], threshold: float, *, of: bool) -> float:
    """Share of the rows whose truth is ``of`` that reach the threshold."""
    chosen = [score >= threshold for score, true in zip(scores, truth, strict=True) if true is of]
    return sum(chosen) / len(chosen)


if __name__ == "__main__":
    app()
