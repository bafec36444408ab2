"""A list of films as cards, and the films watched as switches above it: what the page Recommend shows, and what is done with it.

The script beside this file draws what it is given and tells what was pressed. Pointing at a film marks it, and what it is a
reason for or has as its reason, in the list, among the switches and in the sidebar's history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from recdemo.core.vocabulary import Objective
from recdemo.core.wording import FILM, Words, counted, shown_as
from recdemo.data.catalogue import label_of

KEY = "recommend_cards"
NEW = "new"
BEST = 5  # stars
# Of a tile, by genre: white letters on each have the contrast that small print needs.
COLOURS = {
    "Action": "#9A3412", "Adventure": "#8A5208", "Animation": "#0F6E66", "Children's": "#9D1F6E", "Comedy": "#8F5A05",
    "Crime": "#5C3640", "Documentary": "#4A651E", "Drama": "#1F4E8C", "Fantasy": "#6427C4", "Film-Noir": "#30353F",
    "Horror": "#7A1B1B", "Musical": "#AF1857", "Mystery": "#4036B8", "Romance": "#A32B54", "Sci-Fi": "#0C6283",
    "Thriller": "#364A5F", "War": "#55542B", "Western": "#7C4A27",
}  # fmt: skip


def _part(kind: str) -> str:
    return Path(__file__).with_suffix(f".{kind}").read_text("utf-8")


_CARDS = st.components.v2.component("film_cards", html=_part("html"), css=_part("css"), js=_part("js"))  # fmt: skip


def colours_of(genres: Sequence[str]) -> list[str]:
    """Of up to three genres; any other name has one of these colours, always the same."""
    names = list(COLOURS)
    known = [
        name if name in COLOURS else names[sum(map(ord, name)) % len(names)] for name in genres
    ]
    return [COLOURS[name] for name in dict.fromkeys(known or ["Film-Noir"])][:3]


def cards_of(
    table: pd.DataFrame,
    objective: Objective,
    titles: Mapping[int, str],
    because: Mapping[int, int],
    places: Mapping[int, int] | None,
    posters: Mapping[int, str],
    w: Words = FILM,
) -> list[dict[str, Any]]:
    """A ranked list as the script draws it.

    Args:
        table: as `Recommender.recommend` gives it.
        objective: what was asked.
        titles: of the films of the history.
        because: for some films of the list, the film watched that is their reason.
        places: where films stood on the list that this one is set beside, if there is one.
        posters: addresses of pictures, by film.
        w: what the films are called.
    """
    most = {"next": float(table["score"].max()), "like": 1.0, "rating": float(BEST)}[objective]
    found = []
    for film in table.itertuples():
        movie, score = int(film.movie_id), float(film.score)
        year = int(film.year) if pd.notna(film.year) else 0
        shown = shown_as(score, objective) + (" ★" if objective == "rating" else "")
        moved = "" if places is None else moved_of(places.get(movie), int(film.rank))
        cause = because.get(movie)
        aside = [", ".join(film.genres), f"{film.ratings:,} {w.audience}"]
        if objective == "next" and pd.notna(film.p_like):
            aside = [f"would like {film.p_like:.0%}", *aside]
        found.append(
            {
                "id": movie,
                "place": int(film.rank),
                "title": film.title,
                "year": year or "",
                "score": shown,
                "share": score / most if most else 0.0,
                "colours": colours_of(film.genres),
                "turn": 115 + movie % 50,
                "moved": moved,
                "because": cause and {"id": cause, "title": titles[cause]},
                "aside": " · ".join(filter(None, aside)),
                "said": ", ".join(
                    filter(
                        None,
                        (
                            f"{film.rank}. {label_of(film.title, year)}",
                            shown.replace("★", "stars"),
                            in_speech(moved),
                            f"because you liked {titles[cause]}" if cause else "",
                        ),
                    )
                ),
                "poster": posters.get(movie, ""),
            }
        )
    return found


def moved_of(before: int | None, place: int) -> str:
    """Places gained or lost, as ``▲3``; `NEW` of a film that was not on the list."""
    if before is None:
        return NEW
    return "" if before == place else f"▲{before - place}" if before > place else f"▼{place - before}"  # fmt: skip


def in_speech(moved: str) -> str:
    """`moved_of` for who cannot see it."""
    if moved in ("", NEW):
        return moved
    return f"{'up' if moved[0] == '▲' else 'down'} {counted(int(moved[1:]), 'place')}"


def draw(data: Mapping[str, Any], told: Mapping[str, tuple[Callable[[int], None], Iterable[int]]]) -> None:  # fmt: skip
    """Draw it.

    Args:
        data: what the script shows: ``lists``, the film ``chosen``, and what to ``leave_out``.
        told: what to do with the film of each event, and which films it may be about.
    """

    def take(event: str) -> None:
        act, films = told[event]
        movie = st.session_state[KEY].get(event)
        # A browser may send anything: only a film that is shown counts.
        if type(movie) is int and movie in films:
            act(movie)

    on: dict[str, Any] = {f"on_{event}_change": lambda e=event: take(e) for event in told}
    _CARDS(key=KEY, data=data, **on)
