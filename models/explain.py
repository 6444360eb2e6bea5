"""Which part of a post a score rests on."""

from models.classifier import Classifier, ClassifierInput, Span
from models.labels import ScoreKey
from models.windows import sentences


async def decisive_sentence(classifier: Classifier, post: ClassifierInput, key: ScoreKey, within: Span) -> Span:
    """The sentence of ``post.text``, inside ``within``, that scores highest on ``key`` when read alone.

    One batch, as many rows as there are sentences.
    """
    spans = [
        Span(within.start + sentence.start, within.start + sentence.end)
        for sentence in sentences(within.cut(post.text))
    ]
    if len(spans) < 2:
        return spans[0] if spans else within
    alone = [ClassifierInput(span.cut(post.text), post.title, post.reply_to) for span in spans]
    scores = [prediction.scores.get(key, 0.0) for prediction in await classifier.predict(alone)]
    return spans[scores.index(max(scores))]
