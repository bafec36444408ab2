"""Film titles: from MovieLens' index order to the natural one, and the keys two spellings share.

MovieLens writes ``Postino, Il (The Postman) (1994)``; people write ``Il Postino (The Postman)``.
"""

from __future__ import annotations

import html
import re
import unicodedata

# Articles that an index puts at the end: English, French, Italian, Spanish, German, and two more.
_ARTICLES = (
    "The A An",
    "La Le Les L' Un Une",
    "Il Lo I Gli",
    "El Los Las",
    "Der Die Das",
    "Det O",
)
_INVERTED = re.compile(rf"(.+), ({'|'.join(' '.join(_ARTICLES).split())})")
_YEAR = re.compile(r"\((\d{4})\)(?: \((?:V|TV|VG)\))?$")
_GROUP = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN = re.compile(r",? ?\ba\.k\.a\. ")
_PART = re.compile(r": | - ")
_ENGLISH_ARTICLE = re.compile(r"^(the|an|a) (?=.)")
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
    names = [_proper(title)]
    for group in _GROUP.findall(title):
        names += _ALSO_KNOWN.split(group)
    return _keys(names)


def part_keys(title: str) -> tuple[str, ...]:
    """Keys of the parts that a colon or dash joins: ``Star Wars: Episode IV - A New Hope``."""
    parts = _PART.split(_proper(title))
    return _keys(parts) if len(parts) > 1 else ()


def _proper(title: str) -> str:
    return _GROUP.sub(" ", title)


def _keys(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for name in names if (key := _plain(name))))


def _article_first(title: str) -> str:
    title = title.strip()
    inverted = _INVERTED.fullmatch(title)
    if inverted:
        rest, article = inverted.groups()
        title = f"{article} {rest}"
    return re.sub(r"\bL' ", "L'", title)


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_UNACCENTED))
    unaccented = "".join(mark for mark in folded if not unicodedata.combining(mark))
    words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"['\u2019.]", "", unaccented)).strip()
    return _ENGLISH_ARTICLE.sub("", words).replace(" ", "")
