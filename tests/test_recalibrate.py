"""`python -m models.train.recalibrate`: new thresholds for weights that stay, and clear words where it cannot."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from models.loading import load_onnx
from models.train import recalibrate as command
from models.train import release
from models.weights_folder import CARD, GRAPH, WEIGHTS, write_card
from tests.support.tiny_weights import alter, tiny_folder


def run(weights: Path, data: Path) -> SimpleNamespace:
    result = CliRunner().invoke(command.app, ["--weights", str(weights), "--data", str(data)])
    return SimpleNamespace(code=result.exit_code, output=result.output)


def test_card_and_readme_change_and_the_network_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tiny_folder(tmp_path / "weights")
    (weights / "README.md").write_text("# Weights\n\n```\nold figures\n```\n\nThe rest\n", encoding="utf-8")
    network = (weights / WEIGHTS).read_bytes()
    card = json.loads((weights / CARD).read_text(encoding="utf-8"))

    def calibrate(folder: Path, version: str, _: object) -> str:
        kept = {key: value for key, value in card.items() if key != "graph_of"}
        write_card(folder, {**kept, "version": version, "default_thresholds": dict.fromkeys(card["calibration"], 0.25)})
        return "new figures"

    monkeypatch.setattr(release, "calibrate", calibrate)
    monkeypatch.setattr("models.train.dataset.load_examples", lambda *_: [])
    result = run(weights, tmp_path)
    assert result.code == 0 and "new figures" in result.output
    assert (weights / WEIGHTS).read_bytes() == network
    shipped = load_onnx(weights)
    assert set(shipped.info.default_thresholds.values()) == {0.25} and shipped.info.version == "tiny-1+int8"
    assert (weights / "README.md").read_text(encoding="utf-8") == "# Weights\n\n```\nnew figures\n```\n\nThe rest\n"


def test_a_calibration_that_breaks_leaves_the_card_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tiny_folder(tmp_path / "weights")
    (weights / "README.md").write_text("# Weights\n", encoding="utf-8")
    card = (weights / CARD).read_bytes()

    def broken(folder: Path, version: str, _: object) -> str:
        write_card(folder, {"version": version})
        raise KeyboardInterrupt

    monkeypatch.setattr(release, "calibrate", broken)
    monkeypatch.setattr("models.train.dataset.load_examples", lambda *_: [])
    assert run(weights, tmp_path).code != 0
    assert (weights / CARD).read_bytes() == card


@pytest.mark.parametrize("missing", ["README.md", WEIGHTS, GRAPH])
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, missing: str) -> None:
    weights = tiny_folder(tmp_path / "weights")
    (weights / "README.md").write_text("# Weights\n", encoding="utf-8")
    card = (weights / CARD).read_bytes()
    (weights / missing).unlink()
    result = run(weights, tmp_path)
    assert result.code == 2 and missing in result.output
    assert (weights / CARD).read_bytes() == card


def test_a_graph_of_other_weights_is_refused(tmp_path: Path) -> None:
    weights = tiny_folder(tmp_path / "weights")
    (weights / "README.md").write_text("# Weights\n", encoding="utf-8")
    alter(weights, graph_of="of others")
    assert run(weights, tmp_path).code == 2


def test_a_folder_without_data_or_weights_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    weights = tiny_folder(tmp_path / "weights")
    (weights / "README.md").write_text("# Weights\n", encoding="utf-8")
    card = (weights / CARD).read_bytes()
    result = run(weights, tmp_path / "nowhere")
    assert result.code == 2 and "error: " in result.output and "nowhere" in result.output
    assert (weights / CARD).read_bytes() == card
    assert run(tmp_path / "no weights", tmp_path).code == 2
