"""Bring your own model, and something is wrong with the file, the hub or the model: it is told in words."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from transformers import BertForSequenceClassification, BertModel

from models.classifier import ModelError
from models.foreign import load_foreign
from models.loading import load_classifier
from tests.support.tiny_model import (
    AXIS_ONLY,
    COMMIT,
    HUB,
    Describe,
    bert_tokenizer,
    roberta_tokenizer,
    save_bert,
)


def fault(file: Path) -> str:
    with pytest.raises(ModelError) as raised:
        load_foreign(file)
    return str(raised.value)


def test_a_commit_that_is_not_here_and_cannot_be_fetched_is_told_with_two_ways_out(
    tmp_path: Path, bert: Path, describe: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    copytree(bert, tmp_path / "hub" / "models--somebody--tiny" / "snapshots" / ("f" * 40))
    said = fault(describe(head=HUB))
    assert "not on this machine" in said and "hf download somebody/tiny" in said and "HF_HUB_OFFLINE" in said


def test_a_hub_that_refuses_is_told_with_what_to_look_at(describe: Describe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise OSError("401 Client Error")

    monkeypatch.setattr("models.foreign.snapshot_download", refuse)
    said = fault(describe(head=HUB))
    assert "401 Client Error" in said and "HF_TOKEN" in said and f"somebody/tiny@{COMMIT}" in said


def test_only_weights_that_are_no_pickles_are_loaded(bert: Path, describe: Describe) -> None:
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    said = fault(describe())
    assert "no model.safetensors" in said and "save_pretrained('converted')" in said and str(bert) in said


@pytest.mark.parametrize(
    ("head", "rest", "told"),
    [
        ("", AXIS_ONLY, ["`model` must be"]),
        ("model = 5", AXIS_ONLY, ["`model` must be"]),
        ("model = ", AXIS_ONLY, ["not valid TOML"]),
        ('model = "somebody/tiny"', AXIS_ONLY, ["no folder", "`revision`", "full commit"]),
        ('model = "somebody/tiny"\nrevision = "main"', AXIS_ONLY, ["40 characters", "'main'"]),
        ('model = "somebody/tiny"\nrevision = "4d6c22e7"', AXIS_ONLY, ["40 characters"]),
        (f'model = "../tiny-bert"\nrevision = "{COMMIT}"', AXIS_ONLY, ["a folder takes no `revision`"]),
        ('model = "tiny-bert"\nlabel = 1', AXIS_ONLY, ["unknown: label", "known are"]),
        ('model = "tiny-bert"\nactivation = "relu"', AXIS_ONLY, ['"sigmoid" or "softmax"', "'relu'"]),
        ('model = "tiny-bert"\nlabels = "toxic"', "", ["[labels]"]),
        ('model = "tiny-bert"', "", ["[labels]"]),
        ('model = "tiny-bert"', "[labels]\ntoxic = 1", ["[labels] toxic"]),
        ('model = "tiny-bert"', '[labels]\ntoxic = "rudeness"', ["[labels]", "'rudeness'", "inflammatory, "]),
        ('model = "tiny-bert"', '[labels]\ntoxic = "checkworthy"', ["flagged for"]),
        ('model = "tiny-bert"', '[labels]\nrude = "insult"', ["no label rude", "toxic, insult, calm"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[thresholds]\nrudeness = 0.5", ["[thresholds]", "'rudeness'"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[thresholds]\ninsult = 0.5", ["[thresholds] insult", "no label"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[thresholds]\ninflammatory = 70", ["70", "from 0 to 1"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[thresholds]\ninflammatory = nan", ["nan", "from 0 to 1"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[thresholds]\ninflammatory = true", ["True", "from 0 to 1"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[calibration]\ninflammatory = 2", ["[slope, offset]"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[calibration]\ninflammatory = [1, inf]", ["[slope, offset]"]),
        ('model = "tiny-bert"', f"{AXIS_ONLY}\n[calibration]\nthreat = [1, 0]", ["[calibration] threat"]),
    ],
)
def test_a_fault_in_the_file_is_told_with_what_to_mend(
    describe: Describe, head: str, rest: str, told: list[str]
) -> None:
    file = describe(rest, head)
    said = fault(file)
    for part in [str(file), *told]:
        assert part in said


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_told(describe: Describe, content: bytes | None) -> None:
    file = describe()
    file.unlink() if content is None else file.write_bytes(content)
    assert str(file) in fault(file) and ("THREADWATCH_MODEL" in fault(file) or "not valid TOML" in fault(file))


def alter_config(**changes: Any) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(content))

    return harm


def remove(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:40]) and None


def drop_head(folder: Path) -> None:
    """A bare encoder, as is pre-trained: transformers would add a head of random weights."""
    config = (folder / "config.json").read_text()
    BertModel.from_pretrained(str(folder)).save_pretrained(str(folder))
    (folder / "config.json").write_text(config)


def another_tokenizer(folder: Path) -> None:
    """One with more tokens than the model has."""
    roberta_tokenizer().save_pretrained(str(folder))


def no_padding(folder: Path) -> None:
    tokenizer = bert_tokenizer()
    tokenizer.pad_token = None
    tokenizer.save_pretrained(str(folder))


def no_numbers(folder: Path) -> None:
    network = BertForSequenceClassification.from_pretrained(str(folder))
    torch.nn.init.constant_(network.classifier.bias, math.nan)
    network.save_pretrained(str(folder))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (remove("config.json"), "config"),
        (remove("tokenizer.json", "tokenizer_config.json"), "the tokenizer is missing"),
        (cut("config.json"), "config"),
        (cut("model.safetensors"), "afetensor"),
        (cut("tokenizer.json"), ""),
        (drop_head, "classifier.bias"),
        (another_tokenizer, ""),
        (no_padding, "pad"),
        (no_numbers, "not a number"),
        (alter_config(model_type="theirs", auto_map={"AutoConfig": "theirs.Config"}), "no foreign code"),
    ],
    ids=str,
)
def test_a_model_that_cannot_work_is_refused_at_the_start(
    bert: Path, describe: Describe, harm: Callable[[Path], None], told: str
) -> None:
    harm(bert)
    said = fault(describe())
    assert "the model tiny-bert@" in said and "cannot be used" in said and "choose another model" in said
    assert told in said and "trust_remote_code" not in said


@pytest.mark.parametrize(
    ("labels", "line", "told"),
    [
        ({"0": "a", "1": "toxic", "2": "c"}, "", "is regression. Set `activation`"),
        ({"0": "toxic"}, 'activation = "softmax"', "Set `activation` to sigmoid"),
    ],
)
def test_answers_that_are_no_probabilities_are_refused(
    tmp_path: Path, describe: Describe, labels: dict[str, str], line: str, told: str
) -> None:
    save_bert(tmp_path / "other", tuple(labels.values()), problem_type="regression")
    assert told in fault(describe(f"{line}\n{AXIS_ONLY}", 'model = "other"'))


async def test_a_folder_without_our_card_leads_to_the_toml_file(bert: Path) -> None:
    with pytest.raises(ModelError, match="TOML file: “Bring your own model”"):
        load_classifier(bert)
