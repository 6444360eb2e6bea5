"""What we read ourselves in public rows: it stands where a set did not ask, and meets its annotators halfway."""

import json
import re
from pathlib import Path

import pytest

from models.labels import AXIS_OF, SCORE_KEYS, Axis, Label, ScoreKey
from models.train import readings
from models.train.dataset import Example, fingerprint, load_examples, split_of
from models.train.recipe import Recipe
from models.train.sources import INFLAMMATORY_KEYS, MISINFORMATION_KEYS
from tests.support.datasets import data

SHIPPED: list[readings._Reading] = json.loads(Path(readings.__file__).with_suffix(".json").read_text())
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
        "They may burn for it": {Label.THREAT: 0.5},
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


@pytest.mark.parametrize(("rare_repeat", "shown"), [(2, 3), (5, 5)])
def test_what_a_set_repeats_and_what_is_rare_do_not_multiply(rare_repeat: int, shown: int, tmp_path: Path) -> None:
    contexts = [f"r/{n}" for n in range(9)]
    rows = [{"text": "They hide the truth", "misinfo": "1", "context": context, "split": ""} for context in contexts]
    row = next(row for row in rows if split_of("psycomark_reddit", row) == "train")
    (found,) = load_examples(data(tmp_path, {"psycomark_reddit": [row]}), Recipe(rare_repeat=rare_repeat))
    assert (found.read, found.repeat) == (True, shown)


def test_an_attack_that_was_read_and_is_no_threat_is_one_to_learn_from(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "They burn the soup", inflammatory="1")
    assert found.targets[Label.THREAT] == 0.0 and Label.THREAT not in found.weak
    assert (found.read, found.repeat) == (True, 1)


def test_a_row_that_was_not_read_teaches_what_its_set_says(tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "They will cook for it", inflammatory="1")
    assert Label.THREAT not in found.targets
    assert (found.read, found.repeat) == (False, 1)


@pytest.mark.parametrize(("text", "target"), [("They will burn for it", 0.5), ("They may burn for it", 0.25)])
def test_where_annotators_and_we_differ_training_takes_the_mean(text: str, target: float, tmp_path: Path) -> None:
    found = loaded(tmp_path, "edos", text, inflammatory="0")
    assert (found.targets[Label.THREAT], found.read, found.repeat) == (target, True, 1)


@pytest.mark.parametrize("text", ["They will burn for it", "They may burn for it"])
def test_on_development_rows_the_annotators_have_the_last_word(text: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, "edos", text, inflammatory="0", split="dev").targets[Label.THREAT] == 0.0


def test_nothing_is_measured_on_what_we_were_unsure_of(tmp_path: Path) -> None:
    assert loaded(tmp_path, "dynahate", "They may burn for it", inflammatory="1").targets[Label.THREAT] == 0.5
    held = loaded(tmp_path, "dynahate", "They may burn for it", inflammatory="1", split="dev")
    assert Label.THREAT not in held.targets


@pytest.mark.parametrize(("word", "known"), [("0", True), ("1", False)])
def test_nothing_is_measured_on_what_we_find_against_the_annotators(word: str, known: bool, tmp_path: Path) -> None:
    found = loaded(tmp_path, "dynahate", "Gay people amuse me", inflammatory=word, split="dev")
    assert found.targets[Label.IDENTITY_ATTACK] == float(word)
    assert (found.targets.get(Label.INSULT) == 0.0 and Label.INSULT not in found.weak) is known


def test_a_reading_counts_whole_in_a_set_of_noisy_labels(tmp_path: Path) -> None:
    found = loaded(tmp_path, "implicit_hate_subset", "They will burn for it", inflammatory="1")
    assert (found.weights[Label.THREAT], found.weights[Label.IDENTITY_ATTACK]) == (1.0, 0.7)


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


def test_where_an_axis_is_a_no_so_are_its_labels() -> None:
    read: readings._Reading = {"asked": ["misinformation"], "found": [], "unsure": [], "rows": ["a", "b"]}
    assert readings._by_row([read]) == {"a": NONE, "b": NONE}


@pytest.mark.parametrize(("unsure", "axis"), [(["propaganda"], 1.0), (["propaganda", "conspiracy"], 0.5), ([], 0.0)])
def test_an_axis_is_what_the_highest_of_its_labels_is(unsure: list[str], axis: float) -> None:
    labels = ["conspiracy", "unsupported_claim", "propaganda"]
    found = ["conspiracy"] if axis == 1.0 else []
    read: readings._Reading = {"asked": labels, "found": found, "unsure": unsure, "rows": ["a"]}
    assert readings._by_row([read])["a"][Axis.MISINFORMATION] == axis


def test_the_shipped_readings_contradict_themselves_nowhere() -> None:
    starts = [start for reading in SHIPPED for start in reading["rows"]]
    assert len(starts) == len({*starts})
    assert all(re.fullmatch("[0-9a-f]{16}", start) for start in starts)
    for reading in SHIPPED:
        assert {*reading["found"], *reading["unsure"]} <= {*reading["asked"]} <= {key.value for key in SCORE_KEYS}
        assert not {*reading["found"]} & {*reading["unsure"]}
        for axis in {*Axis} & {*reading["asked"]} - {*reading["found"], *reading["unsure"]}:
            labels = {label for label in AXIS_OF if AXIS_OF[label] is axis}
            assert not labels & {*reading["found"], *reading["unsure"]}, "what is no such post has none of its labels"
