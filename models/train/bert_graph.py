"""A BERT sequence classifier as an ONNX graph, in single precision or with int8 weights and activations.

Written out by hand because every exporter leaves a graph that ONNX Runtime computes a third slower. Operators beyond
ONNX's own: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

# onnx is typed in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from models.onnx_network import INPUTS, LOGITS

Array: TypeAlias = NDArray[np.float32]
Range: TypeAlias = tuple[float, float]
"""The lowest and the highest value of an activation; what lies outside is clipped."""

EMBEDDING = "embedding"
"""The mean of the last layer's tokens, float32 [batch, hidden]: for finding similar posts."""

_CONTRIB = "com.microsoft"
_EPSILON = 1e-12
_TINY = 1e-9
"""Instead of the 0 that rows and activations without any other value would be divided by."""
_MOST = 63
"""Weights take 7 bits: CPUs without VNNI add two products in 16 bits, and would clip sums of 8-bit ones."""


class BertGraph:
    """Builds the graph from the weights of a ``BertForSequenceClassification`` by their usual names.

    With ``ranges`` (by the names in ``activations``) linear layers are computed in int8; without them in float32, and
    the activations are outputs too, so that their ranges can be measured.
    """

    def __init__(self, weights: Mapping[str, Array], config: Mapping[str, Any], ranges: Mapping[str, Range]) -> None:
        self._weights = weights
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._ranges = ranges
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self.activations: list[str] = []

    def build(self) -> ModelProto:
        mask = self._op("Cast", "attention_mask", to=TensorProto.INT32)
        tokens = self._embedded()
        for number in range(self._layers):
            tokens = self._layer(tokens, mask, f"bert.encoder.layer.{number}.")
        self._classified(tokens)
        self._mean(tokens)
        batch = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS]
        outputs = [LOGITS, EMBEDDING, *([] if self._ranges else self.activations)]
        graph = helper.make_graph(
            self._nodes,
            "bert",
            batch,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="threadwatch")

    def _embedded(self) -> str:
        """Words (a byte a value, a scale a word), places and segments, added up and normalised."""
        name = "bert.embeddings."
        words = self._weights[f"{name}word_embeddings.weight"]
        scales = _scales(words, 127)[:, None]
        rows = self._op("Gather", self._constant("words", np.rint(words / scales).astype(np.int8)), "input_ids")
        scale = self._op("Gather", self._constant("word_scales", scales), "input_ids")
        found = self._op("Mul", self._op("Cast", rows, to=TensorProto.FLOAT), scale)
        length = self._op("Shape", "input_ids", start=1, end=2)
        places = self._weight(f"{name}position_embeddings.weight")
        place = self._op("Slice", places, self._constant("first", np.array([0])), length)
        segment = self._op("Gather", self._weight(f"{name}token_type_embeddings.weight"), "token_type_ids")
        added = self._op("Add", self._op("Add", found, place), segment)
        return self._normalised(added, f"{name}LayerNorm")

    def _layer(self, tokens: str, mask: str, name: str) -> str:
        read = self._quantised(tokens, f"{name}attention.in")
        attended = self._op(
            "MultiHeadAttention",
            *(self._linear(read, f"{name}attention.self.{part}") for part in ("query", "key", "value")),
            "",
            mask,
            domain=_CONTRIB,
            num_heads=self._heads,
        )
        mixed = self._linear(self._quantised(attended, f"{name}attention.out"), f"{name}attention.output.dense")
        tokens = self._normalised(self._op("Add", mixed, tokens), f"{name}attention.output.LayerNorm")
        wide = self._linear(self._quantised(tokens, f"{name}feed_forward.in"), f"{name}intermediate.dense")
        active = self._op("Gelu", wide, domain=_CONTRIB)
        narrow = self._linear(self._quantised(active, f"{name}feed_forward.out"), f"{name}output.dense")
        return self._normalised(self._op("Add", narrow, tokens), f"{name}output.LayerNorm")

    def _classified(self, tokens: str) -> None:
        first = self._op("Gather", tokens, self._constant("first_token", np.array(0)), axis=1)
        pooled = self._op("Tanh", self._affine(first, "bert.pooler.dense"))
        self._affine(pooled, "classifier", out=LOGITS)

    def _mean(self, tokens: str) -> None:
        """Of the tokens that are no padding."""
        last, counted = self._constant("last_axis", np.array([-1])), self._constant("token_axis", np.array([1]))
        kept = self._op("Unsqueeze", self._op("Cast", "attention_mask", to=TensorProto.FLOAT), last)
        total = self._op("ReduceSum", self._op("Mul", tokens, kept), counted, keepdims=0)
        self._op("Div", total, self._op("ReduceSum", kept, counted, keepdims=0), out=EMBEDDING)

    def _quantised(self, activation: str, name: str) -> str:
        """``activation`` in 8 bits under ``name``; as it is when ranges are still to be measured."""
        self.activations.append(name)
        if not self._ranges:
            return self._op("Identity", activation, out=name)
        low, high = self._ranges[name]
        scale = max(high - low, _TINY) / 255
        self._constant(f"{name}.scale", np.array(scale, np.float32))
        self._constant(f"{name}.zero", np.array(round(-low / scale), np.uint8))
        return self._op("QuantizeLinear", activation, f"{name}.scale", f"{name}.zero", out=name)

    def _linear(self, read: str, name: str) -> str:
        weight = self._weights[f"{name}.weight"]
        bias = self._weight(f"{name}.bias")
        if not self._ranges:
            return self._op("Add", self._op("MatMul", read, self._constant(f"{name}.weight", weight.T)), bias)
        scales = _scales(weight, _MOST)
        rounded = self._constant(f"{name}.weight", np.rint(weight / scales[:, None]).astype(np.int8).T)
        scale = self._constant(f"{name}.scales", scales)
        return self._op(
            "MatMulIntegerToFloat", read, rounded, f"{read}.scale", scale, f"{read}.zero", "", bias, domain=_CONTRIB
        )

    def _affine(self, read: str, name: str, out: str | None = None) -> str:
        return self._op("Gemm", read, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"), out=out, transB=1)

    def _normalised(self, tokens: str, name: str) -> str:
        gain, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", tokens, gain, shift, axis=-1, epsilon=_EPSILON)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants.append(numpy_helper.from_array(value.copy(order="C"), name))
        return name

    def _op(self, kind: str, *inputs: str, out: str | None = None, domain: str = "", **attributes: Any) -> str:
        output = out or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output


def _scales(weight: Array, most: int) -> Array:
    """For each row, what its greatest value is to be divided by to become ``most``."""
    return np.maximum(np.abs(weight).max(axis=1), _TINY) / most
