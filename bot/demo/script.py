"""What the people of the sample server say. Written for the demo; no real person or event is meant."""

from dataclasses import dataclass

TITLE = "Council votes 7–4 to close the harbour swimming pool"
ARTICLE = (
    "After a five-hour session the council voted on Tuesday night to close the harbour pool in March. Repairs were "
    "put at 3.1 million. Two hundred residents had come to protest; the gallery was cleared twice."
)


@dataclass(frozen=True, slots=True)
class Line:
    """``answers``: how many lines further up the post stands that this one replies to."""

    author: str
    text: str
    answers: int | None = None


THREAD = (
    Line(
        "nadia", "Seven people who have never taken a bus to a pool in their lives just took mine away. I am furious."
    ),
    Line("olek", "3.1 million is not nothing, though. The report says the roof could come down within two winters."),
    Line("nadia", "Then publish the whole report! They showed us four pages out of sixty. That is an insult.", 1),
    Line("brass_monkey", "nadia you are a pathetic idiot, nobody wants you or your stupid kids in this town", 1),
    Line("t.lindqvist", "This council has been wrong about every single budget since 2019. Vote them out in May."),
    Line("quietstorm", "Chlorine causes cancer and doctors hide it. The secret cabal in the media covers it up."),
    Line("olek", "I do not like the decision either, but the engineers signed that report with their names.", 1),
    Line("ferrydan", "My kids learned to swim there. I cried when I read it. Shame on all seven of them."),
)
"""Stands when the page opens."""

LATER = (
    Line("brass_monkey", "I know where you live olek. Say that again and I will come and break your legs.", 2),
    Line("t.lindqvist", "Reported. We can argue about a roof without that."),
    Line("marisol", "Is there a petition? I would sign today. The mayor's excuse is garbage."),
    Line("brass_monkey", "Somebody should shoot the whole council, all eleven of them."),
    Line(
        "quietstorm",
        "Wake up people. The pool was never broken. A secret group of developers controls the council, they planned "
        "this years ago with the media, and the so-called engineers are paid to lie to you.",
    ),
    Line("ferrydan", "The chlorine tests are on the city's page, month by month. Nothing odd in them.", 1),
    Line("nadia", "Meeting on Saturday at ten, in front of the pool. Bring banners, leave the anger at home."),
)
"""Arrives while somebody watches."""
