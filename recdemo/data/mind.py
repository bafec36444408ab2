"""News in the layout of MIND (Wu et al., ACL 2020): articles in ``news.tsv``, what was shown and clicked in ``behaviors.tsv``.

An article is a film of its own whose genre is its category. A click is rated 5, what was shown beside it 1, and each
impression keeps its number in time. What a user clicked before is read from their first impression, as MIND repeats it in
each. An article that ``news.tsv`` does not name has no title, and is left out wherever it was shown or clicked.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from recdemo.core.errors import DataError
from recdemo.core.vocabulary import GENRES
from recdemo.core.wording import counted
from recdemo.data.archive import LAYOUTS, Archive, open_archive
from recdemo.data.dataset import Dataset, people
from recdemo.data.matching import MAX_FILMS
from recdemo.data.own_films import own_ids

LAYOUT = "mind"
NEWS, BEHAVIORS = LAYOUTS[LAYOUT]
ITEM = "article"
WHEN = "%m/%d/%Y %I:%M:%S %p"
CLICKED, SHOWN = 5, 1  # stars
MAX_SHOWN = 10_000_000  # articles in all impressions


def read_mind(source: str | Path | Archive) -> Dataset:
    """Read a folder or zip with ``news.tsv`` and ``behaviors.tsv``, as MINDsmall_train.zip.

    Raises:
        DataError: a file is missing, a line is not as MIND writes it, or no article shown has a title.
    """
    archive = source if isinstance(source, Archive) else open_archive(source)
    news, behaviors = (
        _lines(archive.where(name), archive.read(name)) for name in (NEWS, BEHAVIORS)
    )
    return to_news(news, behaviors, name="mind", title=archive.path.name)


Line = tuple[str, str]  # where it stands, for errors; and its text


def to_news(
    news: Iterable[Line],
    behaviors: Iterable[Line],
    *,
    name: str,
    title: str,
    simulated: bool = False,
) -> Dataset:
    """Lines of the two files as a data set.

    Args:
        news: article, category, subcategory, title, and what is not read.
        behaviors: impression, user, time, articles clicked before, articles shown with ``-1`` where clicked, else ``-0``.
        name: of the data set, in checkpoints.
        title: for people.
        simulated: nobody read these news.

    Raises:
        DataError: see `read_mind`.
    """
    articles, untitled = _articles(news)
    impressions = _impressions(behaviors)
    numbers: dict[str, int] = {}  # of all articles named
    rows = pd.concat([_history(impressions, numbers), _shown(impressions, numbers)])
    names = pd.Index(numbers)
    known = names.isin(articles.index)[rows["article"]]
    if not known[rows["impression"] > 0].any():
        raise DataError(
            f"{title}: none of the articles shown has a title in {NEWS}; give the {NEWS} that belongs to these impressions"
        )
    notes = [*_of_missing(rows, known, untitled), *_of_histories(impressions, rows, known)]
    rows = rows[known]
    kept, rare = _most_seen(rows["article"])
    rows = rows[rows["article"].isin(kept)]
    rows = rows[rows["user"].isin(rows.loc[rows["impression"] > 0, "user"])]
    rows = rows.drop_duplicates(["user", "impression", "article"], keep="last")
    present, article = np.unique(rows["article"], return_inverse=True)
    articles, more = _few_categories(articles.loc[names[present]])
    movies = pd.DataFrame(
        {
            "movie_id": own_ids(articles.index, [0] * len(articles)),
            "title": articles["title"].to_numpy(),
            "year": 0,
            "genres": articles["genres"].to_numpy(),
        }
    )
    users, user = np.unique(rows["user"], return_inverse=True)
    ratings = pd.DataFrame(
        {
            "user_id": user + 1,
            "movie_id": movies["movie_id"].to_numpy()[article],
            "rating": rows["rating"].to_numpy(np.int64),
            "impression": rows["impression"].to_numpy(np.int64),
        }
    ).sort_values(["user_id", "impression"], kind="stable", ignore_index=True)
    return Dataset(
        name,
        title,
        movies.sort_values("movie_id", ignore_index=True),
        people(np.arange(1, len(users) + 1)),
        ratings,
        simulated,
        (*notes, *rare, *more, *_of_impressions(ratings)),
        own_films=True,
        item=ITEM,
    )


def _lines(where: str, raw: bytes) -> Iterator[Line]:
    try:
        texts = raw.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where}, line {line}: the text is not UTF-8; save the file as UTF-8"
        ) from None
    return ((f"{where}, line {line}", text) for line, text in enumerate(texts, start=1) if text)


def _fields(lines: Iterable[Line], least: int, what: str) -> Iterator[tuple[str, list[str]]]:
    for where, text in lines:
        fields = text.split("\t")
        if len(fields) < least:
            raise DataError(
                f"{where}: {len(fields)} fields separated by tabs where MIND has {least} or more ({what}); correct the line"
            )
        yield where, fields


def _articles(news: Iterable[Line]) -> tuple[pd.DataFrame, int]:
    """Title and genres by article, and how many have no title."""
    rows = [f[:4] for _, f in _fields(news, 4, "article, category, subcategory, title")]
    table = pd.DataFrame(rows, columns=["article", "category", "sub", "title"])
    table = table.drop_duplicates("article", keep="last").set_index("article")
    table["title"] = table["title"].str.split().str.join(" ")
    table["genres"] = [(name,) if name else () for name in table["category"].str.replace("|", " ")]
    titled = table["title"] != ""
    return table.loc[titled, ["title", "genres"]], int((~titled).sum())


def _impressions(behaviors: Iterable[Line]) -> pd.DataFrame:
    """Columns where, user, before and shown, numbered from 1 in time."""
    rows = [
        (where, *fields[1:5])
        for where, fields in _fields(behaviors, 5, "impression, user, time, clicked before, shown")
    ]
    table = pd.DataFrame(rows, columns=["where", "user", "time", "before", "shown"])
    when = pd.to_datetime(table["time"], format=WHEN, errors="coerce")
    for at in np.flatnonzero(when.isna()):
        raise DataError(
            f"{table['where'][at]}: time {table['time'][at][:40]!r} is not written as 11/11/2019 9:05:58 AM; correct it"
        )
    table["user"] = np.unique(table["user"], return_inverse=True)[1]
    table = table.iloc[np.argsort(when.to_numpy(), kind="stable")].reset_index(drop=True)
    table.index += 1
    return table


def _named(texts: Iterable[str], numbers: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """How many words each text has, and the number of each word; new words are numbered on."""
    counts, found = array("q"), array("q")
    for text in texts:
        words = text.split()
        counts.append(len(words))
        found.extend(numbers.setdefault(word, len(numbers)) for word in words)
    return np.array(counts), np.array(found)


def _rows(user: object, article: np.ndarray, rating: object, impression: object) -> pd.DataFrame:
    columns = {"user": user, "article": article, "rating": rating, "impression": impression}
    return pd.DataFrame(columns).astype("int32")


def _history(impressions: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    """What each user clicked before their first impression, in order."""
    first = impressions.drop_duplicates("user")
    counts, article = _named(first["before"], numbers)
    return _rows(np.repeat(first["user"].to_numpy(), counts), article, CLICKED, 0)


def _shown(impressions: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    """What was shown, in order."""
    marked: dict[str, int] = {}
    counts, word = _named(impressions["shown"], marked)
    if len(word) > MAX_SHOWN:
        raise DataError(
            f"the impressions hold {len(word):,} articles, more than the limit of {MAX_SHOWN:,}; take MINDsmall, or fewer lines"
        )
    impression = np.repeat(impressions.index.to_numpy(), counts)
    unmarked = np.array([not name.endswith(("-0", "-1")) for name in marked], dtype=bool)[word]
    for at in np.flatnonzero(unmarked)[:1]:
        raise DataError(
            f"{impressions['where'][impression[at]]}: {list(marked)[word[at]][:40]!r} does not say whether it was clicked, by "
            "-1 or -0 at its end; MIND's test part is published so: take its train or dev part"
        )
    article = np.array([numbers.setdefault(name[:-2], len(numbers)) for name in marked], dtype=int)
    clicked = np.array([name.endswith("-1") for name in marked], dtype=bool)[word]
    user = np.repeat(impressions["user"].to_numpy(), counts)
    return _rows(user, article[word], np.where(clicked, CLICKED, SHOWN), impression)


def _of_missing(rows: pd.DataFrame, known: np.ndarray, untitled: int) -> Iterator[str]:
    lost = rows[~known]
    if lost.empty:
        return
    without = f", {untitled:,} of them with a row but an empty title," if untitled else ""
    before = int((lost["impression"] == 0).sum())
    yield (
        f"{lost['article'].nunique():,} of {counted(rows['article'].nunique(), ITEM)} named{without} have no title in "
        f"{NEWS} and are left out: {len(lost) - before:,} of {int((rows['impression'] > 0).sum()):,} times that one was "
        f"shown, and {before:,} of {counted(int((rows['impression'] == 0).sum()), 'earlier click')}."
    )


def _of_histories(
    impressions: pd.DataFrame, rows: pd.DataFrame, known: np.ndarray
) -> Iterator[str]:
    before = rows["impression"] == 0
    users, clicked = impressions["user"].nunique(), rows.loc[before, "user"].nunique()
    if users > clicked:
        yield f"{users - clicked:,} of {counted(users, 'user')} have clicked nothing before."
    if lost := clicked - rows.loc[before & known, "user"].nunique():
        yield f"{lost:,} {'more ' * (users > clicked)}have clicked nothing before that has a title here."


def _most_seen(articles: pd.Series) -> tuple[pd.Index, tuple[str, ...]]:
    """As many articles as a catalogue holds, those most often shown or clicked."""
    counts = articles.value_counts()
    if len(counts) <= MAX_FILMS:
        return counts.index, ()
    note = (
        f"Of {counted(len(counts), ITEM)} the {MAX_FILMS:,} most often shown or clicked are kept."
    )
    return counts.index[:MAX_FILMS], (note,)


def _few_categories(articles: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """As many categories as models have places for genres, the largest; other articles have none."""
    counts = articles["genres"].explode().value_counts()
    if len(counts) <= len(GENRES):
        return articles, ()
    kept = set(counts.index[: len(GENRES)])
    genres = [names if set(names) <= kept else () for names in articles["genres"]]
    note = f"Of {len(counts)} categories the {len(GENRES)} largest are kept."
    return articles.assign(genres=genres), (note,)


def _of_impressions(ratings: pd.DataFrame) -> Iterator[str]:
    lists = ratings[ratings["impression"] > 0].groupby("impression")["rating"].nunique()
    yield (
        f"{int((lists > 1).sum()):,} of {counted(len(lists), 'impression')} hold both what was clicked and what was not, and "
        "are measured within; their last tenth in time is the test, the tenth before it for validation."
    )
