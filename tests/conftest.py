"""Data for the tests: small made-up catalogues, visitors and models; the real sets where they are at hand."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from history_models import Visitor, visitors_of
from small_models import drawn, small_arguments
from small_world import Desk, make_desk, write_world
from torch import nn
from unpacked import unpacked_here, unpacker  # noqa: F401

import recdemo
from recdemo import checkpoints
from recdemo.checkpoints import FORMAT, CheckpointCard, DataCard, save, versions
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, GENDERS, GENRES, OCCUPATIONS
from recdemo.data import DATA_VARIABLE, Dataset, find_data, read_movielens, save_dataset, simulate
from recdemo.data.catalogue import read_catalogue
from recdemo.encoding.schema import YEAR_EDGES, Schema
from recdemo.jobs import control, store
from recdemo.models import CARDS

# The tensors are tiny, and one thread adds up in one order. Processes that tests start share the processors with other
# tests, and a thread that waits for a busy processor makes them slower, not faster.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

REAL_DATA = {"ml_1m", "ml_100k"}


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: many tests wait for a browser or a process."""
    return (
        len(os.sched_getaffinity(0)) + 1
        if hasattr(os, "sched_getaffinity")
        else (os.cpu_count() or 1) + 1
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_data: needs the MovieLens files; skipped without them")


# Where tests drive the whole app or a browser, start processes, train, or try thousands of inputs.
SLOW = (
    "answers", "anatomy", "browser", "cli", "jobs", "charts/test_report", "models/test_contract", "project/test_shipped",
    "data/test_own_spoiled", "data/test_parquet", "data/test_shards", "data/test_summary", "data/test_unpack",
    "training/test_distributed", "training/test_faithfulness", "training/test_impressions", "training/test_loop",
    "training/test_planted_world", "training/test_search", "training/test_titles", "training/test_train_all",
    "ui/test_bring", "ui/test_film_box", "ui/test_links_hold", "ui/test_own_file", "ui/test_page", "ui/test_stories",
    "test_borders",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a real data set, and what is slow, so that none can be forgotten."""
    for item in items:
        if REAL_DATA & set(getattr(item, "fixturenames", ())):
            item.add_marker("real_data")
        place = item.path.relative_to(Path(__file__).parent).as_posix()
        if place.startswith(SLOW):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Set what libraries and tests are made of aside: nothing of it is garbage, and to look through it takes long."""
    gc.collect()
    gc.freeze()


def _real(name: str, catalogue: pd.DataFrame | None = None) -> Dataset:
    path = find_data(name)
    if path is None:
        pytest.skip(f"{name} is not at hand; set {DATA_VARIABLE} to the folder of {name}.zip")
    return read_movielens(path, catalogue)


@pytest.fixture(scope="session")
def ml_1m() -> Dataset:
    """MovieLens-1M itself."""
    return _real("ml-1m")


@pytest.fixture(scope="session")
def ml_100k(ml_1m: Dataset) -> Dataset:
    """MovieLens-100K over the films of MovieLens-1M."""
    return _real("ml-100k", ml_1m.movies)


@pytest.fixture(scope="session")
def films() -> pd.DataFrame:
    """A made-up catalogue of 400 films, each with one to three genres."""
    rng = np.random.default_rng(7)
    genres = [tuple(rng.choice(GENRES, rng.integers(1, 4), replace=False)) for _ in range(400)]
    return pd.DataFrame(
        {
            "movie_id": np.arange(1, 401) * 3,
            "title": [f"Film {number}" for number in range(400)],
            "year": rng.integers(1950, 2001, 400),
            "genres": genres,
        }
    )


@pytest.fixture(scope="session")
def few_ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings of 300 simulated people as a file: reading and measuring them takes little."""
    films = read_catalogue(checkpoints.root() / checkpoints.CATALOGUE)
    return save_dataset(simulate(films, users=300), tmp_path_factory.mktemp("data") / "few.zip")


@pytest.fixture(scope="session")
def small_films() -> pd.DataFrame:
    """38 films that show every genre alone and in company, no genre, and every year bucket."""
    years = [YEAR_EDGES[0], *(edge + 1 for edge in YEAR_EDGES)]
    genres = [(GENRES[i],) for i in range(18)]
    genres += [(GENRES[i], GENRES[(5 * i + 1) % 18]) for i in range(18)]
    genres += [(), tuple(GENRES[:4])]
    return pd.DataFrame(
        {
            "movie_id": [5 * number + 2 for number in range(38)],
            "title": [f"Film {number}" for number in range(38)],
            "year": [years[(7 * number) % len(years)] for number in range(38)],
            "genres": genres,
        }
    )


@pytest.fixture(scope="session")
def schema(small_films: pd.DataFrame) -> Schema:
    """The small films, with histories of six."""
    return Schema(small_films, history_length=6)


@pytest.fixture(scope="session")
def sessions(small_films: pd.DataFrame) -> list[Session]:
    """Twelve visitors: nobody known, no history, one film, exactly six films, and more than six."""
    rng = np.random.default_rng(2)
    found = [Session(), Session(gender="F", age=25, occupation=4)]
    for length in (1, 2, 3, 4, 5, 6, 6, 7, 9, 12):
        ids = rng.choice(small_films["movie_id"], length, replace=False)
        opinions = rng.choice(np.array([True, False, None]), length)
        found.append(
            Session(
                gender=rng.choice([*GENDERS, None]),
                age=rng.choice([*AGES, None]),
                occupation=rng.choice([*OCCUPATIONS, None]),
                history=[Watched(int(i), o) for i, o in zip(ids, opinions, strict=True)],
            )
        )
    return found


def _small_arguments(key: str) -> dict[str, Any]:
    """Small arguments for a card's model, as a checkpoint keeps them."""
    card = CARDS[key]
    return small_arguments(card.model) | (
        {"objective": card.objectives[0]} if card.knows_users else {}
    )


MakeModel = Callable[..., nn.Module]


def _make_model(key: str, schema: Schema, *, seed: int = 0, std: float = 0.4, **more: Any) -> Any:
    """A small model of a card in evaluation mode."""
    torch.manual_seed(seed)
    return drawn(CARDS[key].model(schema, **_small_arguments(key) | more), std)


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """``make_model(key, schema, seed=0, **arguments)``: a small model of any card."""
    return _make_model


def _write_checkpoint(
    folder: Path, key: str, model: nn.Module, schema: Schema, **changes: Any
) -> CheckpointCard:
    values: dict[str, Any] = {
        "format": FORMAT,
        "model": key,
        "objective": CARDS[key].objectives[0],
        "arguments": _small_arguments(key),
        "schema_hash": schema.hash,
        "history_length": schema.history_length,
        "weights_sha256": "",
        "parameters": sum(p.numel() for p in model.parameters()),
        "metrics": {"validation": {"auc": 0.5}, "test": {"auc": 0.5}},
        "data": DataCard(
            name="made-up", title="Made up", simulated=True, users=1, films=schema.size, ratings=1
        ),
        "seed": 0,
        "command": "python -m recdemo train",
        "settings": {"epochs": 1},
        "epochs": [],
        "best_epoch": 1,
        "seconds": 0.1,
        "date": "2000-01-01",
        "versions": versions(),
    }
    return save(model, CheckpointCard(**(values | changes)), folder)


@pytest.fixture(scope="session")
def write_checkpoint() -> Callable[..., CheckpointCard]:
    """``write_checkpoint(folder, key, model, schema, **card values)`` for a model of `make_model`."""
    return _write_checkpoint


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """``untrained(key)``: a small model over the shipped films, the only checkpoint there is from then on."""

    def made(key: str) -> Any:
        shipped = checkpoints.root() / checkpoints.CATALOGUE
        base = tmp_path / "untrained"
        base.mkdir()
        (base / checkpoints.CATALOGUE).write_bytes(shipped.read_bytes())
        schema = Schema(read_catalogue(shipped))
        objective = CARDS[key].objectives[0]
        _write_checkpoint(base / key / objective, key, _make_model(key, schema, std=0.2), schema)
        monkeypatch.setenv(checkpoints.ROOT_VARIABLE, str(base))
        return recdemo.load(key, objective)

    return made


Vectors = dict[str, np.ndarray]


def _vectors_by_hand(
    tables: Vectors, films: pd.DataFrame, length: int, session: Session, film: int
) -> Vectors:
    """One vector per field of a visitor and a film, in plain loops from the session itself.

    Args:
        tables: [size + 1, k] per field name; only these fields are made.
        films: the catalogue; `film` is its row plus one.
        length: how many of the latest films count.
        session: the visitor.
        film: the candidate.
    """
    ids = films["movie_id"].tolist()
    watched = [(ids.index(w.movie_id) + 1, w.liked) for w in session.history][-length:]
    kinds = {"watched": None, "disliked": False, "liked": True}
    year = int(films["year"].iloc[film - 1])
    found = {}
    for name, table in tables.items():
        vector = np.zeros(table.shape[1])
        if name == "gender":
            vector += table[0 if session.gender is None else 1 + "FM".index(session.gender)]
        elif name == "age":
            vector += table[0 if session.age is None else 1 + list(AGES).index(session.age)]
        elif name == "occupation":
            vector += table[0 if session.occupation is None else 1 + session.occupation]
        elif name == "favourite_genre":
            vector += table[_favourite_by_hand(films, watched)]
        elif name == "last_five":
            latest = [index for index, _ in watched][-5:]
            for index in latest:
                vector += table[index] / len(latest)
        elif name in kinds:
            for index, liked in watched:
                if liked is kinds[name]:
                    vector += table[index] / len(watched)
        elif name == "movie":
            vector += table[film]
        elif name == "genres":
            names = films["genres"].iloc[film - 1]
            for genre in names:
                vector += table[1 + GENRES.index(genre)] / len(names)
        elif name == "year":
            vector += table[1 + sum(1 for edge in YEAR_EDGES if edge < year)]
        else:
            raise NotImplementedError(f"say how field {name} is made, by hand")
        found[name] = vector
    return found


def _favourite_by_hand(films: pd.DataFrame, watched: list[tuple[int, bool | None]]) -> int:
    """Most films liked, then most just watched, then the lower id; 0 where there is none."""
    best, best_key = 0, (0, 0)
    for number, genre in enumerate(GENRES, start=1):
        of_genre = [liked for index, liked in watched if genre in films["genres"].iloc[index - 1]]
        key = tuple(sum(liked is kind for liked in of_genre) for kind in (True, None))
        if key > best_key:
            best, best_key = number, key
    return best


@pytest.fixture(scope="session")
def vectors_by_hand() -> Callable[..., Vectors]:
    """See `_vectors_by_hand`."""
    return _vectors_by_hand


@pytest.fixture(scope="session")
def visitors(
    schema: Schema, sessions: list[Session], vectors_by_hand: Callable[..., Vectors]
) -> Callable[..., list[Visitor]]:
    """``visitors(films)``: each of `sessions` by hand, from a `FilmEmbedding`."""
    return visitors_of(schema, sessions, vectors_by_hand)


@pytest.fixture(scope="session")
def favourite_by_hand() -> Callable[..., int]:
    """See `_favourite_by_hand`."""
    return _favourite_by_hand


@pytest.fixture(scope="module")
def world(films: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 people over 60 films."""
    folder = tmp_path_factory.mktemp("worlds") / "world"
    return write_world(simulate(films.iloc[:60], users=40, seed=1), folder)


@pytest.fixture
def desk(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = make_desk(world, tmp_path, monkeypatch)
    yield made
    for run in store.all_runs():
        control.cancel(run.id)
