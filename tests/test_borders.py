"""Whatever comes in is valid for all that follows, or refused in a sentence: one property for each border, tried on made-up input.

Hypothesis makes hundreds of inputs for each, with RECDEMO_LONG_TESTS=1 thousands, the same ones every time, and when one
fails, the smallest that does.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from made_up import EVIL, JSON, ODD, inputs, like, sentence
from random_visits import FILMS, MODELS

from recdemo import checkpoints, cli
from recdemo.checkpoints import CheckpointCard, DataCard, Metrics
from recdemo.cli import tables
from recdemo.core.errors import CheckpointError, DataError, RequestError
from recdemo.data import check, guess_mapping, load_dataset, read_table, to_dataset
from recdemo.jobs import control, kept, owner, store
from recdemo.jobs.kept import KeptCard
from recdemo.jobs.owner import Mark
from recdemo.jobs.store import Request, Status
from recdemo.ui.saved import SavedVisit, open_visit, save_visit
from recdemo.ui.visit import SHOWN, decode_visit, encode_visit

# The link

PARAMETERS = ("m", "obj", "g", "a", "o", "h", "t", "c", "s", "i", "wg", "wa", "wo", "wd", "wh", "ag")  # fmt: skip
PART = ODD | st.sampled_from(
    ["fm", "M", "25", "12", "goal.2", "like", "1l", "2d", "5000w", "3x", "7"]
)
VALUE = PART | st.lists(PART, max_size=3).map("-".join) | st.lists(PART, max_size=3).map(".".join)
NAME = st.sampled_from([*PARAMETERS, "present", *SHOWN])


@inputs(2_000)
@given(st.dictionaries(NAME, VALUE, max_size=4))
def test_a_link(link: dict[str, str]) -> None:
    _link(link)


@pytest.mark.parametrize("name", [*PARAMETERS, "present", *SHOWN])
def test_a_link_with_one_odd_part(name: str) -> None:
    """Each of the odd texts in each place, alone and beside what is right: too many for a draw to find them all."""
    for odd in EVIL:
        for value in (odd, f"{odd}l", f"260l-{odd}d", f"{odd}.1"):
            _link({name: value})


def _link(link: dict[str, str]) -> None:
    visit, problems = decode_visit(link, models=MODELS, films=FILMS)
    assert decode_visit(encode_visit(visit), models=MODELS, films=FILMS) == (visit, [])
    assert visit.objective in MODELS[visit.model]
    assert all(film in FILMS for film in visit.session.movie_ids)
    for problem in problems:
        sentence(problem)
    assert len("".join(encode_visit(visit).values()).encode()) < 100_000


# The session file

SAVED = SavedVisit.model_validate(
    {"recdemo": 1, "gender": "F", "age": 25, "occupation": 4, "model": "din", "objective": "next", "targets": [1, 2],
     "compared": ["fm"], "history": [{"movie_id": 260, "liked": True, "title": "x"}, {"movie_id": 1}], "keys": ["k" * 30]}
)  # fmt: skip


@inputs(400)
@given(like(SAVED))
def test_a_session_file(content: bytes) -> None:
    try:
        visit, problems = open_visit(content, models=MODELS, films=FILMS)
    except RequestError as error:
        sentence(str(error))
        return
    for problem in problems:
        sentence(problem)
    assert open_visit(save_visit(visit, {}).encode(), models=MODELS, films=FILMS) == (visit, [])


# Cards

CARD = CheckpointCard(
    format=1, model="din", objective="next", arguments={"embed_dim": 8}, schema_hash="x", history_length=50,
    weights_sha256="x", parameters=1, metrics=Metrics(validation={"ndcg@10": 0.1}, test={"ndcg@10": 0.1}),
    data=DataCard(name="x", title="x", simulated=True, users=1, films=1, ratings=1), seed=0, command="x",
    settings={"epochs": 1}, epochs=[{"epoch": 1, "seconds": 1.0}], best_epoch=1, seconds=1.0, date="2000-01-01",
    versions=checkpoints.versions(),
)  # fmt: skip
KEPT = KeptCard(
    name="x", date="2000-01-01", model="din", objective="next", data="x", simulated=True, files={"card.json": "x"}
).sealed()  # fmt: skip


def _write_new(path: Path, content: bytes) -> None:
    """Where a file is written over, ext4 waits for the disk each time: most of what thousands of inputs take."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("borders") / "din" / "next"
    folder.mkdir(parents=True)
    return folder


@inputs(400)
@given(content=like(CARD))
def test_a_card(content: bytes, place: Path) -> None:
    _write_new(place / checkpoints.CARD, content)
    try:
        card = checkpoints.read_card(place)
    except CheckpointError as error:
        sentence(str(error))
        return
    card.model_dump_json().encode()
    sentence(f"{card.model} {card.date} {card.data.title} {card.nothing_learned}")
    assert abs(card.seconds) < float("inf")


@inputs(400)
@given(content=like(KEPT))
def test_a_kept_model_s_card(content: bytes) -> None:
    _kept_card(content)


def _kept_card(content: bytes) -> None:
    try:
        card = kept.read_card(content)
    except CheckpointError as error:
        sentence(str(error))
        return
    kept.slug_of(card.name)
    sentence(f"{card.name} {card.data} {card.date}")


@inputs(100)
@given(name=ODD | st.text(max_size=45), data=ODD, date=ODD | st.just("2000-01-01"))
def test_a_kept_model_s_card_that_was_sealed_anew(name: str, data: str, date: str) -> None:
    made = KEPT.model_copy(update={"name": name, "data": data, "date": date}).sealed()
    _kept_card(json.dumps(made.model_dump(mode="json")).encode())


# The folder of a run

REQUEST = Request(model="din", objective="next", source="simulated", threads=1)
STATUS = Status(state="running", pid=1, doing="x", epoch=1, epochs=2, step=1, steps=2, loss=0.1, reason="x", note="x")  # fmt: skip


@inputs(400)
@given(
    request=like(REQUEST),
    status=like(STATUS),
    mark=like(Mark(owner="x", shared=True)),
    epochs=st.binary(max_size=20) | JSON.map(lambda value: json.dumps([value]).encode()),
    log=st.binary(max_size=20),
)
def test_the_folder_of_a_run(
    request: bytes, status: bytes, mark: bytes, epochs: bytes, log: bytes, place: Path
) -> None:
    folder = place.parent / "20000101-000000-000"
    folder.mkdir(exist_ok=True)
    written = (
        (store.REQUEST, request),
        (store.STATUS, status),
        (owner.OWNER, mark),
        (store.EPOCHS, epochs),
    )
    for name, content in (*written, (store.LOG, log)):
        _write_new(folder / name, content)
    assert owner.read_mark(folder).shared in (True, False)
    run = store.read(folder)
    if run is None:
        return
    sentence(f"{run.title} {run.state} {run.progress} {len(run.epochs)} {run.log()}"[:1999])
    json.dumps(run.as_dict()).encode()
    assert run.ended in (True, False)
    control.command(run.request)


# A file of one's own

CELL = ODD | st.sampled_from(["1", "2", "3", "4", "5", "a", "b", "Heat", "Fargo (1996)", "1995"])
HEADER = st.sampled_from(
    [["user", "title", "rating"], ["userId", "movieId", "rating", "timestamp"], ["фильм", "оценка"]]
)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=12)
TABLE = st.builds(
    lambda header, rows, by: "\n".join(map(by.join, [header, *rows])).encode(errors="replace"),
    HEADER | st.lists(CELL, min_size=1, max_size=4),
    ROWS,
    st.sampled_from([",", ",", ";", "\t", "::"]),
)


@inputs(400)
@given(
    TABLE | JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200),
    st.booleans(),
    st.booleans(),
)
def test_a_file_of_one_s_own(content: bytes, own_films: bool, leave_out: bool) -> None:
    try:
        found = read_table(content, name="mine.csv")
        mapping = guess_mapping(found)
        findings = check(found, mapping, own_films=True)
        rows = findings.good_rows + findings.bad_rows + findings.unrated
        assert rows == len(found.frame) + found.ragged_count
        data = to_dataset(found, mapping, own_films=True, leave_out=leave_out, fewest=1)
    except DataError as error:
        sentence(str(error).removeprefix("mine.csv"))
        return
    assert data.ratings["rating"].between(0.5, 5).all()
    assert set(data.ratings["movie_id"]) <= set(data.movies["movie_id"])
    sentence(" ".join(["x", *data.movies["title"]])[:1999])


# A path, a run's id, a kept model's name


@inputs(400)
@given(ODD | st.lists(ODD, min_size=1, max_size=3).map("/".join))
def test_a_path(text: str) -> None:
    for ask in (
        lambda: load_dataset(text),
        lambda: control.ask("fm", "like", text),
        lambda: kept.find_kept(text),
        lambda: store.find(text),
    ):
        if text in ("simulated", "ml-1m"):
            return
        try:
            ask()
        except (RequestError, CheckpointError, DataError, OSError) as error:
            sentence(str(error)[:1999].encode(errors="replace").decode())


# The command line

# Commands that look something up; the others do nothing here, whatever they are given.
ASKS = ("recommend", "explain", "trace", "compare", "what-if", "films", "analogy")
WORDS = (
    *(*ASKS, "train", "search", "runs", "data", "leaderboard", "models", "list", "show", "delete", "keep"),
    *("--model", "-m", "--objective", "--age", "--like", "--watched", "--movie", "-k", "--json", "--data", "--vary"),
    *("--epochs", "--seed", "--argument", "--history", "--years", "--against", "--batch-size", "--genre", "--name"),
    *("fm", "din", "din@2018", "like", "epochs=[1]", "260", "26", "nobody=1", "/nowhere"),
)  # fmt: skip


@pytest.fixture(scope="module")
def command() -> Iterator[Any]:
    """The command line, made once, with no model to answer."""

    def still(group: Any) -> None:
        for name, one in getattr(group, "commands", {}).items():
            still(one)
            if not hasattr(one, "commands") and name not in ASKS:
                one.callback = lambda **_: None

    found = typer.main.get_command(cli.app)
    still(found)
    gone = CheckpointError("there is no model")
    with mock.patch.object(checkpoints, "open_folder", side_effect=gone):
        yield found


@inputs(400)
@given(words=st.lists(st.sampled_from(WORDS) | ODD, min_size=1, max_size=4))
def test_a_command_line(words: list[str], command: Any) -> None:
    """What is wrong is told without a box around it, which takes most of the time; the next test draws some."""
    with mock.patch.object(typer.core, "HAS_RICH", False):
        _command(words, command)


@inputs(10)
@given(word=ODD)
def test_what_is_wrong_with_a_command_line_is_drawn(word: str, command: Any) -> None:
    _command(["recommend", "--age", word], command)


def _command(words: list[str], command: Any) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    with (
        mock.patch.object(cli, "app", command),
        mock.patch.object(sys, "argv", ["recdemo", *words]),
        mock.patch.object(tables.out, "_width", 80),
        io.TextIOWrapper(out, "utf-8") as shown,
        io.TextIOWrapper(err, "utf-8", "backslashreplace") as told,  # as Python's own
        redirect_stdout(shown),
        redirect_stderr(told),
        pytest.raises(SystemExit) as left,
    ):
        cli.main()
    assert left.value.code in (0, 1, 2)
