"""Films of a catalogue, found as people type: any words of any of a film's names, in any order, begun or whole.

Case, accents, articles, punctuation and how a number is written do not count; a year is a word like others; initials are
one (``lotr``). Only where nothing has these words, one letter of each may be wrong: such films are *near*, not found.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from recdemo.data.catalogue import labels_of
from recdemo.data.titles import ARTICLES, figure, keys_of, names_of, parts_of, words_of

_SMALL = {"the", "a", "an", "and", "part", "pt", "episode", "chapter", "vol", "volume"}
_ELISION = re.compile(r"\b([LlDd])['’](?=\w)")
_JOINTS = re.compile(r"['’.]")
_OPEN = str.maketrans("()", "  ")
_TYPO = 3  # letters that a word has at least, in which one may be wrong; alone it has one more
_SHORT = 4  # letters of a word that must begin rightly
_INITIALS = 3  # words that a name has at least, to be known by their initials

Places = dict[str, list[int]]  # of films, the most rated first, by a word or name


@dataclass(frozen=True, slots=True)
class Found:
    """What words have found.

    Args:
        typed: the words.
        films: MovieLens ids, the likeliest first.
        named: the film that the words name, so that it can be taken without looking: one is called just so, or it alone
            has all of these words. None where somebody must choose.
        near: the films have other words, each at most one letter off.
    """

    typed: str
    films: tuple[int, ...]
    named: int | None = None
    near: bool = False


class FilmSearch:
    """An index of the films of a catalogue, which nobody changes.

    Args:
        catalogue: ``movie_id``, ``title``, ``year`` and ``ratings`` of the films.
    """

    def __init__(self, catalogue: pd.DataFrame) -> None:
        films = catalogue.sort_values("ratings", ascending=False, kind="stable")
        self._ids: list[int] = films["movie_id"].tolist()
        self._years: list[int] = films["year"].tolist()
        self._labels = labels_of(films)
        self._called: Places = defaultdict(list)  # by each name, and each part of one
        self._named: Places = defaultdict(list)  # by each name
        self._having: Places = defaultdict(list)  # by each word of a name, and the year
        self._initials: Places = defaultdict(list)
        self._words: list[tuple[str, ...]] = []  # of each film
        for place, title in enumerate(films["title"].tolist()):
            names = [_ELISION.sub(r"\1 ", name) for name in names_of(title)]
            named = [key for name in (title.translate(_OPEN), *names) for key in _keys(name)]
            parts = [part for name in names for part in parts_of(name)]
            year = [str(self._years[place])] if self._years[place] else []
            words = [*(word for name in names_of(title) for word in _spellings(name)), *year]
            self._words.append(tuple(words))
            for index, keys in (
                (self._named, named),
                (self._called, [*named, *(key for part in parts for key in _keys(part))]),
                (self._having, words),
                (self._initials, [key for name in (*names, *parts) for key in _initials(name)]),
            ):
                for key in dict.fromkeys(keys):
                    index[key].append(place)
        self._names = sorted(self._called)
        self._forward = sorted(self._having)
        self._backward = sorted(word[::-1] for word in self._having)

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, typed: str, others: Collection[FilmSearch] = ()) -> Found:
        """The films that have the words typed; else those that are near.

        Args:
            typed: by a person.
            others: catalogues where a film may be called just so, which then is not another one that is here.
        """
        words = words_of(typed)
        tries = [some for some in dict.fromkeys((words, _bare(words))) if some]
        started = {word: self._started(word) for word in words}
        for some in tries:
            if found := self._with(typed, some, started, others):
                return found
        for some in tries:
            if places := self._near(some, started):
                return Found(typed, tuple(self._ids[place] for place in places), near=True)
        return Found(typed, ())

    def called(self, typed: str) -> list[str]:
        """Labels of the films that are called just so, the most rated first."""
        return [self._labels[place] for place in sorted(self._just(words_of(typed)))]

    def sentence(
        self, found: Found, others: Mapping[str, FilmSearch] | None = None, item: str = "film"
    ) -> str:
        """What these films do not have, until when they go, and where it would be; empty where the words name a film.

        Args:
            found: here.
            others: further catalogues, by what people call them.
            item: what people call one of the films.
        """
        if found.named is not None or not words_of(found.typed):
            return ""
        just = "exactly " if found.films and not found.near else ""
        last = max(self._years, default=0)
        end = f": they end in {last}" if last else ""
        said = f"No {item} of these {len(self):,} is called {just}“{' '.join(found.typed.split())}”{end}."
        for name, other in (others or {}).items():
            if elsewhere := other.called(found.typed):
                said += f" {name} has {elsewhere[0]}."
        return said

    def _with(
        self,
        typed: str,
        words: tuple[str, ...],
        by_word: Mapping[str, set[int]],
        others: Collection[FilmSearch],
    ) -> Found | None:
        """Films called so first, then those with the whole words, with names that begin so, with words that begin so."""
        named, called = self._just(words, self._named), self._just(words)
        begun = {
            place
            for key in keys_of(" ".join(words))
            for name in _starting(self._names, key)
            for place in self._called[name]
        }
        whole = _all(self._whole(word) for word in words)
        started = _all(by_word[word] for word in words)
        loose = started or _all(by_word[word].union(self._initials.get(word, ())) for word in words)
        if any(a is not b and b.startswith(a) for a in words for b in words):
            loose = {place for place in loose if _each_its_own(words, self._words[place])}
            whole, started = whole & loose, started & loose
        places: list[int] = []
        for group in (named, called, whole & begun, whole, begun, started, loose):
            places += sorted(group.difference(places))
        if not places:
            return None
        alone = len(words) > 1 and len(whole) == 1
        if alone and not called:
            alone = not any(other.called(typed) for other in others)
        films = tuple(self._ids[place] for place in places)
        return Found(typed, films, films[0] if called or alone else None)

    def _just(self, words: tuple[str, ...], names: Places | None = None) -> set[int]:
        """Films called so, or called so but for the year at the end."""
        called = self._called if names is None else names
        found = {p for key in _keys(" ".join(words)) for p in called.get(key, ())}
        year = words[-1] if len(words) > 1 and re.fullmatch(r"\d{4}", words[-1]) else ""
        if year and not found:
            return {p for p in self._just(words[:-1], names) if str(self._years[p]) == year}
        return found

    def _near(self, words: tuple[str, ...], by_word: Mapping[str, set[int]]) -> list[int]:
        """Films with words of which each is one letter off at most; those with more of the words as typed first."""
        found: set[int] = set(range(len(self)))
        for word in sorted(words, key=len, reverse=True):  # the rarest first
            letters = _TYPO if len(words) > 1 else _TYPO + 1
            others = self._off_by_one(word, words[-1]) if len(word) >= letters else ()
            found &= by_word[word].union(*(self._having[one] for one in others))
            if not found:
                break
        whole = [self._whole(word) for word in words]
        return sorted(found, key=lambda place: (-sum(place in one for one in whole), place))

    def _whole(self, word: str) -> set[int]:
        return {*self._having.get(word, ()), *self._having.get(figure(word), ())}

    def _started(self, word: str) -> set[int]:
        found = self._whole(word)
        return found.union(*(self._having[one] for one in _starting(self._forward, word)))

    def _off_by_one(self, word: str, last: str) -> Iterator[str]:
        """Words with one letter too many, too few or wrong, or two swapped; of the last one typed, beginnings, too.

        One such mistake leaves the first or the second half as it was, so that not all words need be looked at. Of a
        short word the first half must be right, else it could be too many.
        """
        size, half = len(word), max((len(word) - 1) // 2, 1)
        begun = word == last and size > _SHORT
        for other in _starting(self._forward, word[:half]):
            if (abs(len(other) - size) <= 1 and _one_off(word, other)) or (
                begun
                and len(other) > size
                and any(_one_off(word, other[:cut]) for cut in (size - 1, size, size + 1))
            ):
                yield other
        for backward in _starting(self._backward, word[: -half - 1 : -1]) if size > _SHORT else ():
            if abs(len(backward) - size) <= 1 and _one_off(word, backward[::-1]):
                yield backward[::-1]


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without what a title may lack: small words, and an article at the beginning."""
    return tuple(
        word
        for place, word in enumerate(words)
        if word not in _SMALL and not (place == 0 and word in ARTICLES)
    )


def _keys(name: str) -> set[str]:
    """Keys of one name: as it is, and without the article before or, as in an index, after it."""
    words = words_of(name)
    tries = [words]
    if len(words) > 1:
        tries += [words[1:]] * (words[0] in ARTICLES) + [words[:-1]] * (words[-1] in ARTICLES)
    return {key for some in tries for key in keys_of(" ".join(some))}


def _spellings(name: str) -> Iterator[str]:
    """Words as people write them: ``Spider-Man`` as one and as two, ``II`` as ``2``."""
    for chunk in name.split():
        pieces = words_of(_JOINTS.sub(" ", chunk))
        yield from dict.fromkeys(["".join(words_of(chunk)), *pieces, *map(figure, pieces)])


def _initials(name: str) -> Iterator[str]:
    words = words_of(name)
    for some in (words, words[1:] if words and words[0] in ARTICLES else words):
        if len(some) >= _INITIALS:
            yield "".join(word[0] for word in some)


def _starting(words: list[str], start: str) -> Iterator[str]:
    """Of sorted words, those that begin so."""
    for place in range(bisect_left(words, start), len(words)):
        if not words[place].startswith(start):
            return
        yield words[place]


def _all(sets: Iterable[set[int]]) -> set[int]:
    """What is in each."""
    return set.intersection(*sets)


def _each_its_own(words: tuple[str, ...], film: tuple[str, ...]) -> bool:
    """Whether each word is the beginning of a word of its own: ``la land`` is not in ``Land Girls``."""
    left = list(film)
    for word in sorted(words, key=len, reverse=True):
        taken = next((one for one in left if one.startswith((word, figure(word)))), None)
        if taken is None:
            return False
        left.remove(taken)
    return True


def _one_off(a: str, b: str) -> bool:
    if len(a) > len(b):
        a, b = b, a
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    a, b = a[same:], b[same:]
    return a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
