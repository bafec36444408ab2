"""One state for every page: who the visitor is, what they watched, and what they are looking at.

A visit is a value; each edit makes a new one. The page that shows it, the link that carries it and the undo
that goes back to it need nothing else. No streamlit here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from recdemo.answers.counterfactual import UNKNOWN, Change, Unknown
from recdemo.core.session import MAX_SESSION_FILMS, Session, Watched
from recdemo.core.vocabulary import GENDERS, GROUPS, OBJECTIVES, Objective
from recdemo.core.worlds import FIRST, WORLDS, join_key
from recdemo.ui.stories import step_of

DEFAULT_MODEL = FIRST.model
DEFAULT_OBJECTIVE: Objective = "next"
MAX_TARGETS = 5
FEEDBACK: dict[str, bool | None] = {"l": True, "d": False, "w": None}
_STEP = re.compile(r"[a-z0-9_.]{1,80}")  # which steps there are is the answer's to say
_LETTERS = {value: letter for letter, value in FEEDBACK.items()}
# What is chosen on a page besides the visit, by its name in the link; the page says which values there are.
SHOWN = {
    "n": "length of the list", "ge": "genres", "y": "years", "r": "film picked", "v": "cards or table",
    "cn": "length of the lists compared", "wn": "length of the lists changed",
    "al": "film looked closer at", "av": "map of pairs", "ah": "picture of the films watched",
    "es": "space of vectors", "em": "map", "ec": "colour", "ev": "films shown by viewers", "ez": "close-up",
    "eq": "further question", "ea": "area of the map", "eb": "films added up", "et": "what dragging does",
    "ep": "whether a panel lies on the map", "eo": "other model", "du": "ratings per film or user", "dg": "group", "dw": "group beside it",
    "ac": "layer of crosses", "ay": "layer", "ad": "head", "ms": "what the diagram scores", "mt": "trap", "mf": "file of code",
    "lx": "experiment", "xc": "curves", "xl": "slope of LeakyReLU", "xp": "slope of PReLU", "xr": "slopes of RReLU",
    "xd": "slope of Dice", "xm": "mean of Dice", "xv": "deviation of Dice", "xn": "films shown", "lc": "models compared in calibration",
    "lq": "question of the leaderboard", "ls": "split", "lf": "figure ranked by", "lg": "families", "lw": "words sought",
    "lu": "groups of users",
}  # fmt: skip
LONGEST_SHOWN = 300  # letters of one of these

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """A session, the model and objective asked, the films looked at on explaining pages, the models compared
    (none: the page's own choice), the place in a guided story, such as ``goal.2``, the change tried out, what a film
    explained is set beside, and the step of an answer that is looked at (none: the first)."""

    session: Session = field(default_factory=Session)
    model: str = DEFAULT_MODEL
    objective: Objective = DEFAULT_OBJECTIVE
    targets: tuple[int, ...] = ()
    compared: tuple[str, ...] = ()
    story: str = ""
    change: Change = field(default_factory=Change)
    against: int | None = None  # a film's id; 0 for none; None for the average film
    step: str = ""
    present: bool = False  # in front of an audience
    shown: tuple[tuple[str, str], ...] = ()  # what is chosen on pages, by names of `SHOWN`

    def with_session(self, **changes: object) -> Visit:
        """The visit with some fields of its session changed."""
        return replace(self, session=replace(self.session, **changes))  # type: ignore[arg-type]

    def showing(self, name: str, value: str) -> Visit:
        """With something chosen on a page; an empty value is the page's own choice."""
        shown = dict(self.shown) | {name: value}
        return replace(self, shown=tuple(sorted((n, v) for n, v in shown.items() if v)))

    def with_model(self, model: str, objectives: Sequence[Objective]) -> Visit:
        """Another model, asked the same if it is trained for that, else what it is asked by default."""
        kept = self.objective if self.objective in objectives else objectives[0]
        return replace(self, model=model, objective=kept, step="")

    def looking_at(self, movie_id: int) -> Visit:
        """This film first among those looked at."""
        others = [target for target in self.targets if target != movie_id]
        return replace(self, targets=(movie_id, *others)[:MAX_TARGETS])

    def add(self, movie_id: int, liked: bool | None) -> Visit:
        """Watched last. A film already in the history moves there; a full history loses its oldest."""
        kept = [film for film in self.session.history if film.movie_id != movie_id]
        history = [*kept, Watched(movie_id, liked)][-MAX_SESSION_FILMS:]
        return self.with_session(history=history)

    def rate(self, movie_id: int, liked: bool | None) -> Visit:
        """Change what the visitor thought of a film."""
        changed = (
            replace(film, liked=liked) if film.movie_id == movie_id else film
            for film in self.session.history
        )
        return self.with_session(history=list(changed))

    def remove(self, movie_id: int) -> Visit:
        """Without a film."""
        kept = [film for film in self.session.history if film.movie_id != movie_id]
        return self.with_session(history=kept)

    def move(self, movie_id: int, steps: int, among: Collection[int] | None = None) -> Visit:
        """A film watched `steps` places later (negative: earlier), as far as the ends allow.

        Args:
            movie_id: of the film.
            steps: places.
            among: only these films count as places; all, if left out.
        """
        ids, history = self.session.movie_ids, list(self.session.history)
        places = [movie for movie in ids if among is None or movie in among]
        if movie_id not in places:
            return self
        there = min(max(places.index(movie_id) + steps, 0), len(places) - 1)
        history.insert(ids.index(places[there]), history.pop(ids.index(movie_id)))
        return self.with_session(history=history)

    def within(self, films: Collection[int], *, profiles: bool = True) -> Visit:
        """The visit as far as it is about these films, and about a profile or not: what a model can be asked."""
        added = self.change.added
        visit = self.with_session(history=[f for f in self.session.history if f.movie_id in films])
        change = self.change
        if not profiles:
            visit = visit.with_session(gender=None, age=None, occupation=None)
            change = replace(change, gender=None, age=None, occupation=None)
        return replace(
            visit,
            targets=tuple(movie for movie in self.targets if movie in films),
            against=self.against if self.against in films else 0 if self.against == 0 else None,
            change=replace(
                change,
                dropped=tuple(movie for movie in self.change.dropped if movie in films),
                added=added if added and added.movie_id in films else None,
            ),
        )


def default_model(models: Collection[str]) -> str:
    """The model that a visit begins with."""
    first = {join_key(world.model, world.key) for world in WORLDS.values()}
    return next((key for key in models if key in first), next(iter(models), DEFAULT_MODEL))


def encode_visit(visit: Visit) -> dict[str, str]:
    """The visit as query parameters; what is unknown or empty is left out."""
    session = visit.session
    change = visit.change
    films = "-".join(map(film_code, session.history))
    values = {
        "m": visit.model,
        "obj": visit.objective,
        "g": session.gender or "",
        "a": "" if session.age is None else str(session.age),
        "o": "" if session.occupation is None else str(session.occupation),
        "h": films,
        "t": "-".join(map(str, visit.targets)),
        "c": ".".join(visit.compared),
        "s": visit.story,
        "wg": change.gender or "",
        "wa": "" if change.age is None else str(change.age),
        "wo": "" if change.occupation is None else str(change.occupation),
        "wd": "-".join(map(str, change.dropped)),
        "wh": film_code(change.added) if change.added else "",
        "ag": "" if visit.against is None else str(visit.against),
        "i": visit.step,
        "present": "1" if visit.present else "",
        **dict(visit.shown),
    }
    return {name: value for name, value in values.items() if value}


def decode_visit(
    values: dict[str, str], *, models: Mapping[str, Sequence[Objective]], films: Collection[int]
) -> tuple[Visit, list[str]]:
    """A visit from query parameters; whatever is not valid is left out and named.

    Args:
        values: as in a link; unknown names are ignored.
        models: objectives of each model that exists, the one it is asked for by default first.
        films: ids that exist.

    Returns:
        The visit, and one sentence for each thing left out.
    """
    link = _Link(values, films)
    model = link.choose("m", models, "the model") or default_model(models)
    objective = _question(link, model, models.get(model, (DEFAULT_OBJECTIVE,)))
    gender = link.choose("g", GENDERS, "the gender")
    age = link.choose("a", GROUPS["age"], "the age group")
    occupation = link.choose("o", GROUPS["occupation"], "the occupation")
    other_gender = link.choose("wg", (*GENDERS, UNKNOWN), "a change to the gender")
    other_age = link.choose("wa", (*GROUPS["age"], UNKNOWN), "a change to the age group")
    other_occupation = link.choose(
        "wo", (*GROUPS["occupation"], UNKNOWN), "a change to the occupation"
    )
    session = Session(
        gender=gender,  # type: ignore[arg-type]
        age=int(age) if age else None,
        occupation=int(occupation) if occupation else None,
        history=_history(link),
    )
    targets = dict.fromkeys(link.films_of("t", _film))
    change = Change(
        gender=other_gender,  # type: ignore[arg-type]
        age=_number(other_age),
        occupation=_number(other_occupation),
        dropped=tuple(dict.fromkeys(link.films_of("wd", _film)))[:MAX_SESSION_FILMS],
        added=link.film("wh", _watched),
    )
    against = 0 if link.get("ag") == "0" else link.film("ag", _film)
    link.name_unknown("The link names films that are not in the catalogue", link.no_films)
    compared = dict.fromkeys(filter(None, link.get("c").split(".")))
    strange = [key for key in compared if key not in models]
    link.name_unknown("The link compares models that do not exist", strange)
    visit = Visit(
        session=session,
        model=model,
        objective=objective,
        targets=tuple(targets)[:MAX_TARGETS],
        compared=tuple(key for key in compared if key in models),
        story=link.known("s", step_of, "a story"),
        change=change,
        against=against,
        step=link.known("i", _STEP.fullmatch, "a step of an answer"),
        present=link.get("present") == "1",
        shown=tuple((n, link.get(n)[:LONGEST_SHOWN]) for n in sorted(SHOWN) if link.get(n)),
    )
    if link.get("ed") == "3":
        link.problems.append(
            "The link asks for a map in three dimensions, whose films could not be clicked; maps are flat now."
        )
    return visit, link.problems


class _Link:
    """What a link holds, and what is wrong with it."""

    def __init__(self, values: Mapping[str, str], films: Collection[int]) -> None:
        # Halves of characters could be neither shown nor linked.
        self.values = {k: value.encode(errors="replace").decode() for k, value in values.items()}
        self.films = films
        self.problems: list[str] = []
        self.no_films: list[str] = []

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def choose(self, name: str, allowed: Iterable[str], what: str) -> str | None:
        """One of the values allowed."""
        value = self.get(name)
        if not value or value in allowed:
            return value or None
        self.problems.append(f"The link asks for {what} {_quoted(value)}, which does not exist.")
        return None

    def known(self, name: str, find: Callable[[str], object], what: str) -> str:
        """A text by which something is found."""
        value = self.get(name)
        if not value or find(value) is not None:
            return value
        self.problems.append(f"The link names {what} that does not exist: {_quoted(value)}.")
        return ""

    def film(self, name: str, read: Callable[[str, Collection[int]], T | None]) -> T | None:
        """A film."""
        return self._film(self.get(name), read) if self.get(name) else None

    def films_of(self, name: str, read: Callable[[str, Collection[int]], T | None]) -> list[T]:
        """Those of several films that exist."""
        found = [self._film(item, read) for item in self.get(name).split("-") if item]
        return [film for film in found if film is not None]

    def _film(self, text: str, read: Callable[[str, Collection[int]], T | None]) -> T | None:
        found = read(text, self.films)
        if found is None:
            self.no_films.append(text)
        return found

    def name_unknown(self, said: str, found: Sequence[str]) -> None:
        if found:
            self.problems.append(f"{said}: {', '.join(map(_quoted, found[:5]))}.")


def _question(link: _Link, model: str, trained: Sequence[Objective]) -> Objective:
    """What the link asks the model, or else what the model is trained for."""
    asked = link.choose("obj", OBJECTIVES, "the question")
    if asked in trained:
        return asked  # type: ignore[return-value]
    if asked:
        link.problems.append(f"The model `{model}` is not trained for {_quoted(asked)}.")
    return trained[0]


def _history(link: _Link) -> list[Watched]:
    """Each film as it comes first; of too many, the latest."""
    films: dict[int, Watched] = {}
    for film in link.films_of("h", _watched):
        films.setdefault(film.movie_id, film)
    if len(films) > MAX_SESSION_FILMS:
        link.problems.append(
            f"The link holds {len(films)} films; the latest {MAX_SESSION_FILMS} are kept."
        )
    return list(films.values())[-MAX_SESSION_FILMS:]


def film_code(film: Watched) -> str:
    """A film watched as a link has it: its id, and a letter for what was thought of it."""
    return f"{film.movie_id}{_LETTERS[film.liked]}"


def _watched(text: str, films: Collection[int]) -> Watched | None:
    """A film that exists and what was thought of it, as `film_code` writes them, or None."""
    movie = _film(text[:-1], films)
    if movie is None or text[-1] not in FEEDBACK:
        return None
    return Watched(movie, FEEDBACK[text[-1]])


def _number(text: str | None) -> int | Unknown | None:
    return UNKNOWN if text == UNKNOWN else int(text) if text else None


def _film(text: str, films: Collection[int]) -> int | None:
    """A film id that exists, or None."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return int(text) if int(text) in films else None


def _quoted(text: str) -> str:
    """A piece of a link as code, so that it is shown as it is and never drawn."""
    return f"`{text[:40].replace('`', '')}`"
