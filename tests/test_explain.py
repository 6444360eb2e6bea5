"""What a score rests on: the decisive sentence, its decisive words, and what finding them costs."""

from pathlib import Path

import pytest

from models.classifier import ClassifierInput, Prediction, Span
from models.explain import Explanation, explain
from models.labels import Axis, Label
from models.loading import load_onnx
from tests.support.keyword import HIT, MISS, KeywordClassifier

CALM = "The council met on Monday and talked about the budget for the new school. "
TALK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi"


async def told(text: str, key: Axis | Label = Label.INSULT) -> Explanation:
    """The explanation of the whole of ``text`` by the keyword classifier, with its rows counted for real."""
    classifier = KeywordClassifier()
    explanation = await explain(classifier, ClassifierInput(text), key, Span(0, len(text)))
    assert explanation.rows == len(classifier.seen)
    return explanation


def words(explanation: Explanation, text: str) -> list[list[str]]:
    return [[span.cut(text) for span in word.spans] for word in explanation.words]


async def test_the_sentence_and_the_word_are_found_among_calm_ones() -> None:
    text = "We met on Monday. You are such an idiot, really! See you tomorrow."
    explanation = await told(text)
    assert [(sentence.span.cut(text), sentence.score) for sentence in explanation.sentences] == [
        ("We met on Monday.", MISS),
        ("You are such an idiot, really!", HIT),
        ("See you tomorrow.", MISS),
    ]
    assert explanation.decisive == explanation.sentences[1].span
    (word,) = explanation.words
    assert words(explanation, text) == [["idiot"]]
    assert word.score == MISS and word.fall == pytest.approx(HIT - MISS)
    assert explanation.rows < 15 and explanation.key is Label.INSULT


@pytest.mark.parametrize("place", [0, 7, 13, 20])
async def test_a_word_is_found_anywhere_in_a_long_sentence_within_the_rows(place: int) -> None:
    said = TALK.split()
    said[place] = "idiot"
    text = " ".join(said)
    explanation = await told(text)
    assert words(explanation, text) == [["idiot"]]
    assert explanation.rows < 15


async def test_in_a_very_long_sentence_the_phrase_is_told() -> None:
    text = " ".join(f"{word}{n}" for n in range(10) for word in TALK.split()).replace("pi7", "idiot")
    explanation = await told(text)
    (found,) = words(explanation, text)
    assert "idiot" in found and len(found) < 10
    assert explanation.rows < 15


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("🤡👨‍👩‍👧 Ok. You, **idi\u200bot**, go 🤡!", "idi\u200bot"),
        ("Look: <@123> ||you i d i o t|| 🤡", "i d i o t"),
        ("See https://example.org/a?b=c and `1d10t` there", "1d10t"),
        ("Ｙou ｉｄｉｏｔ, then.", "ｉｄｉｏｔ"),
    ],
)
async def test_places_are_those_of_the_raw_text(text: str, raw: str) -> None:
    assert words(await told(text), text) == [[raw]]


class SeesRaw(KeywordClassifier):
    """Insulted by a link and by clowns, which cleaning replaces by words."""

    def _predict(self, post: ClassifierInput) -> Prediction:
        self.seen.append(post)
        hot = "https:" in post.text or "🤡" in post.text
        return Prediction({Label.INSULT: HIT if hot else MISS}, {Label.INSULT: Span(0, len(post.text))})


@pytest.mark.parametrize(
    ("text", "raw"),
    [("So https://a.org/b_(c)?d=e says", "https://a.org/b_(c)?d=e"), ("You 🤡, go", "🤡"), ("You 🤡", "🤡")],
)
async def test_what_cleaning_replaces_is_taken_out_whole(text: str, raw: str) -> None:
    explanation = await explain(SeesRaw(), ClassifierInput(text), Label.INSULT, Span(0, len(text)))
    assert words(explanation, text) == [[raw]]


async def test_a_word_that_is_said_twice_is_taken_out_everywhere() -> None:
    text = "An Idiot is an idiot today"
    assert words(await told(text), text) == [["Idiot", "idiot"]]


async def test_only_the_part_that_scored_is_looked_at() -> None:
    text = "First idiot. Second idiot. Third idiot."
    within = Span(13, 26)
    explanation = await explain(KeywordClassifier(), ClassifierInput(text), Label.INSULT, within)
    assert explanation.decisive == within
    assert [span for word in explanation.words for span in word.spans] == [Span(20, 25)]


@pytest.mark.parametrize("text", [CALM, "This is it.", "They say one cabal and another cabalist did it."])
async def test_words_without_which_the_score_stays_are_not_decisive(text: str) -> None:
    explanation = await told(text, Label.CONSPIRACY)
    assert explanation.words == ()
    assert explanation.decisive == Span(0, len(text.strip()))


class Together(KeywordClassifier):
    """Angry as long as one of two neighbours is left."""

    def _predict(self, post: ClassifierInput) -> Prediction:
        hot = {"nu", "xi"} & set(post.text.split())
        return Prediction({Label.INSULT: HIT if hot else MISS}, {Label.INSULT: Span(0, len(post.text))})


async def test_words_that_cover_for_each_other_are_told_as_a_phrase() -> None:
    explanation = await explain(Together(), ClassifierInput(TALK), Label.INSULT, Span(0, len(TALK)))
    (phrase,) = words(explanation, TALK)
    assert {"nu", "xi"} <= set(phrase) and len(phrase) < 5


async def test_a_space_stays_where_a_word_was() -> None:
    classifier = SeesRaw()
    await explain(classifier, ClassifierInput("ca🤡bal"), Label.INSULT, Span(0, 6))
    assert [post.text for post in classifier.seen] == ["ca🤡bal", " 🤡bal", "ca bal", "ca🤡 "]


class Graded(KeywordClassifier):
    """Every word of a post that is a number adds so many hundredths."""

    def _predict(self, post: ClassifierInput) -> Prediction:
        self.seen.append(post)
        score = sum(int(word) for word in post.text.split() if word.isdigit()) / 100
        return Prediction({Label.INSULT: score}, {Label.INSULT: Span(0, len(post.text))})


@pytest.mark.parametrize("text", ["you 11 are 30 so 1 very 12 much 20 and 10", f"20 11 1 12 30 10 {TALK[33:]}"])
async def test_the_best_words_come_first_and_slight_ones_are_left_out(text: str) -> None:
    explanation = await explain(Graded(), ClassifierInput(text), Label.INSULT, Span(0, len(text)))
    found = [word for (word,) in words(explanation, text)]
    assert found[:2] == ["30", "20"] and 2 < len(found) <= 4 and "1" not in found
    assert [word.fall for word in explanation.words] == pytest.approx([int(word) / 100 for word in found])
    assert [word.score for word in explanation.words] == pytest.approx([(84 - int(word)) / 100 for word in found])


async def test_a_word_of_slight_effect_is_not_decisive() -> None:
    text = "you 40 are 2 very 5"
    explanation = await explain(Graded(), ClassifierInput(text), Label.INSULT, Span(0, len(text)))
    assert words(explanation, text) == [["40"], ["5"]]


@pytest.mark.parametrize("text", ["Idiot!", "idiot"])
async def test_a_post_of_one_word_rests_on_it(text: str) -> None:
    explanation = await told(text)
    assert words(explanation, text) == [[text.rstrip("!")]]
    assert explanation.words[0].score <= MISS and explanation.rows == 2


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
async def test_a_post_with_nothing_to_read_rests_on_nothing(text: str) -> None:
    explanation = await told(text)
    assert explanation.words == () and explanation.rows < 2


@pytest.mark.parametrize("unit", [CALM, "idiot ", "idiot\n", "kappa idiot. ", "i\n", "😀", "a1b2 c3\u200b ", "."])
async def test_the_longest_post_costs_a_bounded_number_of_rows(unit: str) -> None:
    text = (unit * 4_000)[:4_000]
    explanation = await told(text)
    assert explanation.rows <= 80
    assert 0 <= explanation.decisive.start < explanation.decisive.end <= len(text)


async def test_one_sentence_of_very_many_is_found() -> None:
    text = CALM * 30 + "You idiot. " + CALM * 30
    explanation = await told(text)
    assert explanation.decisive.cut(text) == "You idiot."
    assert words(explanation, text) == [["idiot"]]
    assert explanation.rows < 45


async def test_every_row_is_read_in_the_context_of_the_post() -> None:
    classifier = KeywordClassifier()
    await explain(classifier, ClassifierInput("You idiot.", "T", "R?"), Label.INSULT, Span(0, 10))
    assert len(classifier.seen) > 1
    assert {(row.title, row.reply_to) for row in classifier.seen} == {("T", "R?")}


async def test_without_words_only_the_sentences_are_read() -> None:
    text = "Fine. You idiot. Fine."
    classifier = KeywordClassifier()
    explanation = await explain(classifier, ClassifierInput(text), Label.INSULT, Span(0, len(text)), words=False)
    assert explanation.words == () and len(classifier.seen) == explanation.rows == 3
    assert explanation.decisive.cut(text) == "You idiot."


async def test_the_shipped_model_shows_the_insult_in_a_post_of_three_sentences() -> None:
    shipped = load_onnx(Path(__file__).parent.parent / "models" / "weights")
    text = "The mayor came back on Monday. You are an idiot, mayor. See you tomorrow at the meeting."
    post = ClassifierInput(text)
    (prediction,) = await shipped.predict([post])
    explanation = await explain(shipped, post, Label.INSULT, prediction.spans[Label.INSULT])
    assert explanation.decisive.cut(text) == "You are an idiot, mayor."
    assert words(explanation, text)[0] == ["idiot"]
    assert explanation.rows < 15
