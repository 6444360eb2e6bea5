"""Exact repeats are answered from memory: copy-paste spam, and the sentence of a short post that is explained."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from models.classifier import ClassifierInput, ModelInfo, Prediction
from models.encoding import Encoded
from models.explain import explain
from models.labels import AXIS_OF, Axis
from models.memory import Memory
from models.reading import Reading
from models.windowed import WindowedClassifier

SCORES = {Axis.INFLAMMATORY: 0.5}


class Counting:
    """A network that counts the texts it is given; one with the word `bad` breaks it."""

    budget = 10_000

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sizes: list[int] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        self.begun.set()
        self.gate.wait(10)
        texts = [bytes(text["input_ids"]).decode() for text in batch]
        self.texts += texts
        self.sizes.append(len(batch))
        if any("bad" in text for text in texts):
            raise ArithmeticError("bad")
        return [[len(text) / 1_000] for text in texts]


def encode(text: str, context: str | None) -> Encoded:
    return {"input_ids": list(f"{text}|{context}".encode())}


@pytest.fixture
def network() -> Counting:
    return Counting()


@pytest.fixture
def classifier(network: Counting) -> WindowedClassifier:
    info = ModelInfo("counting-1", AXIS_OF, dict.fromkeys(Axis, 0.5))
    reading = Reading(info, lambda text: len(text.split()), encode, lambda logits: {Axis.INFLAMMATORY: logits[0]})
    return WindowedClassifier(network, reading)


async def test_a_repeat_is_answered_from_memory(classifier: WindowedClassifier, network: Counting) -> None:
    (first,) = await classifier.predict([ClassifierInput("Buy **gold** now!")])
    (again,) = await classifier.predict([ClassifierInput("Buy gold now!")])
    assert network.texts == ["Buy gold now!|None"], "they read the same once cleaned"
    assert again.scores == first.scores
    assert [p.spans[Axis.INFLAMMATORY].end for p in (first, again)] == [17, 13], "each with its own places"


async def test_repeats_in_one_batch_are_computed_once(classifier: WindowedClassifier, network: Counting) -> None:
    predictions = await classifier.predict([ClassifierInput("Buy gold now!")] * 30)
    assert len(network.texts) == 1 and len(predictions) == 30
    assert all(prediction.scores == predictions[0].scores for prediction in predictions)


async def test_the_same_words_in_another_context_are_read_anew(
    classifier: WindowedClassifier, network: Counting
) -> None:
    posts = [ClassifierInput("Yes.", title=title) for title in (None, "Shoot them?", "Vote?", "Vote?")]
    predictions = await classifier.predict(posts)
    assert sorted(network.texts) == ["Yes.|None", "Yes.|Shoot them?", "Yes.|Vote?"]
    assert predictions[2].scores == predictions[3].scores != predictions[1].scores


async def test_a_flagged_post_of_one_sentence_is_explained_for_nothing(
    classifier: WindowedClassifier, network: Counting
) -> None:
    post = ClassifierInput("You are all fools!", title="Budget")
    (prediction,) = await classifier.predict([post])
    span = prediction.spans[Axis.INFLAMMATORY]
    explanation = await explain(classifier, post, Axis.INFLAMMATORY, span, words=False)
    assert explanation.decisive == span and len(network.texts) == 1


async def test_a_failure_is_not_remembered(classifier: WindowedClassifier, network: Counting) -> None:
    for _ in range(2):
        with pytest.raises(ArithmeticError):
            await classifier.predict([ClassifierInput("bad")])
    assert len(network.texts) == 2


async def test_posts_of_a_caller_that_has_gone_are_not_computed(
    classifier: WindowedClassifier, network: Counting
) -> None:
    network.gate.clear()
    ahead = asyncio.create_task(classifier.predict([ClassifierInput("ahead")]))
    await asyncio.to_thread(network.begun.wait, 10)
    gone = asyncio.create_task(classifier.predict([ClassifierInput("gone")]))
    await asyncio.sleep(0.1)
    gone.cancel()
    await asyncio.wait([gone])
    network.gate.set()
    assert (await ahead)[0].scores and (await classifier.predict([ClassifierInput("later")]))[0].scores
    assert not [text for text in network.texts if "gone" in text]


async def test_callers_at_the_same_time_share_a_batch(classifier: WindowedClassifier, network: Counting) -> None:
    network.gate.clear()
    asked = [asyncio.create_task(classifier.predict([ClassifierInput("ahead")]))]
    await asyncio.to_thread(network.begun.wait, 10)
    asked += [asyncio.create_task(classifier.predict([ClassifierInput(f"post {n}")])) for n in range(8)]
    await asyncio.sleep(0.1)
    network.gate.set()
    assert all(isinstance(found[0], Prediction) for found in await asyncio.gather(*asked))
    assert network.sizes == [1, 8], "the first alone, the others together"


def test_the_memory_forgets_what_was_not_asked_for_longest() -> None:
    memory = Memory(2)
    memory.put("a", None, SCORES)
    memory.put("b", None, SCORES)
    assert memory.get("a", None) == SCORES
    memory.put("c", None, SCORES)
    assert memory.get("b", None) is None and memory.get("a", None) == memory.get("c", None) == SCORES


def test_the_memory_tells_text_from_context_and_takes_half_characters() -> None:
    memory = Memory(10)
    memory.put("a b", None, SCORES)
    assert memory.get("a", "b") is None and memory.get("a b", "") is None
    memory.put("half \ud83d", None, SCORES)
    assert memory.get("half \ud83d", None) == SCORES
