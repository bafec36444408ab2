"""Numbers and names as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass


def counted(number: int, noun: str) -> str:
    """``1 film``, ``2,000 films``; of nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def a(noun: str) -> str:
    """``a film``, ``an article``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def cut(text: str, most: int = 40) -> str:
    """A text of no more than so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True, slots=True)
class Words:
    """What a film is called, and what one does with it. Texts are written of films, with these in place of the words where
    the data may be news.

    Args:
        film: of the data that a model learned from.
        watched: what has been done with what is in a history.
        genre: what a film is of one or several of.
        viewers: people who watched one.
        audience: what is counted of a film to say how well known it is.
        read: what a model does with a history; not the word for what people did, so that nobody wonders who reads.
        reads: the same, now.
    """

    film: str = "film"
    watched: str = "watched"
    genre: str = "genre"
    genres: str = "genres"
    viewers: str = "viewers"
    audience: str = "viewers"
    read: str = "read"
    reads: str = "reads"

    @property
    def films(self) -> str:
        return f"{self.film}s"

    @property
    def Film(self) -> str:  # noqa: N802
        return self.film.capitalize()

    @property
    def Films(self) -> str:  # noqa: N802
        return self.films.capitalize()

    @property
    def a_film(self) -> str:
        return a(self.film)

    @property
    def A_film(self) -> str:  # noqa: N802
        return a(self.film).capitalize()

    def __call__(self, text: str) -> str:
        """A fixed text, written of films, in these words; never one with titles in it, which keep theirs."""
        if self == FILM:
            return text
        for old, new in (
            ("a film", self.a_film),
            ("film", self.film),
            ("watched", self.watched),
            ("viewers", self.viewers),
            ("genres", self.genres),
            ("genre", self.genre),
        ):
            for was, now in ((old, new), (old.capitalize(), new.capitalize())):
                text = re.sub(rf"\b{was}(?=s?\b)", now, text)
        return text


FILM = Words()
ARTICLE = Words(
    film="article", watched="read", genre="category", genres="categories", viewers="readers",
    audience="times shown", read="taken in", reads="takes in",
)  # fmt: skip


def words_of(item: str) -> Words:
    """The words for what people call a film of some data."""
    return ARTICLE if item == ARTICLE.film else FILM


def shown_as(score: float, objective: str) -> str:
    """A figure as every list shows it: stars, else a chance."""
    return f"{score:.2f}" if objective == "rating" else f"{100 * score:.1f}%"
