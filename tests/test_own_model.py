"""Bring your own model: any sequence classifier, and a TOML file that maps its labels to ours."""

import json
import math
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from transformers import BertForSequenceClassification

from bot.app import running
from bot.config import Settings
from models.classifier import ClassifierInput
from models.encoding import POST_TOKENS
from models.foreign import load_foreign
from models.labels import Axis, Label
from models.loading import load_classifier
from models.own_model import read_own_model
from models.weights_folder import checksum
from tests.support.cli import CommandLine
from tests.support.tiny_model import (
    AXIS_ONLY,
    CALM,
    COMMIT,
    HUB,
    RUDE,
    Describe,
    bert_tokenizer,
    save_bert,
    save_roberta,
)
from tests.support.world import answer, open_world, refusal, text_of


async def score(file: Path, text: str, **context: str) -> dict[str, float]:
    (prediction,) = await load_foreign(file).predict([ClassifierInput(text, **context)])
    return {key.value: value for key, value in prediction.scores.items()}


async def test_a_label_counts_for_its_axis_and_the_highest_one_wins(describe: Describe, trained_bert: Path) -> None:
    tokens = bert_tokenizer()(RUDE, return_tensors="pt")
    logits = BertForSequenceClassification.from_pretrained(str(trained_bert)).eval()(**tokens).logits[0]
    toxic, insult, calm = torch.sigmoid(logits).tolist()
    assert len({round(value, 4) for value in (toxic, insult, calm)}) == 3
    mapped = '[labels]\ntoxic = "threat"\ninsult = "threat"\ncalm = "insult"'
    highest = pytest.approx(max(toxic, insult), abs=1e-5)
    assert await score(describe(mapped), RUDE) == {
        "threat": highest,
        "insult": pytest.approx(calm, abs=1e-5),
        "inflammatory": highest,
    }


async def test_the_model_says_what_it_scores_and_where_it_flags(describe: Describe, bert: Path) -> None:
    file = describe(
        '[labels]\ntoxic = "inflammatory"\ninsult = "insult"\ncalm = "checkworthy"\n[thresholds]\ninflammatory = 0.7'
    )
    info = load_foreign(file).info
    assert re.fullmatch(rf"tiny-bert@{checksum(bert / 'model.safetensors')[:8]}\+[0-9a-f]{{4}}", info.version)
    assert info.axis_of == {Label.INSULT: Axis.INFLAMMATORY}
    assert info.default_thresholds == {Axis.INFLAMMATORY: 0.7, Label.INSULT: 0.5}
    assert set(await score(file, RUDE)) == {"inflammatory", "insult", "checkworthy"}


async def test_calibration_is_a_slope_and_an_offset_on_the_logit(describe: Describe) -> None:
    plain = (await score(describe(), RUDE))["inflammatory"]
    calibrated = await score(describe(f"{AXIS_ONLY}\n[calibration]\ninflammatory = [0.5, -1]"), RUDE)
    logit = math.log(plain / (1 - plain))
    assert calibrated["inflammatory"] == pytest.approx(1 / (1 + math.exp(1 - logit / 2)), abs=1e-5)


@pytest.mark.parametrize(
    ("config", "line", "softmax"),
    [
        ({"problem_type": "multi_label_classification"}, "", False),
        ({"problem_type": "single_label_classification"}, "", True),
        ({"problem_type": None}, "", True),
        ({"problem_type": None}, 'activation = "sigmoid"', False),
        ({"problem_type": "multi_label_classification"}, 'activation = "softmax"', True),
        ({"problem_type": "regression"}, 'activation = "sigmoid"', False),
    ],
)
async def test_the_activation_is_the_models_own_unless_the_file_says_otherwise(
    describe: Describe, bert: Path, config: dict[str, Any], line: str, softmax: bool
) -> None:
    content = json.loads((bert / "config.json").read_text()) | config
    (bert / "config.json").write_text(json.dumps(content))
    mapped = '[labels]\ntoxic = "insult"\ninsult = "threat"\ncalm = "checkworthy"'
    found = await score(describe(f"{line}\n{mapped}"), CALM)
    total = found["insult"] + found["threat"] + found["checkworthy"]
    assert (total == pytest.approx(1, abs=1e-4)) is softmax


def test_the_version_tells_files_with_another_mapping_or_calibration_apart(describe: Describe) -> None:
    def version(rest: str) -> str:
        return load_foreign(describe(rest)).info.version

    plain = version(AXIS_ONLY)
    assert version(f"# a comment\n\n{AXIS_ONLY}") == plain
    others = [
        '[labels]\ntoxic = "insult"',
        f"{AXIS_ONLY}\n[calibration]\ninflammatory = [2, 0]",
        f'activation = "softmax"\n{AXIS_ONLY}',
    ]
    assert len({plain, *map(version, others)}) == 4


@pytest.mark.parametrize("labels", [("nothate", "hate"), ("LABEL_0", "LABEL_1")])
async def test_one_of_two_labels_is_enough(tmp_path: Path, describe: Describe, labels: tuple[str, str]) -> None:
    save_bert(tmp_path / "two", labels)
    file = describe(f'[labels]\n{labels[1]} = "identity_attack"', 'model = "two"')
    rude, calm = await score(file, RUDE), await score(file, CALM)
    assert rude["inflammatory"] == rude["identity_attack"] > 0.9 and calm["inflammatory"] < 0.1


async def test_a_tokenizer_without_token_types_and_a_short_model_work(tmp_path: Path, describe: Describe) -> None:
    """Of 34 positions RoBERTa uses 32, two of them for its special tokens."""
    save_roberta(tmp_path / "tiny-roberta")
    classifier = load_foreign(describe('[labels]\nhate = "insult"', 'model = "tiny-roberta"'))
    assert classifier._reading.post_tokens == 30
    encoded = classifier._reading.encode(CALM, None)
    assert encoded["input_ids"][0] == 0 and encoded["input_ids"][-1] == 2
    assert set(encoded) == {"input_ids", "attention_mask"}
    for text in (RUDE * 40, "x" * 4_000, "😀 é \ud83d"):
        (prediction,) = await classifier.predict([ClassifierInput(text)])
        assert set(prediction.scores) == {Label.INSULT, Axis.INFLAMMATORY}


def odds(score: float) -> float:
    return score / (1 - score)


async def test_a_long_post_has_at_least_half_the_odds_of_its_highest_window(describe: Describe) -> None:
    classifier = load_foreign(describe())
    assert classifier._reading.post_tokens == POST_TOKENS
    calm = [f"{CALM} {number} " for number in range(80)]  # equal windows would count once
    text = "".join([*calm[:40], f"{RUDE} ", *calm[40:]])
    (prediction,) = await classifier.predict([ClassifierInput(text)])
    span = prediction.spans[Axis.INFLAMMATORY]
    assert 0 < span.end - span.start < len(text)
    (alone,) = await classifier.predict([ClassifierInput(span.cut(text))])
    for key, highest in alone.scores.items():
        assert 0.49 < odds(prediction.scores[key]) / odds(highest) < 1.01


async def test_a_model_that_was_not_trained_for_it_is_not_shown_the_context(describe: Describe) -> None:
    classifier = load_foreign(describe())
    bare, told = ClassifierInput(CALM), ClassifierInput(CALM, title=RUDE, reply_to=RUDE)
    first, second = await classifier.predict([bare, told])
    assert second.scores == first.scores and second.context == frozenset()


async def test_a_post_without_anything_to_read_has_no_scores(describe: Describe) -> None:
    assert await score(describe(), " \u200b ") == {}


async def test_a_post_is_flagged_by_a_model_for_one_axis_only(settings: Settings, describe: Describe) -> None:
    file = describe(f'{AXIS_ONLY}\ninsult = "insult"')
    classifier = load_classifier(file)
    async with open_world(settings, classifier) as world:
        await world.set_up()
        await world.bob.send(world.chat, CALM)
        await world.alice.send(world.chat, RUDE)
        shown = text_of(await world.card())
        assert "### Insult" in shown and "an idiot" in shown
        calm, rude = await world.decisions()
        assert (calm["flagged"], rude["flagged"]) == (0, 1)
        assert rude["misinformation"] is None and rude["inflammatory"] > 0.9 and rude["context"] == "[]"
        assert rude["model_version"] == classifier.info.version
        said = answer(await world.mod.slash(world.chat, "threshold show"))
        for line in ("**Inflammatory**: 0.5,", "-# insult: 0.5,"):
            assert f"{line} the model's default" in said
        assert "Misinformation" not in said and "threat" not in said
        assert classifier.info.version in answer(await world.mod.slash(world.chat, "status"))


@pytest.mark.parametrize("command", ["threshold set", "threshold reset"])
async def test_an_axis_that_the_model_cannot_score_takes_no_threshold(
    settings: Settings, describe: Describe, command: str
) -> None:
    async with open_world(settings, load_foreign(describe())) as world:
        await world.set_up()
        options = {"value": 0.5} if command.endswith(" set") else {}
        said = refusal(world, await world.chief.slash(world.chat, command, key="misinformation", **options))
        assert "no axis or label “misinformation”. Choose one of: inflammatory." in said
        offered = await world.chief.autocomplete(world.chat, command, "key", "")
        assert [choice["value"] for choice in offered] == ["inflammatory"]


async def test_cards_of_an_earlier_model_can_still_be_settled(settings: Settings, describe: Describe) -> None:
    async with open_world(settings) as world:
        await world.set_up()
        await world.chief.slash(world.chat, "threshold set", key="misinformation", value=1.0)
        await world.alice.send(world.chat, "A cabal rules us.")
        assert "### Conspiracy framing" in text_of(await world.card())
        async with running(settings, classifier=load_foreign(describe())) as services:
            await world.restart(services)
            await world.mod.click(await world.card(), label="Flag was right")
            shown = text_of(await world.card())
            assert "### Conspiracy framing\n" in shown and "The flag was right" in shown


def test_the_command_line_works_with_a_model_for_one_axis_only(
    tmp_path: Path, describe: Describe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(tmp_path, monkeypatch, capsys)
    cli.classifier = load_foreign(describe())
    rows = cli.write("rows.jsonl", [{"text": CALM}, {"text": RUDE}])
    ended = cli("scan", rows)
    assert ended.code == 0 and "2 posts, 1 flagged" in ended.out and "–" in ended.out
    assert "Flagged from: inflammatory 0.50; or" in ended.out
    assert cli("score", rows, tmp_path / "out.jsonl").code == 0
    calm, rude = [json.loads(line) for line in (tmp_path / "out.jsonl").open()]
    assert calm["scores"]["inflammatory"] < 0.5 < rude["scores"]["inflammatory"]
    assert set(rude["scores"]) == set(rude["thresholds"]) == {"inflammatory"}


def test_an_axis_that_the_model_cannot_score_is_told_in_the_log(
    describe: Describe, caplog: pytest.LogCaptureFixture
) -> None:
    load_foreign(describe())
    assert "has no label for misinformation: no post will be flagged for that" in caplog.text
    caplog.clear()
    load_foreign(describe(f'{AXIS_ONLY}\ncalm = "propaganda"'))
    assert caplog.text == ""


async def test_a_pinned_model_of_the_hub_is_used_without_a_connection_once_it_is_here(
    tmp_path: Path, bert: Path, describe: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    copytree(bert, tmp_path / "hub" / "models--somebody--tiny" / "snapshots" / COMMIT)  # as the hub's library does
    assert load_foreign(describe(head=HUB)).info.version.startswith("somebody/tiny@01234567+")


def test_the_example_in_the_readme_is_a_working_file(tmp_path: Path) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "example.toml").write_text(example, encoding="utf-8")
    own = read_own_model(tmp_path / "example.toml")
    assert own.labels["identity_hate"] is Label.IDENTITY_ATTACK and own.revision == COMMIT
    assert own.axis_of == {Label.INSULT: Axis.INFLAMMATORY, Label.IDENTITY_ATTACK: Axis.INFLAMMATORY}
