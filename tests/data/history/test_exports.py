"""What people export, read: sources and lists recognised by content, and what is no film."""

from __future__ import annotations

import datetime
import json
import time

import pytest
from export_zips import CASES
from trials import trials

from recdemo.core.errors import DataError
from recdemo.core.session import MAX_SESSION_FILMS
from recdemo.data.history import read_export, read_history
from recdemo.data.history.bring import bring, shipped_finder

STAR_WARS = 260

# source, entries, found; of the first film, Star Wars, whether it is liked
READ = {
    "letterboxd-ratings.csv": ("Letterboxd", 16, 16, True),
    "letterboxd-watched.csv": ("Letterboxd", 16, 16, None),
    "letterboxd-reviews-long.csv": ("Letterboxd", 1, 1, None),
    "imdb-ratings-2024.csv": ("IMDb", 16, 16, False),
    "NetflixViewingHistory.csv": ("Netflix", 16, 16, None),
    "netflix-Ratings.csv": ("Netflix", 16, 16, False),
    "trakt-ratings-movies.json": ("Trakt", 16, 16, False),
    "douban-DMSC.csv": ("Douban", 16, 16, None),
    "ml-32m-ratings.csv": ("MovieLens", 16, 16, ...),
    "recbole-ml.inter": ("MovieLens", 16, 16, ...),
    "long-history-3000.csv": ("MovieLens", 3000, 3000, ...),
    "one-user.csv": ("MovieLens", 60, 60, ...),
    "timestamps-ms-and-s-mixed.csv": ("MovieLens", 16, 16, ...),
    "user-ids-001-and-1.csv": ("MovieLens", 15, 15, ...),
    "string-user-ids-emails-uuid.csv": ("MovieLens", 20, 20, ...),
    "ratings-0-100.csv": ("a table", 16, 16, True),
    "ratings-out-of-5-text.csv": ("a table", 16, 16, ...),
    "date-month-names.csv": ("a table", 16, 16, False),
    "one-empty-date.csv": ("a table", 16, 16, ...),
    "unrated-rows.csv": ("a table", 16, 16, True),
    "tmdb_5000_movies.csv": ("a table", 16, 16, ...),
    "оценки фильмов 评分 é.csv": ("a table", 16, 16, ...),
}


@pytest.mark.parametrize("name", list(READ))
def test_a_case_is_read_and_its_films_are_found(name: str) -> None:
    source, entries, found, liked = READ[name]
    brought = read_history(CASES / name)
    assert brought.export.source == source
    assert len(brought.export.entries) == entries
    assert len(brought.found) == found
    history = brought.history()
    assert len(history) == len({film.movie_id for film in history}) <= MAX_SESSION_FILMS
    if liked is not ...:
        (star_wars,) = (
            (f for f in history if f.movie_id == STAR_WARS) if found > 1 else [history[0]]
        )
        assert star_wars.liked is (liked if found > 1 else True)


@pytest.mark.parametrize(
    "name",
    [
        *("BX-Books.csv", "BX-Book-Ratings.csv", "amazon-2023-rating_only.csv"),
        *("amazon-ratings_only-noheader.csv", "lastfm-user_artists.tsv", "steam-200k-noheader.csv"),
        *("mind-news.tsv", "mind-behaviors.tsv", "ml-100k-u.data.tsv", "README.md"),
        "steam-australian-reviews.json",
    ],
)
def test_what_is_no_history_is_refused_with_what_would_be(name: str) -> None:
    with pytest.raises(DataError, match=r"Letterboxd|export it again"):
        read_history(CASES / name)


def test_titles_of_several_films_are_left_to_the_person() -> None:
    brought = read_history(CASES / "two-films-one-title.csv")
    assert {match.entry.title for match in brought.ambiguous} <= {"Hamlet", "Solaris", "Psycho"}
    assert brought.ambiguous
    (hamlet, *_) = brought.ambiguous
    without = {film.movie_id for film in brought.history()}
    assert not without & set(hamlet.films)
    chosen = brought.history(choices={hamlet.entry: hamlet.films[0]})
    assert {film.movie_id for film in chosen} == without | {hamlet.films[0]}


def test_a_letterboxd_list_begins_with_lines_of_its_own() -> None:
    text = "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2024-01-01,Best,,u,\n\nPosition,Name,Year,URL,Description\n1,Alien,1979,u,\n2,Fargo,1996,u,\n"
    assert [e.title for e in read_export(text.encode()).entries] == ["Alien", "Fargo"]


# Sources


def test_imdb_leaves_out_series_and_reads_old_columns() -> None:
    new = "Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0078748,9,2024-01-01,Alien,Movie,1979\ntt1,9,2024-01-01,Lost,TV Series,2004\n"
    old = 'position,const,created,Title,Title type,You rated,Year\n"1","tt0078748","Sat Jan 12 00:00:00 2013","Alien","Feature Film","9","1979"\n'
    for text in (new, old):
        export = read_export(text.encode())
        (alien,) = export.entries
        assert (alien.imdb_id, alien.mark, alien.year) == (78748, 0.9, 1979)
    assert "series and games" in read_export(new.encode()).notes[0]
    assert read_export(old.encode()).entries[0].when == datetime.datetime(2013, 1, 12)


def test_netflix_activity_leaves_out_trailers_and_other_profiles() -> None:
    text = (
        "Profile Name,Start Time,Duration,Attributes,Title,Supplemental Video Type,Device Type,Bookmark,Latest Bookmark,Country\n"
        "Ann,2024-01-01 20:00:00,01:50:00,,Fargo,,TV,,,NO\nAnn,2024-01-02 20:00:00,00:01:00,,Heat_Trailer,TRAILER,TV,,,NO\n"
        "Ann,2024-01-03 20:00:00,00:50:00,,Dark: Season 1: Secrets (Episode 1),,TV,,,NO\nBob,2024-01-01 20:00:00,01:50:00,,Alien,,TV,,,NO\n"
    )
    export = read_export(text.encode())
    assert (export.person, [e.title for e in export.entries]) == ("Ann", ["Fargo"])
    assert [e.title for e in read_export(text.encode(), person="Bob").entries] == ["Alien"]
    with pytest.raises(DataError, match="Ann, Bob"):
        read_export(text.encode(), person="Eve")


def test_trakt_knows_plays_and_leaves_out_shows() -> None:
    film = {"title": "Alien", "year": 1979, "ids": {"imdb": "tt0078748"}}
    plays = [
        {"plays": 2, "last_watched_at": "2024-09-01T09:10:11.000Z", "movie": film},
        {
            "rated_at": "2024-09-01T09:10:11.000Z",
            "rating": 8,
            "type": "show",
            "show": {"title": "Lost"},
        },
    ]
    export = read_export(json.dumps(plays).encode())
    assert [(e.title, e.imdb_id, e.mark) for e in export.entries] == [("Alien", 78748, None)]
    assert export.entries[0].when == datetime.datetime(2024, 9, 1, 9, 10, 11)
    assert "1 line without a film" in export.notes[0]


def test_goodreads_zero_is_not_rated() -> None:
    text = "Book Id,Title,My Rating,Date Read,Year Published\n1,Alien,0,,1979\n2,Fargo,4,2024/01/02,1996\n"
    assert [e.mark for e in read_export(text.encode()).entries] == [None, 0.8]


@pytest.mark.parametrize(
    ("text", "title", "year", "mark"),
    [
        ("标题;我的评分;创建时间\nAlien;5;2020-01-01\n", "Alien", None, 1.0),
        ("Titel\tJahr\tBewertung\nAlien\t1979\t4/5\n", "Alien", 1979, 0.8),
        ("title:token_seq,rating:float\nAlien,3\n", "Alien", None, 0.6),
        ("Film,Note\nAlien,80%\n", "Alien", None, 0.8),
    ],
)
def test_tables_of_other_languages_and_programs(
    text: str, title: str, year: int | None, mark: float
) -> None:
    (entry,) = read_export(text.encode()).entries
    assert (entry.title, entry.year, entry.mark) == (title, year, mark)


def test_letters_of_windows_and_of_utf_16() -> None:
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        export = read_export("Title,Year\nAmélie,2001\n".encode(encoding))
        assert export.entries[0].title == "Amélie"


def test_pasted_lines() -> None:
    text = "1. The Matrix (1999) ★★★★½\n- Fargo (1996): 4/5\n* Alien (1979)\nThe Godfather\n"
    found = [(e.title, e.mark) for e in read_export(text.encode()).entries]
    assert found == [
        ("The Matrix (1999)", 0.9),
        ("Fargo (1996)", 0.8),
        ("Alien (1979)", None),
        ("The Godfather", None),
    ]


def test_the_order_is_that_of_watching() -> None:
    """A file with the latest first is turned round; what has no date comes before."""
    text = "Title,Date\nAlien,3/1/24\nFargo,2/1/24\nHeat,2/1/24\nThe Matrix,\n"
    brought = bring(read_export(text.encode()), shipped_finder())
    assert [match.entry.title for match in brought.matches] == [
        "The Matrix",
        "Heat",
        "Fargo",
        "Alien",
    ]


def test_films_named_by_number_only_are_never_taken_without_a_word() -> None:
    """603 is The Matrix for TMDB, and another film for MovieLens."""
    export = read_export(b"movie_id,rating\n603,10\n")
    assert any("look the films over" in note for note in export.notes)
    assert not read_export(b"Title,rating\nThe Matrix,10\n").notes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            '{"watched": [{"title": "Alien"}], "ratings": [{"Title": "Fargo", "Rating": 4.5}]}',
            [("Alien", None), ("Fargo", 0.9)],
        ),
        ('["Alien (1979)", "Fargo (1996) 4/5"]', [("Alien (1979)", None), ("Fargo (1996)", 0.8)]),
        ("[Rec] (2007)\nAlien (1979)", [("[Rec] (2007)", None), ("Alien (1979)", None)]),
        ("Alien (1979) 8\nFargo (1996) 4", [("Alien (1979)", 0.8), ("Fargo (1996)", 0.4)]),
        ("Alien 10/10\nFargo (1996) (5/5)", [("Alien", 1.0), ("Fargo (1996)", 1.0)]),
        (
            "Name,Movie,Rating\nAnn,Alien,5\nAnn,Fargo,4\nBen,Heat,1\n",
            [("Alien", 1.0), ("Fargo", 0.8)],
        ),
    ],
)
def test_lists_in_many_forms(text: str, found: list[tuple[str, float | None]]) -> None:
    assert [(entry.title, entry.mark) for entry in read_export(text.encode()).entries] == found


def test_a_line_too_long_for_a_film_takes_no_time() -> None:
    entries = read_export(
        ("Alien (1979)\nFargo (1996)\nHeat (1995)\n" + ",-" * 100_000).encode()
    ).entries
    assert [entry.title for entry in entries][:3] == ["Alien (1979)", "Fargo (1996)", "Heat (1995)"]


@pytest.mark.parametrize("title", ["Alien" + ": " * 60, "a " * 3_900_000, "(" * 90 + ")" * 90])
def test_a_history_is_no_longer_than_a_page_can_read_at_every_click(title: str) -> None:
    line = f"{title},1999\n"
    size = trials(2_000_000, 7_900_000)
    raw = f"Name,Year\n{line[-size:] * (size // len(line) or 1)}".encode()
    began = time.process_time()
    bring(read_export(raw), shipped_finder())
    taken = time.process_time() - began  # a fifth of the limit where nothing else runs
    assert taken < 2.5e-6 * size


def test_a_history_of_more_than_8_mb_is_refused() -> None:
    with pytest.raises(DataError, match="8 MB at most"):
        read_export(b"Name,Year\n" + b"Alien,1979\n" * 740_000)
