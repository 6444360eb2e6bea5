"""A weights folder: verified when it is loaded, and what the classifier in it makes of posts."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from models.classifier import ClassifierInput, Context, ModelError, Runtime
from models.explain import explain
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_classifier, load_onnx, load_torch
from models.memory import Memory
from models.onnx_network import OnnxNetwork, processors
from models.torch_network import TorchNetwork, load_network
from models.train.bert_graph import EMBEDDING
from models.train.export import export
from models.weights_folder import CARD, GRAPH, WEIGHTS, checksum, read_card, write_card
from models.windowed import WindowedClassifier
from tests.support.keyword import AXIS_OF

Load = Callable[[Path], WindowedClassifier]
WORDS = ["you", "are", "an", "idiot", "the", "council", "met", "today", "user", "@", ".", ",", "!", "?"]
HEAD = [key.value for key in SCORE_KEYS]


def tiny_folder(folder: Path, head: list[str] = HEAD) -> Path:
    """A network of a few thousand random weights, saved as the real one is."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    backend = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(str(folder))
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    names = dict(enumerate(head))
    config = BertConfig(vocab_size=len(pieces), id2label=names, label2id={v: k for k, v in names.items()}, **sizes)
    BertForSequenceClassification(config).to(torch.float16).save_pretrained(str(folder))
    write_card(folder, card())
    export(folder)
    return folder


def card() -> dict[str, Any]:
    return {
        "version": "tiny-1",
        "axis_of": AXIS_OF,
        "calibration": dict.fromkeys(HEAD, (2.0, -1.0)),
        "default_thresholds": dict.fromkeys(HEAD, 0.5),
    }


def alter(folder: Path, **changes: Any) -> None:
    """Change the card, checksums untouched; ``None`` removes an entry."""
    content = json.loads((folder / CARD).read_text()) | changes
    (folder / CARD).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module", params=[load_onnx, partial(load_torch, precise=True)], ids=["onnx", "torch"])
def load(request: pytest.FixtureRequest) -> Load:
    return request.param


@pytest.fixture(scope="module")
def shared(released: Path, load: Load) -> WindowedClassifier:
    return load(released)


@pytest.fixture
def folder(released: Path, tmp_path: Path) -> Path:
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_the_card_says_what_the_scores_mean(folder: Path) -> None:
    info = load_torch(folder).info
    assert info == read_card(folder, WEIGHTS).info
    assert load_onnx(folder).info == replace(info, version="tiny-1+int8"), "scores of another runtime can be told apart"
    assert info.version == "tiny-1" and info.axis_of == AXIS_OF
    assert Label.CHECKWORTHY not in info.axis_of and info.default_thresholds[Axis.MISINFORMATION] == 0.5


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


async def test_a_long_post_has_the_score_of_its_highest_window_and_says_which(shared: WindowedClassifier) -> None:
    calm = "the council met today. " * 60
    text = f"{calm}you are an idiot! {calm}"
    (prediction,) = await shared.predict([ClassifierInput(text)])
    assert len(set(prediction.spans.values())) > 1, "no score rests on the whole post"
    shared._memory = Memory(0)  # else it would compare what it remembers with itself
    for key in SCORE_KEYS:
        (window,) = await shared.predict([ClassifierInput(prediction.spans[key].cut(text))])
        assert window.scores[key] == pytest.approx(prediction.scores[key], abs=1e-4)


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


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def append(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b" ")


@pytest.mark.parametrize("harm", [remove(CARD), remove(WEIGHTS), remove("tokenizer.json"), remove("config.json")])
def test_a_missing_file_is_told_with_where_to_get_it(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    with pytest.raises(ModelError, match=rf"{folder}.*missing.*git checkout -- models/weights.*THREADWATCH_MODEL"):
        load_torch(folder)


def test_a_runtime_needs_only_its_own_network(folder: Path) -> None:
    remove(WEIGHTS)(folder)
    assert load_onnx(folder).predict_now([ClassifierInput("you")])[0].scores
    (folder / WEIGHTS).touch()
    append(GRAPH)(folder)
    with pytest.raises(ModelError, match=r"model\.int8\.onnx is not the one that was released"):
        load_onnx(folder)


def test_weights_without_a_graph_say_how_to_make_it(folder: Path) -> None:
    write_card(folder, {**card(), "graph_of": "another"})
    with pytest.raises(ModelError, match=r"other weights than those beside it.*models\.train\.export"):
        load_onnx(folder)
    remove(GRAPH)(folder)
    write_card(folder, card())
    with pytest.raises(ModelError, match=r"no model\.int8\.onnx.*python -m models\.train\.export.*THREADWATCH_RUNTIME"):
        load_onnx(folder)
    export(folder)
    assert load_onnx(folder).predict_now([ClassifierInput("you")])[0].scores


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model at"):
        load_onnx(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_an_altered_file_is_refused(folder: Path, name: str) -> None:
    append(name)(folder)
    with pytest.raises(ModelError, match=rf"{name} is not the one that was released \(wrong checksum\).*git checkout"):
        load_torch(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"sha256": None},
        {"sha256": []},
        {"sha256": {}},
        {"axis_of": []},
        {"axis_of": {"rudeness": "inflammatory"}},
        {"axis_of": {"insult": "rudeness"}},
        {"default_thresholds": {"inflammatory": "high"}},
        {"default_thresholds": {"insult": 0.5}},
        {"calibration": {"insult": 3}},
        {"calibration": {"insult": [1.0, 0.0]}},
        {"calibration": None},
    ],
    ids=str,
)
def test_a_malformed_card_is_refused_when_it_is_loaded(folder: Path, changes: dict[str, Any]) -> None:
    alter(folder, **changes)
    with pytest.raises(ModelError, match="git checkout -- models/weights"):
        load_onnx(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "\xff"])
def test_a_card_that_is_no_card_is_refused(folder: Path, content: str) -> None:
    (folder / CARD).write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelError, match=rf"{CARD} is malformed"):
        load_onnx(folder)


@pytest.mark.parametrize("head", [["rudeness", *HEAD[1:]], HEAD[1:]])
def test_a_network_with_other_labels_than_its_card_is_refused(tmp_path: Path, head: list[str], load: Load) -> None:
    with pytest.raises(ModelError, match="git checkout -- models/weights"):
        load(tiny_folder(tmp_path, head))


@pytest.mark.parametrize("name", [WEIGHTS, GRAPH, "tokenizer.json", "config.json"])
def test_a_released_file_that_is_damaged_is_an_error_in_words(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:40])
    write_card(folder, {**card(), "graph_of": checksum(folder / WEIGHTS)})
    with pytest.raises(ModelError, match=r"cannot be loaded|cannot load|is malformed"):
        (load_onnx if name == GRAPH else load_torch)(folder)


def test_machines_without_a_gpu_get_the_graph_and_others_torch(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.loading._has_gpu", lambda: False)
    assert isinstance(load_classifier(released).network, OnnxNetwork)
    assert isinstance(load_classifier(released, Runtime.TORCH).network, TorchNetwork)
    monkeypatch.setattr("models.loading._has_gpu", lambda: True)
    assert isinstance(load_classifier(released).network, TorchNetwork)
    assert isinstance(load_classifier(released, Runtime.ONNX).network, OnnxNetwork)


def test_a_model_that_is_not_ours_does_not_run_on_onnx(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"my\.toml.*runs on torch.*THREADWATCH_RUNTIME"):
        load_classifier(tmp_path / "my.toml", Runtime.ONNX)
