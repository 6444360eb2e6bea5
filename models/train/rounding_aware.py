"""Training for int8: encoder layers compute with weights and activations rounded as in the graph that ships.

Gradients pass the rounding unchanged (Jacob et al., https://arxiv.org/abs/1712.05877). Ranges of activations are those
of the batch; the graph's are fixed, measured afterwards on posts of our corpus.
"""

# torch is typed in part:
# pyright: reportUnknownMemberType=false

import torch
from torch.nn.functional import linear
from typing_extensions import override

from models.train.bert_graph import MOST, TINY


class RoundedLinear(torch.nn.Linear):
    """Computes rounded; its weights stay in full precision, and are saved so."""

    @override
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return linear(_rounded_tokens(input), _rounded_weight(self.weight), self.bias)


def compute_rounded(encoder: torch.nn.Module) -> None:
    """Let every linear layer of ``encoder`` compute rounded from now on."""
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.__class__ = RoundedLinear


def _rounded_tokens(tokens: torch.Tensor) -> torch.Tensor:
    lowest, highest = tokens.detach().aminmax()
    low, high = min(lowest.item(), 0.0), max(highest.item(), 0.0)
    scale = max(high - low, TINY) / 255
    return torch.fake_quantize_per_tensor_affine(tokens, scale, round(-low / scale), 0, 255)


def _rounded_weight(weight: torch.Tensor) -> torch.Tensor:
    """A scale a row, as in the graph."""
    scales = weight.detach().abs().amax(dim=1).clamp(min=TINY) / MOST
    middles = torch.zeros_like(scales, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scales, middles, 0, -MOST, MOST)
