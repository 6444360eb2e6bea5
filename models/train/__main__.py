"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
    out: Annotated[Path, typer.Option(help="Folder that receives the weights.")] = Path("models/weights"),
    checkpoints: Annotated[Path, typer.Option(help="Where to keep, and resume from, checkpoints.")] = Path(
        "../checkpoints"
    ),
    setting: Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: name=value.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned
    from models.train.dataset import DataError, load_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import chosen, development

    try:
        recipe = Recipe().with_settings(setting or [])
        rows = load_examples(data, recipe)
    except (DataError, FileNotFoundError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    from models.train.release import write_weights  # slow to import: a mistyped setting is told at once
    from models.train.stages import student, teacher

    learned, dev = chosen(rows, recipe), development(rows)
    typer.echo(summary([*learned, *dev]))
    teachers = [teacher(data, number, learned, recipe, checkpoints) for number in range(recipe.teachers)]
    model, tokenizer = student(rows, learned, teachers, recipe, checkpoints)
    typer.echo(write_weights(out, model, tokenizer, dev, Learned(learned, data)))


if __name__ == "__main__":
    app()
