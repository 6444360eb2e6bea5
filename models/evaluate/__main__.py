"""`python -m models.evaluate`: how well the classifier does, on data that it has not learned from."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
    weights: Annotated[Path, typer.Option(help="Weights folder.")] = Path("models/weights"),
    rows: Annotated[int, typer.Option(help="Rows drawn from each test set, same ones every time.", min=10)] = 1000,
    card: Annotated[Path | None, typer.Option(help="Write the model card here, its plots beside it.")] = None,
) -> None:
    """Measure the int8 graph on everything it was not trained on; print the report, or write it as a card."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.classifier import ModelError
    from models.evaluate import evaluation
    from models.evaluate.plots import write_plots
    from models.evaluate.report import model_card
    from models.loading import load_onnx, load_torch
    from models.train.dataset import DataError

    try:
        shipped, exact = load_onnx(weights), load_torch(weights, precise=True)
        found = evaluation.evaluate(shipped, exact, data, rows, lambda step: typer.echo(f"… {step}", err=True))
    except (DataError, ModelError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    pictures = card.stem if card else "pictures"
    report = model_card(found, data, pictures)
    if card is None:
        typer.echo(report)
        return
    card.write_text(report, encoding="utf-8")
    write_plots(found, card.parent / pictures)
    typer.echo(f"wrote {card} and its plots in {card.parent / pictures}")


if __name__ == "__main__":
    app()
