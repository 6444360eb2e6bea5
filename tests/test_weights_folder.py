"""A weights folder: verified when it is loaded, and each runtime gets what is its own."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.classifier import ClassifierInput, ModelError, Runtime
from models.labels import Axis, Label
from models.loading import load_classifier, load_onnx, load_torch
from models.onnx_network import OnnxNetwork
from models.torch_network import TorchNetwork
from models.train.export import export
from models.weights_folder import CARD, GRAPH, WEIGHTS, checksum, read_card, write_card
from models.windowed import WindowedClassifier
from tests.support.keyword import AXIS_OF
from tests.support.tiny_weights import HEAD, alter, card, tiny_folder

Load = Callable[[Path], WindowedClassifier]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("weights"))


@pytest.fixture(params=[load_onnx, load_torch])
def load(request: pytest.FixtureRequest) -> Load:
    return request.param


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


def test_an_onnx_runtime_that_does_not_fit_the_machine_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "models.onnx_network", None)
    with pytest.raises(ModelError, match=r"ONNX Runtime cannot be loaded.*force-reinstall onnxruntime"):
        load_onnx(folder)
