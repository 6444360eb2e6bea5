"""What the classifier makes of posts, on both runtimes, with a network of a few thousand random weights."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models.classifier import ClassifierInput, Context
from models.explain import explain
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_onnx, load_torch
from models.memory import Memory
from models.onnx_network import processors
from models.torch_network import TorchNetwork, load_network
from models.train.bert_graph import EMBEDDING
from models.weights_folder import GRAPH
from models.windowed import WindowedClassifier, _together
from tests.support.tiny_weights import tiny_folder

RUNTIMES = {"onnx": load_onnx, "torch": partial(load_torch, precise=True)}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module", params=RUNTIMES)
def shared(released: Path, request: pytest.FixtureRequest) -> WindowedClassifier:
    return RUNTIMES[request.param](released)


def test_half_precision_weights_are_computed_with_in_single_precision(released: Path) -> None:
    network = load_torch(released, precise=True).network
    assert isinstance(network, TorchNetwork)
    assert {parameter.dtype for parameter in network.model.parameters()} == {torch.float32}
    assert not network.model.training


@pytest.mark.parametrize(
    ("limit", "found"), [("max 100000", 64), ("150000 100000", 2), ("5000 100000", 1), ("6500000 100000", 64), ("", 64)]
)
def test_a_container_counts_as_many_processors_as_it_has_time_of(
    limit: str, found: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu.max").write_text(limit)
    assert processors(tmp_path / "cpu.max") == found
    assert processors(tmp_path / "nowhere") == 64


async def test_the_graph_says_what_the_weights_say(released: Path) -> None:
    """Of random weights, which are harder to round than trained ones."""
    posts = [ClassifierInput(text, title=title) for text in ("you are an idiot!", "today") for title in (None, "met")]
    exact = await load_torch(released, precise=True).predict(posts)
    for small, large in zip(await load_onnx(released).predict(posts), exact, strict=True):
        assert small.spans == large.spans and small.context == large.context
        assert small.scores == pytest.approx(large.scores, abs=0.01)


def test_the_graph_gives_the_mean_of_the_last_layer_as_the_embedding_of_a_text(released: Path) -> None:
    ids = np.array([[2, 4, 5, 6, 3], [2, 7, 3, 0, 0]])
    given = {"input_ids": ids, "token_type_ids": np.zeros_like(ids), "attention_mask": (ids > 0).astype(np.int64)}
    (found,) = onnxruntime.InferenceSession(str(released / GRAPH)).run([EMBEDDING], given)
    model, _ = load_network(released)
    with torch.inference_mode():
        last = model.bert(**{name: torch.tensor(value) for name, value in given.items()}).last_hidden_state.numpy()
    wanted = [last[0].mean(axis=0), last[1, :3].mean(axis=0)]
    assert found == pytest.approx(np.array(wanted), abs=0.05)


async def test_every_score_is_a_probability_with_a_part_of_the_text(shared: WindowedClassifier) -> None:
    text = "  **You** are an ||idiot||! <@12>  "
    (prediction,) = await shared.predict([ClassifierInput(text)])
    assert set(prediction.scores) == set(prediction.spans) == set(SCORE_KEYS)
    assert all(0 < score < 1 for score in prediction.scores.values())
    for span in prediction.spans.values():
        assert span.cut(text).startswith("You") and "idiot" in span.cut(text)


def test_scores_do_not_depend_on_what_else_is_in_the_batch(shared: WindowedClassifier) -> None:
    texts = ["the council met today. " * count + "you are an idiot" for count in (0, 1, 18, 3, 7)]
    encoded = [shared._reading.encode(text, None) for text in texts]
    together = shared.network.logits(encoded * 9)
    for number, text in enumerate(encoded):
        assert shared.network.logits([text])[0] == pytest.approx(together[number], abs=1e-4)


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u200d", "|| ||", "\x00"])
async def test_a_post_without_anything_to_read_has_no_scores(shared: WindowedClassifier, text: str) -> None:
    before, empty, after = await shared.predict([ClassifierInput("you"), ClassifierInput(text), ClassifierInput("you")])
    assert empty.scores == {} and empty.spans == {}
    assert before.scores == pytest.approx(after.scores)


async def test_nothing_asked_is_nothing_answered(shared: WindowedClassifier) -> None:
    assert await shared.predict([]) == []


@pytest.mark.parametrize(
    "text", ["x" * 4_000, "you are an idiot " * 235, "😀" * 1_000, "你好。" * 1_000, "half \ud83d pair"]
)
async def test_long_and_strange_posts_are_scored(shared: WindowedClassifier, text: str) -> None:
    (prediction,) = await shared.predict([ClassifierInput(text)])
    assert set(prediction.scores) == set(SCORE_KEYS)
    assert all(0 <= span.start < span.end <= len(text) for span in prediction.spans.values())


async def test_a_long_post_scores_what_the_highest_of_its_windows_say_together(shared: WindowedClassifier) -> None:
    calm = [f"the council met today, on matter {n}. " for n in range(60)]
    post = ClassifierInput(f"{''.join(calm)}you are an idiot! {''.join(calm)}")
    (prediction,) = await shared.predict([post])
    assert len(set(prediction.spans.values())) > 1, "no score rests on the whole post"
    (counts, wide), (less, narrow) = shared._read(post).scales
    shared._memory = Memory(0)  # else it would compare what it remembers with itself
    for key in SCORE_KEYS:
        alone = {
            places: sorted(
                [(await shared.predict([ClassifierInput(text)]))[0].scores[key] for text, _ in places], reverse=True
            )[:4]
            for places in (tuple(wide), tuple(narrow))
        }
        expected = max(_together(alone[tuple(wide)], counts), _together(alone[tuple(narrow)], less))
        assert prediction.scores[key] == pytest.approx(expected, abs=1e-4)


async def test_the_context_that_was_read_is_told(shared: WindowedClassifier) -> None:
    posts = [
        ClassifierInput("you"),
        ClassifierInput("you", title="the council"),
        ClassifierInput("you", reply_to="are an idiot"),
        ClassifierInput("you", title="the council", reply_to="are an idiot"),
        ClassifierInput("you", title=" ", reply_to="\u200b"),
    ]
    predictions = await shared.predict(posts)
    told = [prediction.context for prediction in predictions]
    both = {Context.TITLE, Context.REPLY_TO}
    assert told == [frozenset(), {Context.TITLE}, {Context.REPLY_TO}, both, frozenset()]
    first, *rest, last = [prediction.scores[Axis.INFLAMMATORY] for prediction in predictions]
    assert first == pytest.approx(last) and all(score != pytest.approx(first) for score in rest)


async def test_the_decisive_sentence_is_the_one_that_scores_highest_alone(shared: WindowedClassifier) -> None:
    post = ClassifierInput("The council met. **You** are an ||idiot||! Today?")
    (prediction,) = await shared.predict([post])
    key = Label.INSULT
    explanation = await explain(shared, post, key, prediction.spans[key], words=False)
    sentences = ["The council met.", "You** are an ||idiot||!", "Today?"]
    alone = [p.scores[key] for p in await shared.predict([ClassifierInput(sentence) for sentence in sentences])]
    assert explanation.decisive.cut(post.text) == sentences[alone.index(max(alone))]
