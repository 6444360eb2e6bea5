"""A tiny classifier behind the real protocol, for tests of everything but judgement."""

from collections.abc import Sequence

from models.classifier import ClassifierInput, Context, ModelInfo, Prediction, Span
from models.labels import Axis, Label, ScoreKey
from models.text import clean

WORDS: dict[str, ScoreKey] = {"idiot": Label.INSULT, "kill": Label.THREAT, "cabal": Label.CONSPIRACY}
AXIS_OF = {
    Label.INSULT: Axis.INFLAMMATORY,
    Label.IDENTITY_ATTACK: Axis.INFLAMMATORY,
    Label.THREAT: Axis.INFLAMMATORY,
    Label.CONSPIRACY: Axis.MISINFORMATION,
    Label.UNSUPPORTED_CLAIM: Axis.MISINFORMATION,
    Label.PROPAGANDA: Axis.MISINFORMATION,
}
HIT, MISS = 0.9, 0.1


class KeywordClassifier:
    """Scores .9 for a label whose word is in the post, .1 for all others. ``breaks_on``: a word to fail at."""

    def __init__(self, breaks_on: str | None = None) -> None:
        self.breaks_on = breaks_on
        self.seen: list[ClassifierInput] = []

    @property
    def info(self) -> ModelInfo:
        thresholds: dict[ScoreKey, float] = dict.fromkeys(Axis, 0.5) | dict.fromkeys(Label, 0.8)
        return ModelInfo("keyword-1", AXIS_OF, thresholds)

    async def predict(self, inputs: Sequence[ClassifierInput]) -> list[Prediction]:
        return [self._predict(post) for post in inputs]

    def _predict(self, post: ClassifierInput) -> Prediction:
        self.seen.append(post)
        if self.breaks_on and self.breaks_on in post.text:
            raise RuntimeError("the classifier broke, as the test asked")
        text = clean(post.text).text.lower()
        if not text:
            return Prediction()
        scores: dict[ScoreKey, float] = dict.fromkeys([*Axis, *Label], MISS)
        for word, label in WORDS.items():
            if word in text:
                scores[label] = scores[AXIS_OF[Label(label)]] = HIT
        context = {Context.TITLE: post.title, Context.REPLY_TO: post.reply_to}
        return Prediction(
            scores,
            dict.fromkeys(scores, Span(0, len(post.text))),
            frozenset(kind for kind, value in context.items() if value),
        )
