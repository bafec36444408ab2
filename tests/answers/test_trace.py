"""Traces: the last number is the list's, each step follows from what it reads, and sums are the cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from shell import SESSION, VISITOR, answer, run
from shipped import load
from steps_by_hand import by_hand

import recdemo
from recdemo import Session, Watched, checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.checkpoints import Checkpoint
from recdemo.core.batch import Batch
from recdemo.core.steps import Trace
from recdemo.core.worlds import join_key
from recdemo.encoding.schema import Schema

ALL = [
    (join_key(key, world.key), objective)
    for world in checkpoints.worlds()
    for key, objective in checkpoints.available(checkpoints.root(world.key))
]
TWICE = re.compile(r"([_^])(\w|\{[^{}]*\})\1")  # what LaTeX refuses: x_i_j
MADE_UP = SimpleNamespace(item="film")  # what a card says of its data
MOST_BYTES = 450_000  # of the widest: HSTU, eight tables of 50 films by 128 numbers


def _visits(model: Recommender) -> list[tuple[Session, int]]:
    """Sessions and a film asked about: fifty films, none, one, and a film that was watched."""
    ids = model.catalogue["movie_id"].tolist()
    rng = np.random.default_rng(3)
    drawn = [int(one) for one in rng.choice(ids, 51, replace=False)]
    opinions = [(True, False, None)[i % 3] for i in range(50)]
    films = [Watched(film, liked) for film, liked in zip(drawn, opinions, strict=False)]
    return [
        (Session("F", 25, 12, films), drawn[50]),
        (Session(), drawn[1]),
        (Session("M", history=films[:1]), drawn[2]),
        (Session(age=56, history=films[:4]), drawn[1]),
    ]


def _unwatched(session: Session, movie: int) -> Session:
    return replace(session, history=[one for one in session.history if one.movie_id != movie])


@pytest.mark.parametrize(("key", "objective"), ALL)
def test_steps_follow_from_each_other_to_the_score_of_the_list(key: str, objective: str) -> None:
    model = load(key, objective)
    whole = objective != "like" and not model.checkpoint.key.endswith("@2018")
    for session, movie in _visits(model)[: 4 if whole else 2]:
        trace = recdemo.trace(model, session, movie)
        scores = model.scores(_unwatched(session, movie))
        place = model.checkpoint.schema.index_of(movie) - 1
        assert trace.score == pytest.approx(float(scores[place]), abs=1e-5)
        assert float(trace.steps[-1].values) == trace.score
        _check_steps(trace)
        text = json.dumps(
            trace.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        assert len(text.encode()) < MOST_BYTES


def _check_steps(trace: Trace) -> None:
    seen: set[str] = set()
    for step in trace.steps:
        assert step.id not in seen
        assert set(step.inputs) <= seen, step.id
        assert step.inputs or step.operation in ("input", "lookup"), step.id
        assert step.parent in {"", step.id.rpartition(".")[0]}
        seen.add(step.id)
        assert step.values.shape == tuple(axis.size for axis in step.axes)
        assert step.name
        assert step.says, step.id
        assert not TWICE.search(step.formula), step.formula
        assert step.formula.count("{") == step.formula.count("}")
        close = {"rtol": 1e-4, "atol": 1e-4, "err_msg": f"{trace.model} {step.id}"}
        np.testing.assert_allclose(by_hand(trace, step), step.values, **close)
        if step.sums:
            sums = [sum(value for _, value in cell) for cell in step.sums]
            np.testing.assert_allclose(sums, step.values.ravel(), **close)
    assert [step.id for step in trace.steps if not step.parent][-2:] == ["logit", "score"]


def test_the_last_number_is_the_one_on_the_list() -> None:
    for key, objective in (("din", "next"), ("fm", "like"), ("textcnn_rating", "rating")):
        model = load(key, objective)
        shown = model.recommend(SESSION, 3)
        for movie, score in zip(shown["movie_id"], shown["score"], strict=True):
            trace = recdemo.trace(model, SESSION, int(movie))
            assert trace.score == pytest.approx(score, abs=1e-5)
            assert trace.to_json()["steps"][-1]["values"] == pytest.approx(score, abs=1e-5)


def test_films_and_fields_are_called_by_name() -> None:
    trace = recdemo.trace("din", SESSION, 1210)
    assert trace.film == "Star Wars: Episode VI - Return of the Jedi (1983)"
    axis = trace["weights"].axes[0]
    assert axis.labels[1] == "The Matrix (1999)"
    assert axis.movie_ids == (260, 2571, 1721, 1196)
    assert recdemo.trace("fm", SESSION, 1210)["visitor_fields"].axes[0].labels[0] == "Gender"
    json_axis = trace.to_json()["steps"][2]["axes"][0]
    assert json_axis["movie_ids"] == [260, 2571, 1721, 1196]


def test_weights_and_vectors_of_the_trace_are_what_the_model_shows() -> None:
    model = load("din", "next")
    explained = model.explain(SESSION, 1210).weights
    found = recdemo.trace(model, SESSION, 1210)["weights"].values
    np.testing.assert_allclose(found, explained.weights, atol=1e-5)
    fm = load("fm", "next")
    film = fm.checkpoint.model.film_vectors()[fm.checkpoint.schema.index_of(1210)]
    np.testing.assert_allclose(recdemo.trace(fm, SESSION, 1210)["film"].values, film, atol=1e-5)


def test_what_a_model_says_nothing_of_is_one_step(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    class Silent(torch.nn.Module):
        def forward(self, batch: Batch) -> torch.Tensor:
            return batch.target_movie / 10.0

    for model in (Silent(), make_model("bst", schema, read="mean")):
        checkpoint = Checkpoint(
            model,
            SimpleNamespace(model="bst", objective="like", data=MADE_UP),
            schema,
            Path("made/up"),
        )
        found = recdemo.trace(Recommender(checkpoint), sessions[6], int(schema.movie_ids[4]))
        logits = Recommender(checkpoint).logits(_unwatched(sessions[6], int(schema.movie_ids[4])))
        assert found.logit == pytest.approx(float(logits[4]), abs=1e-4)


def test_two_threads_record_each_their_own_and_nobody_else_is_recorded() -> None:
    models = [load("din", "next"), load("fm", "next")]
    alone = [recdemo.trace(model, SESSION, 1210).to_json() for model in models]
    with ThreadPoolExecutor(4) as pool:
        asked = [models[i % 2] for i in range(20)]
        others = [pool.submit(model.logits, SESSION) for model in models * 5]
        found = list(pool.map(lambda model: recdemo.trace(model, SESSION, 1210).to_json(), asked))
    assert all(isinstance(one.result(), np.ndarray) for one in others)
    assert all(one == alone[i % 2] for i, one in enumerate(found))


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *(("din", {"attention": kind}) for kind in ("item", "user", "dot", "bilinear", "elementwise")),
    ("din", {"softmax": True, "user_fields": False, "item_fields": False}),
    ("deepfm", {"fusion": "concat"}),
    ("dcn_v2", {"layers": 3, "rank": 2, "experts": 2}),
    ("dcn_v2", {"layers": 1, "rank": 3}),
    ("final_mlp", {"gates": False}),
    ("pooling", {"pool": "sum"}),
    *((key, {"cell": cell}) for key in ("rnn", "rnn_als") for cell in ("rnn", "lstm")),
    ("transformer4rec", {"layers": 2}),
    ("hstu", {"layers": 3}),
    ("textcnn_history", {"genre_pool": "mean"}),
    ("wide_deep", {"crosses": "poly2"}),
]


@pytest.mark.parametrize(("key", "changes"), VARIANTS)
def test_steps_of_models_put_together_otherwise_follow_from_each_other(
    key: str, changes: dict[str, Any], schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    card = SimpleNamespace(model=key, objective="like", data=MADE_UP)
    model = make_model(key, schema, **changes)
    recommender = Recommender(Checkpoint(model, card, schema, Path("made/up")))
    for session in (sessions[1], sessions[2], sessions[6]):
        movie = int(schema.movie_ids[4])
        found = recdemo.trace(recommender, session, movie)
        _check_steps(found)
        logits = recommender.logits(_unwatched(session, movie))
        assert found.logit == pytest.approx(float(logits[4]), abs=1e-4)


def test_the_shell_prints_a_table_and_the_same_json() -> None:
    done = run(f"trace din --movie 1210 {VISITOR}")
    assert "Attention weights" in done.stdout
    assert "Chance of being" in done.stdout
    trace = answer(f"trace din --movie 1210 {VISITOR} --json")
    torch.set_num_threads(1)
    assert trace == recdemo.trace("din", SESSION, 1210).to_json()


def test_what_is_unknown_is_refused_by_name() -> None:
    done = run("trace din --movie 99999999")
    assert done.returncode == 2
    assert "99999999" in done.stderr
