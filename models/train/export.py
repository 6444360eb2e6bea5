"""`python -m models.train.export`: the weights in int8, as the graph that ONNX Runtime computes without a GPU.

Activations get fixed ranges, measured on our own corpus. ONNX Runtime could also measure them anew in each batch; that
is slower, no nearer to the weights, and gives a post another score in other company.
"""

# onnx and safetensors are typed in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime as ort
import typer
from onnx import ModelProto
from safetensors.numpy import load_file

from models.classifier import ModelError
from models.encoding import Encoded, Encoder, context_of
from models.text import clean
from models.train.bert_graph import Array, BertGraph, Range
from models.train.corpus import corpus
from models.weights_folder import CARD, CONFIG, GRAPH, WEIGHTS, checksum, read_card, write_card

POSTS = 300
"""Of the corpus, its test scenarios left out, that ranges are measured on."""
OUTSIDE = 5e-5
"""Share of an activation's values that are clipped at either end: the few largest would coarsen all others."""

_runtime: Any = ort  # untyped: a compiled module

app = typer.Typer(add_completion=False)


@app.command()
def main(weights: Annotated[Path, typer.Option(help="Weights folder.")] = Path("models/weights")) -> None:
    """Write the int8 graph of the weights beside them, and its checksum into their card."""
    try:
        read_card(weights, WEIGHTS)
        size = export(weights)
    except (ModelError, OSError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"wrote {weights / GRAPH}, {size / 1e6:.1f} MB")


def export(folder: Path) -> int:
    """Write the graph of the weights in ``folder`` and note it in the card; returns its size in bytes."""
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / WEIGHTS).items()}
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    graph = BertGraph(weights, config, _ranges(weights, config, _posts(Encoder.load(folder)))).build()
    (folder / GRAPH).write_bytes(graph.SerializeToString())
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    write_card(folder, {**card, "graph_of": checksum(folder / WEIGHTS)})
    return (folder / GRAPH).stat().st_size


def _posts(encoder: Encoder) -> list[Encoded]:
    """Every second one in its context."""
    posts = [post.input for post in corpus() if post.split != "test"]
    chosen = posts[:: max(1, len(posts) // POSTS)]
    contexts = [context_of(post.title, post.reply_to)[0] if index % 2 else None for index, post in enumerate(chosen)]
    return [encoder.encode(clean(post.text).text, context) for post, context in zip(chosen, contexts, strict=True)]


def _ranges(weights: dict[str, Array], config: dict[str, Any], posts: Sequence[Encoded]) -> dict[str, Range]:
    """What each quantised activation ranges over, in single precision."""
    graph = BertGraph(weights, config, {})
    session = _session(graph.build())
    values: dict[str, list[Array]] = {name: [] for name in graph.activations}
    for post in posts:
        given = {name: np.array([ids]) for name, ids in post.items()}
        for name, found in zip(values, session.run(graph.activations, given), strict=True):
            values[name].append(found.ravel())
    return {name: _range(np.concatenate(found)) for name, found in values.items()}


def _range(values: Array) -> Range:
    low, high = np.quantile(values, (OUTSIDE, 1 - OUTSIDE))
    return min(float(low), 0.0), max(float(high), 0.0)


def _session(graph: ModelProto) -> Any:
    return _runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    app()
