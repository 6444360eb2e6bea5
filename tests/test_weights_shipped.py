"""The weights that come with the project: what they make of plain cases."""

from pathlib import Path

import pytest

from bot.app import load_classifier
from bot.config import Settings
from bot.policy import judge
from models.classifier import ClassifierInput
from models.explain import explain
from models.labels import SCORE_KEYS, Axis, Label
from models.loading import load_onnx
from models.windowed import WindowedClassifier
from tests.support.world import open_world, text_of

CALM = "The council met on Monday and talked about the budget for the new school. " * 20


@pytest.fixture(scope="module")
def shipped() -> WindowedClassifier:
    return load_onnx(Path(__file__).parent.parent / "models" / "weights")


async def flags(shipped: WindowedClassifier, text: str) -> set[str]:
    (prediction,) = await shipped.predict([ClassifierInput(text)])
    assert set(prediction.scores) == set(SCORE_KEYS)
    return set(judge(prediction.scores, shipped.info.default_thresholds, shipped.info).flags)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("You are a complete idiot, shut up.", Label.INSULT),
        ("I will find you and kill you.", Label.THREAT),
        ("I know where you live. Say that again and I will come and break your legs.", Label.THREAT),
        ("Immigrants are like rats, they breed and bring disease.", Label.IDENTITY_ATTACK),
        ("They are controlled by a secret cabal that hides the truth about the vaccines.", Axis.MISINFORMATION),
        ("They are putting microchips in the vaccines to control us.", Axis.MISINFORMATION),
    ],
)
async def test_plain_cases_are_flagged(shipped: WindowedClassifier, text: str, flag: str) -> None:
    assert flag in await flags(shipped, text)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, see you on Monday.",
        "I am furious about this vote. The minister failed us and should resign.",
        "This article is garbage journalism.",
        "He told the court that she had threatened to kill him.",
        "I am a proud gay man and I vote conservative.",
        "The CIA really did run MKUltra; the Church Committee documented it.",
        "Unemployment fell to 4.2% in March.",
        CALM,
    ],
)
async def test_civil_posts_pass_however_angry_or_long(shipped: WindowedClassifier, text: str) -> None:
    assert await flags(shipped, text) == set()


@pytest.mark.parametrize(
    "text", ["You are a complete id\u200biot, shut up.", "Yоu аre ||a complete|| **idiot**, shut up."]
)
async def test_a_disguised_insult_scores_as_the_plain_one(shipped: WindowedClassifier, text: str) -> None:
    plain, disguised = await shipped.predict(
        [ClassifierInput("You are a complete idiot, shut up."), ClassifierInput(text)]
    )
    assert disguised.scores == pytest.approx(plain.scores, abs=1e-3)


async def test_one_bad_sentence_in_a_long_post_is_flagged_and_found(shipped: WindowedClassifier) -> None:
    post = ClassifierInput(f"{CALM}You are a stupid idiot. {CALM}")
    assert await flags(shipped, post.text)
    (prediction,) = await shipped.predict([post])
    key = Axis.INFLAMMATORY
    explanation = await explain(shipped, post, key, prediction.spans[key], words=False)
    assert explanation.decisive.cut(post.text) == "You are a stupid idiot."


async def test_the_real_model_brings_an_insult_before_the_moderators(settings: Settings) -> None:
    async with open_world(settings, await load_classifier(settings)) as world:
        await world.set_up()
        thread, _ = await world.forum_post(world.alice, "Council closes the pool", "I am furious about this vote.")
        await world.bob.send(thread, "You are a complete idiot, shut up.")
        card = await world.card()
        assert "insult" in text_of(card) and "You are a complete idiot, shut up" in text_of(card)
        assert (await world.mod.click(card, label="Flag was right")).acknowledged
        assert len(await world.decisions()) == 2
