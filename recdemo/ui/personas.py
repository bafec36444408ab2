"""Fictional people with real films, to start a visitor off. Ids are MovieLens-1M's."""

from __future__ import annotations

from dataclasses import dataclass

from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Gender


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody made up.

    Args:
        name: first name.
        icon: one emoji.
        line: who they are, in a sentence.
        session: profile and history.
    """

    name: str
    icon: str
    line: str
    session: Session


def _persona(
    name: str,
    icon: str,
    line: str,
    profile: tuple[Gender, int, int],
    liked: list[int],
    disliked: tuple[int, ...] = (),
    watched: tuple[int, ...] = (),
) -> Persona:
    history = [Watched(movie, None) for movie in watched]
    history += [Watched(movie, False) for movie in disliked]
    history += [Watched(movie, True) for movie in liked]
    gender, age, occupation = profile
    return Persona(name, icon, line, Session(gender, age, occupation, history))


PERSONAS: tuple[Persona, ...] = (
    _persona(
        "Maya",
        "🚀",
        "Programmer who has seen every starship there is.",
        ("F", 25, 12),
        [260, 1214, 1374, 541, 589, 2571],
        disliked=(1721,),
        watched=(780,),
    ),
    _persona(
        "Tom",
        "🧸",
        "Father of two; films have to work for all four.",
        ("M", 35, 14),
        [1, 588, 364, 595, 2355],
        disliked=(1997,),
        watched=(1907,),
    ),
    _persona(
        "Ruth",
        "🎞️",
        "Retired, and was there when the classics were new.",
        ("F", 56, 13),
        [912, 904, 908, 913, 923],
        disliked=(296,),
        watched=(1947,),
    ),
    _persona(
        "Ken",
        "🔪",
        "Student who laughs where others hide.",
        ("M", 18, 4),
        [1982, 1347, 1407, 1258, 1219],
        disliked=(539,),
        watched=(2710,),
    ),
    _persona(
        "Ines",
        "💌",
        "Writer who cries at weddings, on screen and off.",
        ("F", 35, 20),
        [1307, 539, 357, 17, 2671],
        disliked=(589,),
        watched=(2396,),
    ),
    _persona(
        "Walt",
        "🎖️",
        "Self-employed, likes his history loud.",
        ("M", 45, 16),
        [110, 2028, 1208, 1090, 3578],
        disliked=(2671,),
        watched=(527,),
    ),
    _persona(
        "Priya",
        "🕵️",
        "Lawyer; the twist had better be fair.",
        ("F", 25, 11),
        [1617, 50, 608, 1252, 47],
        disliked=(2683,),
        watched=(593,),
    ),
    _persona(
        "Leo",
        "🛹",
        "At school, and knows every line of the comedies.",
        ("M", 1, 10),
        [2706, 1517, 1265, 2791, 3253],
        disliked=(912,),
        watched=(1923,),
    ),
)
