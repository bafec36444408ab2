"""Film titles: from MovieLens' index order to the natural one, and the keys two spellings share.

MovieLens writes ``Postino, Il (The Postman) (1994)``; people write ``Il Postino (The Postman)``.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

# Articles that an index puts at the end: English, French, Italian, Spanish, German, and two more.
_ARTICLES = (
    "The A An",
    "La Le Les L' Un Une",
    "Il Lo I Gli",
    "El Los Las",
    "Der Die Das",
    "Det O",
)
_INVERTED = re.compile(rf"((?:.*\ba\.k\.a\. )?)(.+), ({'|'.join(' '.join(_ARTICLES).split())})")
_YEAR = re.compile(r"\((\d{4})\)(?: \((?:V|TV|VG)\))?$")
_GROUP = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN = re.compile(r",? ?\ba\.k\.a\. ")
_PART = re.compile(r": | - ")
_ENGLISH = {"the", "an", "a"}
# Articles that a name may be called without; of "Die Hard" and "O Brother" the first word is none.
ARTICLES = {word.strip("'").casefold() for word in " ".join(_ARTICLES).split()} - {"die", "o"}
_SEQUELS = {  # how a sequel's number is written
    **{"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"},
    **{"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8"},
}
_FIGURES = _SEQUELS | {
    "i": "1",
    "one": "1",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}
_NUMERAL = re.compile(
    rf"(?<=\w)[\s:,–-]+(?:(?:part|pt\.?|chapter|teil|parte|partie)\s+)?(\d{{1,2}}|{'|'.join(_SEQUELS)})(?![\w'’])",
    re.IGNORECASE,
)
_JOINING = re.compile(r"['\u2019.]")
_LONGEST = 200  # characters; what a visitor's file calls a longer name is not remembered
_MARKS = re.compile(r"[^a-z0-9]+")
_UNACCENTED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "&": " and "})


def split_title(text: str) -> tuple[str, int | None]:
    """Natural title and release year of a MovieLens title; None where no year ends it."""
    text = " ".join(html.unescape(text).split())
    year = _YEAR.search(text)
    if year is None:
        return natural_title(text), None
    return natural_title(text[: year.start()]), int(year.group(1))


def natural_title(title: str) -> str:
    """Move each article to the front, in the title and in every parenthesised title after it.

    ``Hate (Haine, La)`` becomes ``Hate (La Haine)``; ``Enfer, L'`` becomes ``L'Enfer``.
    """
    opening = title.find(" (")
    main, rest = (title, "") if opening < 1 else (title[:opening], title[opening:])
    rest = _GROUP.sub(lambda group: f"({_article_first(group.group(1))})", rest)
    return _article_first(main) + rest.rstrip()


def match_keys(title: str) -> tuple[str, ...]:
    """Spelling-free keys of a natural title: the title proper first, then its other names.

    Case, accents, punctuation, spaces and a leading English article do not count; ``&`` is "and".
    """
    return _keys(names_of(title))


def keys_of(title: str) -> tuple[str, ...]:
    """`match_keys`, where numbers of sequels are written in figures: ``The Godfather: Part II`` is ``godfather2``."""
    return match_keys(_NUMERAL.sub(lambda found: " " + figure(found[1]), title))


def part_keys(title: str) -> tuple[str, ...]:
    """Keys of the parts that a colon or dash joins: ``Star Wars: Episode IV - A New Hope``."""
    return _keys(parts_of(_proper(title)))


def names_of(title: str) -> list[str]:
    """The title proper, then the other names that it has in parentheses."""
    names = [_proper(title)]
    for group in _GROUP.findall(title):
        names += [name.removeprefix("a.k.a. ") for name in _ALSO_KNOWN.split(group)]
    return names


def parts_of(name: str) -> list[str]:
    """What a colon or dash joins in a name; none where there is neither."""
    parts = _PART.split(name)
    return parts if len(parts) > 1 else []


def words_of(name: str) -> tuple[str, ...]:
    """Words without case, accents and punctuation; apostrophes and dots join what they stand between."""
    return _read(name) if len(name) > _LONGEST else _read_once(name)


def _read(name: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_UNACCENTED))
    if not folded.isascii():
        folded = "".join(mark for mark in folded if not unicodedata.combining(mark))
    return tuple(_MARKS.sub(" ", _JOINING.sub("", folded)).split())


# An index of titles asks for the same name several times.
_read_once = lru_cache(maxsize=4096)(_read)


def figure(word: str) -> str:
    """A Roman or written number in figures; any other word as it is."""
    word = word.casefold()
    return _FIGURES.get(word, word)


def _proper(title: str) -> str:
    return _GROUP.sub(" ", title)


def _keys(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for name in names if (key := _plain(name))))


def _article_first(title: str) -> str:
    title = title.strip()
    inverted = _INVERTED.fullmatch(title)
    if inverted:
        before, rest, article = inverted.groups()
        title = f"{before}{article} {rest}"
    return re.sub(r"\bL' ", "L'", title)


def _plain(name: str) -> str:
    words = words_of(name)
    return "".join(words[len(words) > 1 and words[0] in _ENGLISH :])
