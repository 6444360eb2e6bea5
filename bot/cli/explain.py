"""`score --explain`: which sentence and which words of a post its score rests on."""

from typing import Any

from rich.console import Console, Group
from rich.text import Text

from bot.policy import judge
from models.classifier import Classifier, ClassifierInput, ModelInfo, Prediction, Span
from models.explain import DecisiveWord, Explanation, explain
from models.labels import Axis, ScoreKey


async def explained(classifier: Classifier, post: ClassifierInput, prediction: Prediction) -> Explanation | None:
    """Why ``post`` scores what it does on the key that matters most; None if it holds nothing to read."""
    if not prediction.scores:
        return None
    key = _most_telling(prediction, classifier.info)
    return await explain(classifier, post, key, prediction.spans[key])


def as_json(explanation: Explanation, text: str) -> dict[str, Any]:
    """``explanation`` for a row of JSONL; places are code points of ``text``."""
    return {
        "key": explanation.key.value,
        "sentences": [
            {**_place(sentence.span, text), "score": round(sentence.score, 6)} for sentence in explanation.sentences
        ],
        "decisive": _place(explanation.decisive, text),
        "words": [
            {"places": [_place(span, text) for span in word.spans], "score_without": round(word.score, 6)}
            for word in explanation.words
        ],
        "rows": explanation.rows,
    }


def show(explanation: Explanation | None, text: str, prediction: Prediction, info: ModelInfo, out: Console) -> None:
    """Print every sentence with its score, and below the decisive one what it scores without its words."""
    if explanation is None:
        out.print("nothing to read\n")
        return
    key = explanation.key
    lines = [Text(f"{key} {prediction.scores[key]:.2f} (threshold {info.default_thresholds[key]:.2f})")]
    for sentence in explanation.sentences:
        decisive = sentence.span == explanation.decisive
        said = f"{'>' if decisive else ' '} {sentence.score:.2f}  {_printable(sentence.span.cut(text))}"
        lines.append(Text(said, style="bold" if decisive else ""))
        if decisive:
            lines += [Text(f"        {word.score:.2f} without {_named(word, text)}") for word in explanation.words]
    out.print(Group(*lines, Text()), soft_wrap=True)


def _most_telling(prediction: Prediction, info: ModelInfo) -> ScoreKey:
    flags = judge(prediction.scores, info.default_thresholds, info).flags
    scored = [axis for axis in Axis if axis in prediction.scores]  # a model of one's own may know only one
    return flags[0] if flags else max(scored, key=lambda axis: prediction.scores[axis])


def _place(span: Span, text: str) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.cut(text)}


def _named(word: DecisiveWord, text: str) -> str:
    """The word as it stands first, and how often if more than once; a phrase in full."""
    said = [_printable(span.cut(text)) for span in word.spans]
    if len(said) > 1 and len({name.lower() for name in said}) == 1:
        return f"“{said[0]}” ({len(said)} times)"
    return f"“{' '.join(said)}”"


def _printable(text: str) -> str:
    """``text`` on one line, without what would command the terminal, turn the line around or be no text."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))
