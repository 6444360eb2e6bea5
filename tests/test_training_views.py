"""What training sees of the examples, and the recipe that says so."""

import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from models.classifier import ClassifierInput
from models.labels import Axis, Label, ScoreKey
from models.train.__main__ import app
from models.train.dataset import CORPUS, Example
from models.train.recipe import Recipe
from models.train.trainer import checkpoint_name
from models.train.views import Views, development, training

PLAIN = Recipe(
    seed=1,
    corpus_repeat=1,
    rare_repeat=1,
    group_repeat=1,
    stray_context=0,
    context_dropout=0,
    evasion=0,
    padded=0,
    swapped=0,
)
TITLES, FORUM = "coaid_titles", "iac_4forums_unlabelled_sample"
CIVIL = "a long and civil talk about the weather of the week " * 20


def example(
    text: str, source: str = "olid", split: str = "train", target: tuple[ScoreKey, float] = (Axis.INFLAMMATORY, 0.0)
) -> Example:
    return Example(source, split, ClassifierInput(text), dict([target]), {target[0]: 1.0})


def in_context(number: int, *, needs_context: bool = False) -> Example:
    post = ClassifierInput(f"Post {number}", "A title", "A reply" if number % 2 else None)
    return replace(example("", CORPUS), input=post, needs_context=needs_context)


def posts(count: int = 400, split: str = "train") -> list[Example]:
    return [example(f"Everything about number {n} seems wrong to them", split=split) for n in range(count)]


def surroundings() -> list[Example]:
    """What stray titles, stray posts and padding are drawn from."""
    return [example(f"Title {n}", TITLES) for n in range(20)] + [example(f"{n} {CIVIL}", FORUM) for n in range(20)]


def seen(examples: list[Example], recipe: Recipe) -> list[Example]:
    return list(Views([*examples, *surroundings()], recipe).of(examples))


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("seed=7", "seed", 7),
        ("share=0.5", "share", 0.5),
        ("batch=32", "batch", 32),
        ("learning_rate=3e-5", "learning_rate", 3e-5),
    ],
)
def test_a_setting_changes_one_field_to_its_kind(setting: str, name: str, value: float) -> None:
    changed = Recipe().with_settings([setting])
    assert getattr(changed, name) == value and type(getattr(changed, name)) is type(value)
    assert replace(changed, **{name: getattr(Recipe(), name)}) == Recipe()


@pytest.mark.parametrize("setting", ["sede=7", "seed", "seed=", "=7", "", "slug=x"])
def test_a_setting_that_is_none_is_refused_with_the_names_there_are(setting: str) -> None:
    with pytest.raises(ValueError, match=r"is not name=value with one of: seed, share, .*padded"):
        Recipe().with_settings(["batch=32", setting])


@pytest.mark.parametrize(
    "setting",
    [
        *("seed=x", "seed=1.5", "share=much", "evasion=nan", "share=-1", "corpus_repeat=-2"),
        *("share=75", "swapped=1.1", "batch=0", "passes=0"),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_setting(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        Recipe().with_settings([setting])


def test_dropout_is_refused_where_the_only_pass_has_none() -> None:
    with pytest.raises(ValueError, match="set passes to 2 or closing to 1"):
        Recipe().with_settings(["passes=1", "closing=0", "dropout=0.3"])
    for more in (["passes=2", "closing=0"], ["passes=1", "closing=1"]):
        assert Recipe().with_settings([*more, "dropout=0.3"]).each_pass()[1].dropout == 0.3


def test_closing_passes_are_half_as_long_and_give_facts_more_room_and_each_pass_has_its_own_draw() -> None:
    first, wide, *closing = Recipe(passes=2, closing=2, facts=2).each_pass()
    assert [each.facts for each in (first, wide, *closing)] == [2, 2, 12, 12]
    assert [each.share for each in (first, wide, *closing)] == [1, 1, 0.5, 0.5]
    assert first.dropout == 0 and {each.dropout for each in (wide, *closing)} == {Recipe().dropout}
    assert {each.learning_rate for each in (wide, *closing)} == {first.learning_rate / 2}
    assert len({each.seed for each in (first, wide, *closing)}) == 4
    assert Recipe(passes=2, closing=0, facts=2).each_pass() == [first, wide], "earlier passes stay as they are"


def test_the_command_refuses_a_setting_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for slow, name in (("trainer", "fine_tune"), ("release", "write_weights")):
        monkeypatch.setitem(sys.modules, f"models.train.{slow}", SimpleNamespace(**{name: pytest.fail}))
    result = CliRunner().invoke(app, ["--set", "sede=7"])
    assert result.exit_code == 2
    assert "error: 'sede=7' is not name=value" in result.output


def test_checkpoints_are_those_of_the_same_pass_only() -> None:
    examples = posts(3)
    name = checkpoint_name(examples, Recipe(), "encoder")
    assert checkpoint_name(posts(3), Recipe(), "encoder") == name
    others = (
        checkpoint_name(posts(4), Recipe(), "encoder"),
        checkpoint_name(examples, Recipe(learning_rate=3e-4), "encoder"),
        checkpoint_name([replace(examples[0], targets={Axis.INFLAMMATORY: 0.5}), *examples[1:]], Recipe(), "encoder"),
        checkpoint_name(examples, Recipe(), "newer"),
    )
    assert len({name, *others}) == 5


def test_the_development_examples_do_not_depend_on_what_is_trained_on() -> None:
    held = [replace(e, split="dev") for e in [*posts(50), *surroundings()]]
    alone = development(held)
    assert development([*surroundings(), *posts(60), *held]) == alone
    assert {example.split for example in alone} == {"dev"}
    assert any(e.input.title for e in alone), "stray context as the bot meets it"


def test_a_plain_recipe_shows_every_example_once_as_it_is() -> None:
    examples = [*posts(20), *(in_context(n) for n in range(20)), *posts(5, split="dev")]
    assert seen(examples, PLAIN) == examples


def test_the_same_recipe_shows_the_same_and_another_seed_something_else() -> None:
    examples = [*posts(), *(in_context(n) for n in range(50))]
    recipe = Recipe(seed=1)
    assert seen(examples, recipe) == seen(examples, recipe)
    assert seen(examples, recipe) != seen(examples, replace(recipe, seed=2))


def test_our_own_posts_are_repeated_and_public_rows_as_often_as_they_say() -> None:
    examples = [
        in_context(1),
        replace(example("Threat", target=(Label.THREAT, 0.4)), repeat=4),
        example("Calm", target=(Label.THREAT, 0.6)),
        replace(example("Waiting", split="dev"), repeat=4),
        replace(in_context(2), split="dev"),
    ]
    counts = Counter(shown.input.text for shown in seen(examples, replace(PLAIN, corpus_repeat=5)))
    assert counts == {"Post 1": 5, "Threat": 4, "Calm": 1, "Waiting": 1, "Post 2": 1}


def test_posts_that_name_a_group_and_were_read_as_harmless_are_seen_more_often() -> None:
    attack: tuple[ScoreKey, float] = (Label.IDENTITY_ATTACK, 1.0)
    examples = [
        example("Gay people sing"),
        replace(example("Gay people sang"), repeat=2),
        example("Muslims met", FORUM, target=(Axis.MISINFORMATION, 1.0)),
        replace(example("Muslims sang", FORUM), weak=frozenset({Axis.INFLAMMATORY})),
        example("Gay people disgust me", target=attack),
        replace(example("A Sikh who sings", CORPUS), phenomenon="identity_neutral"),
        replace(example("A Sikh who steals", CORPUS, target=attack), phenomenon="identity_attack"),
    ]
    counts = Counter(shown.input.text for shown in seen(examples, replace(PLAIN, corpus_repeat=5, group_repeat=3)))
    assert [counts[each.input.text] for each in examples] == [3, 6, 1, 1, 1, 15, 5]


def test_a_share_of_the_posts_is_shown_without_its_context() -> None:
    shown = seen([in_context(n) for n in range(600)], replace(PLAIN, context_dropout=0.4))
    bare = [e for e in shown if e.input == ClassifierInput(e.input.text)]
    assert 0.33 < len(bare) / len(shown) < 0.47
    assert all(e.input.title == "A title" for e in shown if e not in bare)


def test_context_that_a_post_cannot_be_judged_without_stays() -> None:
    examples = [in_context(n, needs_context=True) for n in range(200)]
    shown = seen(examples, replace(PLAIN, context_dropout=1.0, stray_context=1.0, padded=1.0, evasion=1.0))
    assert [(e.input.title, e.input.reply_to) for e in shown] == [(e.input.title, e.input.reply_to) for e in examples]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_share_of_the_posts_stands_under_a_stray_title_or_post_and_keeps_its_targets(split: str) -> None:
    examples = posts(split=split)
    shown = seen(examples, replace(PLAIN, stray_context=0.25))
    stray = [e for e in shown if e.input.title or e.input.reply_to]
    assert 0.18 < len(stray) / len(shown) < 0.32
    assert {(e.input.title or "Title").split()[0] for e in stray} == {"Title"}
    assert all(CIVIL in (e.input.reply_to or CIVIL) for e in stray)
    assert any(e.input.reply_to for e in stray) and any(e.input.title for e in stray)
    assert [(e.input.text, e.targets) for e in shown] == [(e.input.text, e.targets) for e in examples]


def test_real_context_is_never_replaced_by_a_stray_one() -> None:
    examples = [in_context(n) for n in range(50)]
    assert seen(examples, replace(PLAIN, stray_context=1.0)) == examples


def test_a_share_of_the_posts_is_about_another_group_and_keeps_its_targets() -> None:
    examples = [replace(e, input=ClassifierInput(f"{n}: Gay people are wonderful")) for n, e in enumerate(posts(300))]
    shown = seen(examples, replace(PLAIN, swapped=0.5))
    assert 0.4 < sum("Gay" not in e.input.text for e in shown) / 300 < 0.6
    assert len({e.input.text.split(": ")[1] for e in shown}) > 20
    assert all(e.input.text.endswith(" people are wonderful") and e.targets == posts(1)[0].targets for e in shown)


def test_a_group_stays_where_the_context_or_a_fact_may_hang_on_it() -> None:
    named = [replace(in_context(n), input=ClassifierInput("Gay people vote", "A title")) for n in range(20)]
    facts = [replace(example("Gay people vote", CORPUS), phenomenon="real_history") for _ in range(20)]
    assert seen([*named, *facts], replace(PLAIN, swapped=1.0)) == [*named, *facts]


def test_short_posts_are_padded_with_civil_text_and_long_ones_are_not() -> None:
    long = example("They are wrong about it. " * 20)
    shown = seen([*posts(200), long], replace(PLAIN, padded=1.0))
    assert shown[-1] == long
    for before, after in zip(posts(200), shown, strict=False):
        assert before.input.text in after.input.text and "civil talk" in after.input.text
        assert len(after.input.text) <= len(before.input.text) + 2 * 111
        assert after.targets == before.targets
    starts = sum(after.input.text.startswith("Everything") for after in shown)
    assert 0.2 < starts / 200 < 0.5, "the post stands at the start, the end or the middle"


def test_a_share_of_the_posts_is_disguised() -> None:
    examples = posts(1_000)
    shown = seen(examples, replace(PLAIN, evasion=0.1))
    changed = [after for before, after in zip(examples, shown, strict=True) if before.input.text != after.input.text]
    assert 0.07 < len(changed) / len(shown) < 0.13
    assert all(after.targets == {Axis.INFLAMMATORY: 0.0} for after in changed)


def test_development_posts_are_neither_disguised_nor_padded_nor_repeated_nor_stripped_of_context() -> None:
    examples = [*posts(50, split="dev"), *(replace(in_context(n), split="dev") for n in range(50))]
    loud = replace(PLAIN, evasion=1.0, padded=1.0, context_dropout=1.0, corpus_repeat=5)
    assert seen(examples, loud) == examples


def test_without_titles_and_civil_posts_to_draw_from_the_posts_stay() -> None:
    examples = posts(20)
    assert list(Views(examples, replace(PLAIN, stray_context=1.0, padded=1.0)).of(examples)) == examples


def test_titles_without_civil_posts_are_no_reason_to_fail() -> None:
    examples = [*posts(50), example("Title", TITLES)]
    assert list(Views(examples, replace(PLAIN, stray_context=1.0)).of(examples)) == examples


def test_nothing_is_drawn_from_development_posts() -> None:
    hidden = [replace(e, split="dev") for e in surroundings()]
    examples, recipe = posts(50), replace(PLAIN, stray_context=1.0, padded=1.0)
    assert training([*examples, *hidden], recipe) == examples
