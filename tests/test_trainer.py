"""What is shipped lies between the weights of the two passes."""

import pytest
import torch

from models.train.trainer import blend, weights_of


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
def test_blended_weights_lie_between_both_passes(share: float, expected: float) -> None:
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, 1.0)
    before = weights_of(model)
    torch.nn.init.constant_(model.weight, 3.0)
    blend(model, before, share)
    assert torch.equal(model.weight, torch.full((1, 2), expected))
    assert torch.equal(before["weight"], torch.ones(1, 2)), "the copy is not the model's own"
