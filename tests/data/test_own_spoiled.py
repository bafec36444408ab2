"""Whatever a person's own file holds: a data set, or one clear sentence."""

from __future__ import annotations

import gzip
import json
import random
from contextlib import suppress
from pathlib import Path

import pandas as pd

from recdemo.data import DataError, Dataset, check, guess_mapping, read_table, table, to_dataset

CASES = Path(__file__).resolve().parents[1] / "cases"
FILMS = pd.DataFrame(
    {
        "movie_id": range(1, 21),
        "title": [f"Film {number}" for number in range(1, 21)],
        "year": [1980 + number for number in range(20)],
        "genres": [("Drama",)] * 20,
    }
)
ODD = ["NaN", "inf", "-inf", "1e999", "9" * 400, "-1", "0", "", " ", "4,5", "٣", "=1+1", "<script>"]
ODD += [
    "★★★",
    "4/5",
    "👍",
    "0/0",
    "999999999999999",
    "1 Mar 2024",
    "99:99",
    "31/02/2024",
    "{}",
    "\\",
    "\ud800",
]
ODD += [
    "None",
    "true",
    "Film 99 (2050)",
    "x" * 2000,
    '"',
    '""',
    "'",
    "\x1b[31m",
    "(1995)",
    "\u202e",
]


def _as_json(rng: random.Random, header: list[str], rows: list[list[str]]) -> str:
    """Records in a list, a line each, as Python writes them, within others, or column by column."""
    records = [dict(zip(header, row, strict=False)) for row in rows]
    way = rng.randrange(5)
    if way == 0:
        return json.dumps(records)
    if way == 1:
        return "\n".join(map(json.dumps, records))
    if way == 2:
        return "\n".join(map(str, records))
    if way == 3:
        return json.dumps([{"user": "a", "seen": records}, {"user": "b", "seen": []}, 3, None])
    return json.dumps({name: [record.get(name) for record in records] for name in header})


def _fuzzed(seed: int) -> bytes:
    """A file of twelve users, spoiled in some ways."""
    rng = random.Random(seed)
    header = rng.choice(
        [
            ["user", "title", "rating"],
            ["userId", "movieId", "rating", "timestamp"],
            ["пользователь", "фильм", "оценка", "дата"],
            ["user_id:token", "item_id:token", "rating:float", "timestamp:float"],
        ]
    )
    header = [*header, "gender", "age"][: rng.randint(3, 6)]
    rows = [header]
    for user in range(12):
        for film in rng.sample(range(1, 21), 14):
            titled = {"title", "фильм"} & {*header}
            title = f"Film {film} ({1979 + film})" if titled else str(film)
            row = [str(user), title, str(rng.randint(1, 5)), str(rng.randint(0, 999)), "F", "30"]
            rows.append(row[: len(header)])
    for spoil in rng.sample(range(8), rng.randint(0, 3)):
        for _ in range(rng.choice((1, 5, 60))):
            row = rows[rng.randrange(len(rows) if rng.random() < 0.1 else 1, len(rows) + 1) - 1]
            place = rng.randrange(len(row)) if row else 0
            if spoil < 3 and row:
                row[place] = rng.choice(ODD)
            elif spoil == 3:
                row.append(rng.choice(ODD))
            elif spoil == 4 and row:
                del row[place]
            elif spoil == 5:
                rows.insert(rng.randrange(len(rows)), list(rng.choice(rows)))
            elif spoil == 6 and row:
                row[place] = row[place] + rng.choice(",;\t|\n\r")
    separator = rng.choice([",", ",", ",", ";", "\t", "|", " ", ":", ",,", "::"])
    quote = rng.choice(["", "", "", '"', "'"])
    text = rng.choice(["\n", "\r\n"]).join(
        separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows
    )
    if rng.random() < 0.15:
        text = _as_json(rng, header, rows[1:])
    encodings = ["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-16-le", "cp1251", "gb18030", "koi8_r"]
    raw = text.encode(rng.choice(encodings), "replace")
    kind = rng.randrange(12)
    if kind == 0:
        raw = raw[: rng.randrange(len(raw))]
    elif kind == 1:
        raw = gzip.compress(raw, mtime=0)
    elif kind == 2:
        place = rng.randrange(len(raw))
        raw = raw[:place] + rng.randbytes(rng.choice((1, 3, 300))) + raw[place:]
    elif kind == 3:
        raw = rng.randbytes(2000)
    return raw


def _is_whole(data: Dataset) -> bool:
    rated = data.ratings
    by_user = rated.groupby("user_id").size()
    return bool(
        rated["user_id"].is_monotonic_increasing
        and data.users["user_id"].tolist() == sorted(set(rated["user_id"]))
        and rated["movie_id"].isin(data.movies["movie_id"]).all()
        and not rated.duplicated(["user_id", "movie_id"]).any()
        and rated["rating"].between(0.5, 5).all()
        and (by_user >= 10).all()
    )


def test_spoiled_files_give_a_data_set_or_a_reason() -> None:
    made, problems = 0, []
    for seed in range(300):
        own_films, leave_out = bool(seed % 2), bool(seed // 2 % 2)
        try:
            found = read_table(_fuzzed(seed), name="mine.csv")
            mapping = guess_mapping(found)
            findings = check(found, mapping, own_films=own_films)
            assert len(findings.problems) == min(findings.count, table.SHOWN)
            rows = findings.good_rows + findings.bad_rows + findings.unrated
            assert rows == len(found.frame) + found.ragged_count
            data = to_dataset(found, mapping, FILMS, own_films=own_films, leave_out=leave_out)
        except DataError as error:
            problems.append(str(error))
        else:
            assert _is_whole(data), seed
            made += 1
    assert made > 60
    assert len(problems) > 60
    for problem in problems:
        assert problem.startswith("mine.csv")
        assert len(problem) < 1000, problem


def test_spoiled_cases_give_a_data_set_or_a_reason() -> None:
    """Files of other sites, of which bytes are lost, changed and put in, written in other alphabets or packed."""
    cases = [path.read_bytes() for path in sorted(CASES.iterdir()) if path.stat().st_size < 4000]
    more = [
        b'"',
        b"\n",
        b",",
        b"\xff",
        b"[",
        b"{",
        b"\\",
        b"0" * 500,
        b"1e308",
        b"\r",
        "٣".encode(),
    ]
    made = 0
    rng = random.Random(0)
    for number in range(200):
        raw = bytearray(rng.choice(cases))
        if rng.random() < 0.2:
            encoding = rng.choice(["utf-16", "cp1251", "gb18030", "shift_jis"])
            raw = bytearray(raw.decode(errors="replace").encode(encoding, "replace"))
        for _ in range(rng.choice((0, 1, 3, 30))):
            place = rng.randrange(len(raw) or 1)
            if raw and rng.random() < 0.4:
                raw[place] = rng.randrange(256)
            else:
                raw[place : place + rng.randrange(40)] = rng.choice([*more, b""])
        packed = gzip.compress(raw) if rng.random() < 0.1 else bytes(raw)
        with suppress(DataError):
            found = read_table(packed, name="mine.csv")
            mapping = guess_mapping(found)
            check(found, mapping, own_films=True)
            data = to_dataset(found, mapping, own_films=True, leave_out=bool(number % 2), fewest=1)
            assert data.ratings["rating"].between(0.5, 5).all()
            made += 1
    assert made > 40
