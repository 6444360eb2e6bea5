"""How a post and its context become tokens: the same way in training and at run time."""

from functools import lru_cache
from pathlib import Path
from typing import Self, TypeAlias

from tokenizers import Tokenizer

from models.classifier import Context
from models.text import clean

POST_TOKENS = 96
"""Longest post that is read at once; training cuts posts there."""
WINDOW_TOKENS = 48
"""Longer posts are scored in windows of this size, too: one bad sentence is not drowned in civil ones."""
CONTEXT_TOKENS = 48
MAX_TOKENS = POST_TOKENS + CONTEXT_TOKENS + 3
TOKENIZER = "tokenizer.json"

Encoded: TypeAlias = dict[str, list[int]]
"""What a network is given of one text, by the names of its arguments."""


@lru_cache(maxsize=256)
def context_of(title: str | None, reply_to: str | None) -> tuple[str | None, frozenset[Context]]:
    """The cleaned context that accompanies a post, and which kinds of context it holds.

    Remembered, because all comments under an article share its title.
    """
    parts = {
        Context.TITLE: clean(title or "").text,
        Context.REPLY_TO: clean(reply_to or "").text,
    }
    seen = [kind for kind, text in parts.items() if text]
    return "\n".join(parts[kind] for kind in seen) or None, frozenset(seen)


class Encoder:
    """Cleaned text → token ids, as BERT wants them: the post as first segment, its context as second."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        start, end = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        if start is None or end is None:
            raise ValueError("the tokenizer has no [CLS] and [SEP]")
        self._start, self._end = start, end
        self._ids = lru_cache(maxsize=256)(self._tokenize)  # a post is counted first, then encoded

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ``ValueError`` if there is no usable tokenizer."""
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{TOKENIZER}: {error}") from error
        return cls(tokenizer)

    def count(self, text: str) -> int:
        """How many tokens ``text`` has, special ones aside."""
        return len(self._ids(text))

    def encode(self, post: str, context: str | None) -> Encoded:
        """A cleaned post with its context, the ends of both cut off if they are too long."""
        ids = [self._start, *self._ids(post)[:POST_TOKENS], self._end]
        types = [0] * len(ids)
        if context is not None:
            context_ids = self._ids(context)[:CONTEXT_TOKENS]
            ids += [*context_ids, self._end]
            types += [1] * (len(context_ids) + 1)
        return {"input_ids": ids, "token_type_ids": types, "attention_mask": [1] * len(ids)}

    def _tokenize(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids
