"""How training examples are shown to the model: repeated, in and out of context, of other groups, disguised, padded."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from models.classifier import ClassifierInput
from models.train.dataset import CORPUS, Example
from models.train.evasion import disguise
from models.train.groups import names_group_in_peace, swap_groups
from models.train.recipe import Recipe

_TITLES = "coaid_titles"
_CIVIL = ("iac_4forums_unlabelled_sample", "forum_verifiability")
_ABOUT_FACTS = ("claim_forms", "real_history")
_SHORT = 200
_PADDING = 110
"""Characters: a post up to the first length gets civil text of up to the second on a side; the network reads it all."""


class Views:
    """Draws for each example what training sees of it, with titles and civil text from ``examples``.

    The same recipe draws the same.
    """

    def __init__(self, examples: Sequence[Example], recipe: Recipe) -> None:
        self._recipe = recipe
        self._chance = random.Random(recipe.seed)
        self._titles = [example.input.text for example in examples if example.source == _TITLES]
        self._civil = [example.input.text for example in examples if example.source in _CIVIL]

    def of(self, examples: Sequence[Example]) -> Iterator[Example]:
        """Training examples repeated and altered; development ones altered only by stray context."""
        for example in examples:
            if example.split != "train":
                yield self._with_stray_context(example)
            for _ in range(self._copies(example) if example.split == "train" else 0):
                seen = self._with_stray_context(self._swapped(self._without_context(example)))
                yield self._disguised(self._padded(seen))

    def _copies(self, example: Example) -> int:
        times = self._recipe.group_repeat if names_group_in_peace(example) else 1
        return times * (self._recipe.corpus_repeat if example.source == CORPUS else example.repeat)

    def _without_context(self, example: Example) -> Example:
        if example.needs_context or self._chance.random() >= self._recipe.context_dropout:
            return example
        return replace(example, input=ClassifierInput(example.input.text))

    def _with_stray_context(self, example: Example) -> Example:
        """Few sets come with context; without this the model would learn that a post with context is harmless."""
        has_context = example.input.title or example.input.reply_to
        if has_context or not (self._titles and self._civil) or self._chance.random() >= self._recipe.stray_context:
            return example
        title = self._chance.choice(self._titles) if self._chance.random() < 0.7 else None
        reply_to = self._chance.choice(self._civil) if title is None or self._chance.random() < 0.4 else None
        return replace(example, input=ClassifierInput(example.input.text, title, reply_to))

    def _swapped(self, example: Example) -> Example:
        """Not where the context may name the same group, nor where a claim is true of one group only."""
        post = example.input
        bound = post.title or post.reply_to or example.phenomenon in _ABOUT_FACTS
        if bound or self._chance.random() >= self._recipe.swapped:
            return example
        return replace(example, input=replace(post, text=swap_groups(post.text, self._chance)))

    def _padded(self, example: Example) -> Example:
        post = example.input
        if not self._civil or len(post.text) > _SHORT or self._chance.random() >= self._recipe.padded:
            return example
        before, after = (self._chance.choice(self._civil)[:_PADDING].rsplit(" ", 1)[0] for _ in range(2))
        parts = self._chance.choice(((before, post.text), (post.text, after), (before, post.text, after)))
        return replace(example, input=replace(post, text=" ".join(parts)))

    def _disguised(self, example: Example) -> Example:
        if self._chance.random() >= self._recipe.evasion:
            return example
        return replace(example, input=replace(example.input, text=disguise(example.input.text, self._chance)))


def training(rows: Sequence[Example], recipe: Recipe) -> list[Example]:
    """What a pass sees: all rows for training."""
    train = _of_split(rows, "train")
    return list(Views(train, recipe).of(train))


def development(rows: Sequence[Example]) -> list[Example]:
    """The development examples, a share of them in stray context: the same whatever the recipe of the run."""
    held = _of_split(rows, "dev")
    return list(Views(held, Recipe()).of(held))


def _of_split(rows: Sequence[Example], split: str) -> list[Example]:
    return [row for row in rows if row.split == split]
