"""Titles in any language as words, and words as pieces.

A word is a run of letters and digits between spaces and marks. Chinese, Japanese and their like leave no spaces: there each
character is a word of its own. The pieces of a word are itself and its n-grams (Bojanowski et al., "Enriching Word Vectors
with Subword Information", TACL 2017): "Fußball" and "Fußballer" share most of theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

TITLE_LENGTH = 10
CHARACTERS = 3  # that stand alone and together fill the place of a word
LETTER_GRAMS = range(3, 6)
SYLLABLE_GRAMS = range(1, 3)  # of scripts whose characters are syllables, as Hangul

_WORD = re.compile(r"[^\s']+(?:'[^\s'\d]+)?")
_LATIN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_ACCENTS = re.compile(r"(?<=[a-z0-9])[\u0300-\u036f]+")
_ALONE = re.compile(  # kana and Chinese characters
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_GAPS = "æø"  # no part of a word, for two titles of MovieLens-1M were cut there when its models were trained
_FIRST_SYLLABIC = "\u2e80"  # from here on, characters are syllables or words


def words_of(title: str, most: float = TITLE_LENGTH) -> list[str]:
    """The first words of a title, in lower case; Latin letters without accents, as GloVe has them.

    Args:
        title: in any language.
        most: how many; a character that stands alone counts a third of a word.
    """
    words: list[str] = []
    for word in _WORD.findall(_spaced(title)):
        most -= 1 / CHARACTERS if _ALONE.match(word) else 1
        if most < -1e-6:
            break
        words.append(word)
    return words


def latin_words_of(title: str) -> list[str]:
    """The words that were read before other scripts were; they stay in `Schema.hash`, which old models state."""
    plain = title.lower()
    if not plain.isascii():
        letters = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _LATIN.findall(plain)[:TITLE_LENGTH]


def pieces_of(text: str) -> Iterator[str]:
    """All words of a text, however long, their n-grams, and pairs of neighbours that stand alone."""
    words = words_of(text, float("inf"))
    for word in words:
        marked = f"<{word}>"
        yield marked
        spelt, sizes = (word, SYLLABLE_GRAMS) if word >= _FIRST_SYLLABIC else (marked, LETTER_GRAMS)
        for size in sizes:
            yield from (spelt[at : at + size] for at in range(len(spelt) - size + 1))
    for one, other in pairwise(words):
        if _ALONE.match(one) and _ALONE.match(other):
            yield one + other


def _spaced(title: str) -> str:
    """In lower case, spaces in place of what is no part of a word, and around what stands alone."""
    plain = title.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.replace("\u2019", "'"))
        plain = unicodedata.normalize("NFC", _ACCENTS.sub("", plain))
    return "".join(map(_apart, plain))


@lru_cache(maxsize=4096)
def _apart(letter: str) -> str:
    if letter == "'" or (letter.isascii() and letter.isalnum()):
        return letter
    if letter in _GAPS or unicodedata.category(letter)[0] not in "LMN":
        return " "
    return f" {letter} " if _ALONE.match(letter) else letter
