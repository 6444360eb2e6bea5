"""Labels that we read ourselves in public rows: they stand where a set did not ask, and nowhere else."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from models.labels import AXIS_OF, SCORE_KEYS, Axis, Label, ScoreKey
from models.train import readings
from models.train.dataset import Example, fingerprint, load_examples
from models.train.recipe import Recipe
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS
from models.train.views import seen_again
from tests.support.datasets import data

SHIPPED: dict[str, dict[str, list[str]]] = json.loads(Path(readings.__file__).with_suffix(".json").read_text())
NONE = dict.fromkeys(MISINFORMATION_KEYS, 0.0)
PLOT = {**NONE, Label.CONSPIRACY: 1.0, Axis.MISINFORMATION: 1.0}


@pytest.fixture(autouse=True)
def own_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the shipped ones."""
    read: dict[str, dict[ScoreKey, float]] = {
        "They will burn for it": {Label.THREAT: 1.0},
        "They burn the soup": {Label.THREAT: 0.0},
        "They hide the truth": {**PLOT},
        "They hide the soup": {**NONE},
        "Gay people bore me": {Axis.INFLAMMATORY: 1.0},
        "Gay people amuse me": dict.fromkeys(INFLAMMATORY_KEYS, 0.0),
    }
    monkeypatch.setattr(readings, "_ROWS", {fingerprint(text)[:16]: targets for text, targets in read.items()})
    monkeypatch.setattr("models.train.dataset.corpus", lambda: iter(()))


def loaded(folder: Path, name: str, text: str, **columns: str) -> Example:
    rows = {name: [{"text": text, "split": "train", **columns}]}
    (found,) = load_examples(data(folder, rows), Recipe(rare_repeat=5))
    return found


def test_a_threat_is_learnt_in_a_set_that_did_not_ask_for_threats(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "they will burn for it!", inflammatory="1")
    assert found.targets[Label.THREAT] == 1.0 and Label.THREAT not in found.weak
    assert (found.read, found.repeat) == (True, 5)
    assert found.targets[Label.IDENTITY_ATTACK] == 1.0, "what the set says stays"


def test_an_attack_that_was_read_and_is_no_threat_is_one_to_learn_from(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "They burn the soup", inflammatory="1")
    assert found.targets[Label.THREAT] == 0.0 and Label.THREAT not in found.weak
    assert (found.read, found.repeat) == (True, 1)


def test_a_row_that_was_not_read_teaches_what_its_set_says(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "They will cook for it", inflammatory="1")
    assert Label.THREAT not in found.targets
    assert (found.read, found.repeat) == (False, 1)


def test_the_annotators_have_the_last_word(tmp_path: Path) -> None:
    found = loaded(tmp_path, "edos", "They will burn for it", inflammatory="0")
    assert found.targets[Label.THREAT] == 0.0
    assert (found.read, found.repeat) == (False, 1)


@pytest.mark.parametrize("name", ["dynahate", "kaggle_insults_impermium", "iac_4forums_unlabelled_sample"])
def test_an_attack_of_which_nobody_said_what_it_is_leaves_its_labels_open(name: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, name, "Gay people bore me", inflammatory="0")
    assert found.targets[Axis.INFLAMMATORY] == 1.0
    assert {*found.targets} & set(INFLAMMATORY_KEYS) == {Axis.INFLAMMATORY}


def test_harmless_words_about_a_group_are_no_attack_of_any_kind(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "Gay people amuse me", inflammatory="0")
    assert {key: found.targets[key] for key in INFLAMMATORY_KEYS} == dict.fromkeys(INFLAMMATORY_KEYS, 0.0)
    assert not found.weak & set(INFLAMMATORY_KEYS)


@pytest.mark.parametrize("name", ["iac_4forums_unlabelled_sample", "forum_verifiability", "stormfront"])
@pytest.mark.parametrize(("text", "targets"), [("They hide the truth", PLOT), ("They hide the soup", NONE)])
def test_misinformation_that_was_read_takes_the_place_of_what_was_assumed(
    text: str, targets: dict[ScoreKey, float], name: str, tmp_path: Path
) -> None:
    found = loaded(tmp_path, name, text, inflammatory="0", misinfo="0")
    assert {key: found.targets[key] for key in targets} == targets
    assert not found.weak & set(MISINFORMATION_KEYS)
    assert Label.INSULT in found.weak, "nobody asked for that"


def test_the_second_pass_sees_every_row_that_was_read(tmp_path: Path) -> None:
    rows = {"dynahate": [{"text": f"Post {n}", "inflammatory": "0", "split": "train"} for n in range(50)]}
    rows["dynahate"].append({"text": "They will burn for it", "inflammatory": "1", "split": "train"})
    examples = load_examples(data(tmp_path, rows), Recipe())
    again = seen_again(examples, replace(Recipe(), polish_share=0.0))
    assert [example.input.text for example in again] == ["They will burn for it"]


def test_where_an_axis_is_a_no_so_are_its_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    read = {"misinformation": {"yes": [], "no": ["a"]}, "threat": {"yes": ["a", "b"], "no": ["c"]}}
    monkeypatch.setattr(readings, "_READ", read)
    assert readings._by_row() == {"a": {**NONE, Label.THREAT: 1.0}, "b": {Label.THREAT: 1.0}, "c": {Label.THREAT: 0.0}}


def test_the_shipped_readings_contradict_themselves_nowhere() -> None:
    assert {*SHIPPED} <= {key.value for key in SCORE_KEYS}
    for name, answers in SHIPPED.items():
        assert {*answers} == {"yes", "no"}, name
        starts = [start for each in answers.values() for start in each]
        assert len(starts) == len({*starts}), name
        assert all(re.fullmatch("[0-9a-f]{16}", start) for start in starts), name
    for axis in Axis:
        labels = [label for label in AXIS_OF if AXIS_OF[label] is axis and label in SHIPPED]
        assert not {start for label in labels for start in SHIPPED[label]["yes"]} & {*SHIPPED[axis]["no"]}


def test_misinformation_was_read_label_by_label() -> None:
    labels = [label for label in AXIS_OF if AXIS_OF[label] is Axis.MISINFORMATION]
    assert {start for label in labels for start in SHIPPED[label]["yes"]} == {*SHIPPED["misinformation"]["yes"]}
