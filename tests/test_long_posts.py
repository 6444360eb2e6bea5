"""Long posts are read in wide and in narrow windows, which make one score of their own kind together."""

from collections.abc import Callable, Sequence

import pytest

from models.classifier import ClassifierInput, ModelInfo, Prediction
from models.encoding import WINDOW_TOKENS, Encoded
from models.labels import Axis
from models.reading import Reading
from models.windowed import WindowedClassifier

WIDE = 96
CALM = [f"The council met on day {n} and spoke of roads." for n in range(30)]
BAD = "You are a bad man."


class Judge:
    """A network that knows its windows' words; a token is a word."""

    budget = 1_000

    def __init__(self, judge: Callable[[str], float]) -> None:
        self._judge, self._texts = judge, list[str]()

    def encode(self, text: str, _: str | None) -> Encoded:
        self._texts.append(text)
        return {"input_ids": [len(self._texts) - 1]}

    def logits(self, batch: Sequence[Encoded]) -> list[list[float]]:
        return [[self._judge(self._texts[encoded["input_ids"][0]])] for encoded in batch]


def read(text: str, judge: Callable[[str], float]) -> Prediction:
    network = Judge(judge)
    reading = Reading(
        ModelInfo("words", {}, {}),
        lambda part: len(part.split()),
        network.encode,
        lambda logits: {Axis.INFLAMMATORY: logits[0]},
        WIDE,
    )
    (prediction,) = WindowedClassifier(network, reading).predict_now([ClassifierInput(text)])
    return prediction


def odds(prediction: Prediction) -> float:
    score = prediction.scores[Axis.INFLAMMATORY]
    return score / (1 - score)


def test_what_only_narrow_windows_show_counts_a_third_of_half() -> None:
    text = " ".join([*CALM[:15], BAD, *CALM[15:]])
    drowned = read(text, lambda part: 0.9 if BAD in part and len(part.split()) <= WINDOW_TOKENS else 0.0)
    assert odds(drowned) == pytest.approx(9 / 2 / 3)
    found = drowned.spans[Axis.INFLAMMATORY].cut(text)
    assert BAD in found and len(found.split()) <= WINDOW_TOKENS


def test_one_bad_window_of_many_keeps_half_of_its_odds() -> None:
    text = " ".join([*CALM[:15], BAD, *CALM[15:]])
    found = read(text, lambda part: 0.9 if BAD in part else 0.0)
    assert odds(found) == pytest.approx(9 / 2)
    assert len(found.spans[Axis.INFLAMMATORY].cut(text).split()) > WINDOW_TOKENS


def test_a_post_that_is_bad_throughout_keeps_them_all() -> None:
    assert odds(read(" ".join(CALM), lambda _: 0.9)) == pytest.approx(9)


@pytest.mark.parametrize(("score", "least"), [(0.0, 0.0), (1.0, 0.999)])
def test_certainty_stays_a_probability(score: float, least: float) -> None:
    text = " ".join([*CALM, BAD])
    assert least <= read(text, lambda part: score if BAD in part else 0.0).scores[Axis.INFLAMMATORY] <= 1.0


def test_a_window_that_says_the_same_again_counts_once() -> None:
    def spam(times: int) -> str:
        return " ".join([*CALM[:4], *[BAD] * times])

    def judge(part: str) -> float:
        return 0.9 if BAD in part else 0.5

    once, often = (read(spam(times), judge) for times in (100, 1_000))
    assert once.scores == often.scores


def test_a_post_that_fits_a_wide_window_scores_as_it_is() -> None:
    assert read(BAD, lambda _: 0.123).scores == {Axis.INFLAMMATORY: 0.123}
