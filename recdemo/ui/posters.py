"""Posters of films from The Movie Database (TMDB), where its key is given: `TMDB_API_KEY`, in Streamlit's secrets or the environment.

Without the key nothing is asked. With it, titles and years of films shown go from the server to TMDB, and nothing of the visitor;
the pictures are loaded by the browser, from TMDB's host. Whatever goes wrong, the drawn tile stays.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.parse import urlencode

import streamlit as st

from recdemo.data.titles import match_keys, names_of

VARIABLE = "TMDB_API_KEY"
NOTICE = "Posters: this product uses the TMDB API but is not endorsed or certified by TMDB."
SEARCH = "https://api.themoviedb.org/3/search/movie"
PICTURES = "https://image.tmdb.org/t/p/w185"
SECONDS = 2.0  # that a page waits at most; what comes later is there the next time
REST = 60.0  # seconds without a question after one that failed
KEPT = 20_000  # films whose answer is kept
_PATH = re.compile(r"/[\w.-]+\.(?:jpg|png|webp)")

Film = tuple[str, int]  # title and year
_kept: dict[Film, str] = {}  # for all visitors; an empty address where TMDB has no picture
_resting = {"until": 0.0}
_pool = ThreadPoolExecutor(8, thread_name_prefix="posters")


def key() -> str:
    """TMDB's key, or nothing."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    return str(st.secrets.get(VARIABLE, "")) if st.secrets.load_if_toml_exists() else ""


def posters_of(films: Iterable[tuple[int, str, int]]) -> dict[int, str]:
    """Addresses of the posters that there are, by film.

    Args:
        films: id, title and year of each; one without a year has no poster, for titles alone do not tell films apart.
    """
    secret = key()
    if not secret:
        return {}
    asked = {movie: (title, year) for movie, title, year in films if year}
    new = {film for film in asked.values() if film not in _kept}
    if new and time.monotonic() >= _resting["until"]:
        wait([_pool.submit(_ask, film, secret) for film in new], SECONDS)
    return {movie: address for movie, film in asked.items() if (address := _kept.get(film))}


def _ask(film: Film, secret: str) -> None:
    """Keep a film's address; after a failure TMDB is left alone for a while."""
    if time.monotonic() < _resting["until"]:
        return
    title, year = film
    name = " ".join(names_of(title)[0].split())
    try:
        query = urlencode({"api_key": secret, "query": name, "year": year})
        found = _picture(json.loads(_fetch(f"{SEARCH}?{query}")), title, year)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        _resting["until"] = time.monotonic() + REST
        return
    while len(_kept) >= KEPT:
        _kept.pop(next(iter(_kept)), None)
    _kept[film] = found


def _picture(answer: dict[str, list[dict[str, str]]], title: str, year: int) -> str:
    """The first film of the same name, a year off at most: a wrong poster is worse than none."""
    names = set(match_keys(title))
    for found in answer["results"]:
        path, released = found.get("poster_path") or "", (found.get("release_date") or "")[:4]
        called = {*match_keys(found["title"]), *match_keys(found["original_title"])}
        near = released.isdecimal() and abs(int(released) - year) <= 1
        if near and names & called and _PATH.fullmatch(path):
            return PICTURES + path
    return ""


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=SECONDS) as answer:
        content: bytes = answer.read(1_000_000)
    return content
