"""Guided stories: a few steps each, every step a page with a visit and one finding. No streamlit here.

What a step claims is checked against the shipped checkpoints in ``tests/ui/test_stories.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

_WHO = {"g": "F", "a": "25", "o": "12"}
_MAYA = {**_WHO, "h": "780w-1721d-260l-1214l-1374l-541l-589l-2571l"}
_SPACE = {"h": "260l-2571l-541l-589l"}


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a story.

    Args:
        page: path of the page's script.
        link: the visit shown, as query parameters.
        finding: what there is to see, in a sentence.
        look: where to look, and what to try.
    """

    page: str
    link: dict[str, str]
    finding: str
    look: str


@dataclass(frozen=True, slots=True)
class Story:
    """A few steps that make one point.

    Args:
        key: in links.
        title: for people.
        promise: what one knows at the end.
        icon: one emoji.
        steps: in order.
    """

    key: str
    title: str
    promise: str
    icon: str
    steps: tuple[Step, ...]


_ALL = (
    Story(
        key="person",
        title="Same films, different person",
        promise="How much gender, age and occupation weigh beside what somebody watched.",
        icon="🪞",
        steps=(
            Step(
                "pages/recommend.py",
                {"m": "deepfm", "obj": "next", **_WHO, **_SPACE},
                "Four science-fiction films make a science-fiction list.",
                "The visitor is a programmer, a woman aged 25 to 34. Remember the first few films.",
            ),
            Step(
                "pages/what_if.py",
                {"m": "deepfm", "obj": "next", **_WHO, "wg": "M", "wa": "56", **_SPACE},
                "The same films watched by a man over 56: the order changes, most films stay.",
                "Every line is a film. Where lines cross, the profile alone did it.",
            ),
            Step(
                "pages/what_if.py",
                {"m": "rnn_joint", "obj": "next", **_WHO, "wg": "M", "wa": "56", **_SPACE},
                "A model that reads only the history cannot tell the two apart.",
                "All lines are level: this recurrent network never sees a profile.",
            ),
            Step(
                "pages/what_if.py",
                {"m": "deepfm", "obj": "next", **_WHO, "wd": "260", **_SPACE},
                "Taking away a single film, Star Wars, changes more than thirty years of age did.",
                "What somebody watched says more than who they are. Try dropping another film.",
            ),
        ),
    ),
    Story(
        key="attention",
        title="Attention is not always the reason",
        promise="When a weight on a watched film explains a recommendation, and when it does not.",
        icon="🔦",
        steps=(
            Step(
                "pages/attention.py",
                {"m": "din", "obj": "next", "t": "1210-1200-2916", **_MAYA},
                "DIN weighs the same history differently for each film it scores.",
                "Compare the columns: each is one film being scored.",
            ),
            Step(
                "pages/attention.py",
                {"m": "attention_pooling", "obj": "next", "t": "1240", **_MAYA},
                "Here the weights are a good guide: what gets weight moves the score when taken away.",
                "Read the faithfulness meter, then open “Every weight beside its effect”.",
            ),
            Step(
                "pages/attention.py",
                {"m": "dien", "obj": "like", "t": "3435", **_MAYA},
                "Here they are not: the weights say next to nothing about what moved the score.",
                "The same meter, the same visitor, another model. A picture of weights is not yet a reason.",
            ),
            Step(
                "pages/attention.py",
                {"m": "afm", "obj": "next", "t": "1240", **_MAYA},
                "A sum asks for no trust: the lines of this ledger add up to the answer.",
                "The line above the ledger gives both totals. They agree to the last digit shown.",
            ),
        ),
    ),
    Story(
        key="goal",
        title="What the training goal changes",
        promise="Why one model gives two different lists, and which question each answers.",
        icon="🎯",
        steps=(
            Step(
                "pages/recommend.py",
                {"m": "din", "obj": "next", **_SPACE},
                "Asked “What next?”, DIN stays close to the four films watched.",
                "It was trained to tell the film picked next from films drawn at random.",
            ),
            Step(
                "pages/recommend.py",
                {"m": "din", "obj": "like", **_SPACE},
                "Asked “Would they like it?”, the same kind of network lists what nearly everybody likes.",
                "It was trained only on films that people chose to watch; whether they would pick a film at all is not its question.",
            ),
            Step(
                "pages/compare.py",
                {"m": "din", "obj": "like", "c": "popularity.din.deepfm.bst.mf", **_SPACE},
                "That holds across models: for this question their lists look alike.",
                "The overlap matrix gives one number per pair of models. Switch the question to “What next?” and "
                "watch it change.",
            ),
            Step(
                "pages/leaderboard.py",
                {"m": "din", "obj": "next", **_SPACE},
                "A table has to say which question it answers: the best at one is not the best at the other.",
                "Switch between the questions above the table.",
            ),
        ),
    ),
    Story(
        key="number",
        title="One number, followed all the way",
        promise="Where a chance on a list comes from: every step between somebody's films and one percentage.",
        icon="🔬",
        steps=(
            Step(
                "pages/recommend.py",
                {"m": "din", "obj": "next", "t": "1240", **_MAYA},
                "One number of many: DIN gives The Terminator a chance of 11.0%. Follow it.",
                "It is the first row. The next steps go all the way from Maya's films to this number.",
            ),
            Step(
                "pages/inside.py",
                {"m": "din", "obj": "next", "t": "1240", "i": "watched", **_MAYA},
                "It begins with her eight films. To the model, each is a row of 32 numbers.",
                "Point at a film: it is marked in every step that knows it.",
            ),
            Step(
                "pages/inside.py",
                {"m": "din", "obj": "next", "t": "1240", "i": "weights", **_MAYA},
                "For The Terminator, DIN listens most to Terminator 2, and hardly to Titanic.",
                "Choose another film above the picture: the weights change with it.",
            ),
            Step(
                "pages/inside.py",
                {"m": "din", "obj": "next", "t": "1240", "i": "interest", **_MAYA},
                "Weighed and added up, eight films become one row: the part of her taste that this film appeals to.",
                "Point at a number of the row: the sum behind it names her films. Then press Play.",
            ),
            Step(
                "pages/inside.py",
                {"m": "din", "obj": "next", "t": "1240", "i": "score", **_MAYA},
                "At the end stands the number from the list: 11.0%, its share among all films.",
                "Press the back arrow to see each step again, or “Lesson” to guess before you look.",
            ),
        ),
    ),
)
STORIES: dict[str, Story] = {story.key: story for story in _ALL}


def step_of(place: str) -> tuple[Story, int] | None:
    """Story and index of the step that a place such as ``goal.2`` names; None if there is none."""
    key, _, number = place.partition(".")
    story = STORIES.get(key)
    if story is None or not (number.isascii() and number.isdigit() and len(number) < 4):
        return None
    index = int(number) - 1
    return (story, index) if 0 <= index < len(story.steps) else None
