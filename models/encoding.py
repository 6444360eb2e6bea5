"""How a post and its context become tokens: the same way in training and at run time."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from models.classifier import ClassifierInput, Context
from models.text import clean

POST_TOKENS = 96
"""Longest post that is read at once; training cuts posts there."""
WINDOW_TOKENS = 48
"""Longer posts are scored in windows of this size: one bad sentence is not drowned in civil ones."""
CONTEXT_TOKENS = 48
MAX_TOKENS = POST_TOKENS + CONTEXT_TOKENS + 3

Encoded: TypeAlias = dict[str, list[int]]
"""What a network is given of one text, by the names of its arguments."""


def context_of(post: ClassifierInput) -> tuple[str | None, frozenset[Context]]:
    """The cleaned context that accompanies a post, and which kinds of context it holds."""
    parts = {
        Context.TITLE: clean(post.title or "").text,
        Context.REPLY_TO: clean(post.reply_to or "").text,
    }
    seen = [kind for kind, text in parts.items() if text]
    return "\n".join(parts[kind] for kind in seen) or None, frozenset(seen)


def encode(tokenizer: Any, posts: Sequence[str], contexts: Sequence[str | None]) -> list[Encoded]:
    """Token ids of cleaned ``posts`` as first segment, each with its context as second segment."""
    encoded: list[Encoded] = []
    for post, context in zip(posts, contexts, strict=True):
        post_ids: list[int] = tokenizer.encode(post, add_special_tokens=False, truncation=True, max_length=POST_TOKENS)
        ids = [tokenizer.cls_token_id, *post_ids, tokenizer.sep_token_id]
        types = [0] * len(ids)
        if context is not None:
            context_ids: list[int] = tokenizer.encode(
                context, add_special_tokens=False, truncation=True, max_length=CONTEXT_TOKENS
            )
            ids += [*context_ids, tokenizer.sep_token_id]
            types += [1] * (len(context_ids) + 1)
        encoded.append({"input_ids": ids, "token_type_ids": types, "attention_mask": [1] * len(ids)})
    return encoded
