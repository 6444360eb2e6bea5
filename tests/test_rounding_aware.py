"""Training for int8: layers compute rounded, learn all the same, and keep their weights in full precision."""

# torch is typed in part:
# pyright: reportUnknownMemberType=false

import torch

from models.train.bert_graph import MOST
from models.train.rounding_aware import compute_rounded


def layer() -> torch.nn.Linear:
    torch.manual_seed(1)
    return torch.nn.Linear(8, 4)


def test_weights_and_activations_take_as_many_values_as_in_the_graph() -> None:
    exact, rounded = layer(), layer()
    compute_rounded(torch.nn.Sequential(rounded))
    tokens = torch.rand(50, 8) * 3 - 1
    scales = exact.weight.abs().amax(dim=1, keepdim=True) / MOST
    weight = (exact.weight / scales).round() * scales
    step = (tokens.max() - tokens.min()) / 255
    read = (tokens / step).round() * step
    assert torch.allclose(rounded(tokens), read @ weight.T + exact.bias, atol=1e-5)
    assert not torch.allclose(rounded(tokens), exact(tokens), atol=1e-4), "rounding shows"


def test_a_rounded_layer_learns() -> None:
    rounded = layer()
    compute_rounded(torch.nn.Sequential(rounded))
    before = rounded.weight.detach().clone()
    tokens, wanted = torch.rand(64, 8), torch.zeros(64, 4)
    optimizer = torch.optim.SGD(rounded.parameters(), lr=0.1)
    losses: list[float] = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = (rounded(tokens) - wanted).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert not torch.equal(rounded.weight, before)


def test_what_is_saved_is_in_full_precision_under_its_usual_names() -> None:
    rounded = layer()
    compute_rounded(torch.nn.Sequential(rounded))
    assert {name: value.tolist() for name, value in rounded.state_dict().items()} == {
        name: value.tolist() for name, value in layer().state_dict().items()
    }


def test_an_activation_that_is_zero_throughout_stays_so() -> None:
    rounded = layer()
    compute_rounded(torch.nn.Sequential(rounded))
    assert torch.allclose(rounded(torch.zeros(3, 8)), rounded.bias.expand(3, 4), atol=1e-6)
