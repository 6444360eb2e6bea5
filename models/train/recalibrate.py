"""`python -m models.train.recalibrate`: scores and default thresholds anew for weights that stay as they are.

For when the development rows have changed, our corpus' say, or what is asked of the thresholds.
"""

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from models.classifier import ModelError
from models.weights_folder import CARD, GRAPH, WEIGHTS, read_card, write_card

app = typer.Typer(add_completion=False)


@app.command()
def recalibrate(
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
    weights: Annotated[Path, typer.Option(help="Weights folder.")] = Path("models/weights"),
) -> None:
    """Calibrate the scores on today's development rows, choose default thresholds, write both into the card."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.dataset import DataError, load_examples
    from models.train.recipe import Recipe
    from models.train.release import calibrate
    from models.train.views import development

    readme = weights / "README.md"
    try:
        read_card(weights, WEIGHTS)
        read_card(weights, GRAPH)
        text, card = readme.read_text(encoding="utf-8"), (weights / CARD).read_text(encoding="utf-8")
        recipe = Recipe()
        dev = development(load_examples(data, recipe), recipe)
    except (DataError, ModelError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    before = json.loads(card)
    try:
        report = calibrate(weights, before["version"], dev)
    except BaseException:  # it writes the card twice: halfway, scores would mean nothing
        (weights / CARD).write_text(card, encoding="utf-8")
        raise
    after = json.loads((weights / CARD).read_text(encoding="utf-8"))
    write_card(weights, {**after, "graph_of": before["graph_of"]})
    readme.write_text(
        re.sub(r"```\n.*?\n```", lambda _: f"```\n{report}\n```", text, flags=re.DOTALL), encoding="utf-8"
    )
    typer.echo(report)


if __name__ == "__main__":
    app()
