"""Fictional people with real films, to start a visitor off: those of each world, by its key. Ids are MovieLens's."""

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
    profile: tuple[Gender | None, int | None, int | None],
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

NOBODY = (None, None, None)
_TO_2018 = (
    _persona("Nora", "🌌", "Engineer; the film has to be cleverer than she is.", NOBODY,
             [115713, 164179, 2571, 109487, 79132], disliked=(53996,), watched=(104841,)),
    _persona("Sam", "🦸", "Has seen every hero twice, and the credits to the end.", NOBODY,
             [59315, 58559, 112852, 122904, 89745], disliked=(136864,), watched=(77561,)),
    _persona("Aiko", "🎈", "Grew up with lamps that jump, and has not stopped.", NOBODY,
             [5618, 6377, 60069, 68954, 78499], disliked=(87520,), watched=(152081,)),
    _persona("Jonas", "🗺️", "Reads the book first, and stays for the third part.", NOBODY,
             [4993, 5952, 7153, 4896, 91500], disliked=(63992,), watched=(106487,)),
    _persona("Clara", "🎨", "Every frame a painting, every painting a little sad.", NOBODY,
             [4973, 94959, 109374, 7361, 112552], disliked=(69122,), watched=(112183,)),
    _persona("Theo", "🔎", "Knows who did it, and waits to be wrong.", NOBODY,
             [48780, 51540, 74458, 91658, 112556], disliked=(63992,), watched=(68157,)),
    _persona("Bea", "😂", "Laughs first, asks later.", NOBODY,
             [8641, 54503, 60756, 69122, 8874], disliked=(4993,), watched=(106782,)),
    _persona("Mateo", "🧟", "Leaves the light on, and goes back for more.", NOBODY,
             [6502, 8957, 93840, 103688, 168250], disliked=(8533,), watched=(7147,)),
)  # fmt: skip

OF_WORLD: dict[str, tuple[Persona, ...]] = {"": PERSONAS, "2018": _TO_2018}
