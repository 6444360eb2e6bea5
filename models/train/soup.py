"""`python -m models.train.soup`: weights between those of two trained networks, calibrated anew.

Networks that were trained apart from one encoder err apart, and what lies between them is often better than either:
Wortsman et al., Model soups (https://arxiv.org/abs/2203.05482).
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from models.classifier import ModelError

app = typer.Typer(add_completion=False)


@app.command()
def soup(
    first: Annotated[Path, typer.Argument(help="Weights folder.")],
    second: Annotated[Path, typer.Argument(help="Weights folder.")],
    out: Annotated[Path, typer.Option(help="Folder that receives the weights.")],
    share: Annotated[float, typer.Option(help="How much the second counts.", min=0, max=1)] = 0.5,
    data: Annotated[Path, typer.Option(help="Folder with MANIFEST.csv and the labelled sets.")] = Path(
        "../shared/data"
    ),
) -> None:
    """Mix the weights of two networks, calibrate the scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned, version_of
    from models.train.dataset import DataError, load_examples
    from models.train.recipe import Recipe
    from models.train.views import development

    try:
        names = [version_of(folder) for folder in (first, second)]
        rows = load_examples(data, Recipe())
    except (DataError, FileNotFoundError, ModelError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    from models.train.release import write_weights
    from models.train.trainer import blend, network, weights_of

    (model, tokenizer), (other, _) = (network(folder, seed=0) for folder in (second, first))
    blend(model, weights_of(other), share)
    mixed = ", ".join(f"{part:.0%} those of {name}" for part, name in zip((1 - share, share), names, strict=True))
    origin = f"Its weights are {mixed} (`docs/training.md`)."
    typer.echo(write_weights(out, model, tokenizer, development(rows), Learned(rows, data, origin)))


if __name__ == "__main__":
    app()
