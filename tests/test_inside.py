"""Heads, layers and evolving interest as shown are those of the answer."""

from __future__ import annotations

import numpy as np
import pytest

import recdemo
from recdemo import Session, Watched, checkpoints, inside
from recdemo.explain import history_weights
from recdemo.models import CARDS

SESSION = Session(
    "F",
    25,
    12,
    [Watched(1721, False), Watched(1196), *(Watched(m, True) for m in (260, 1214, 541, 589, 2571))],
)
LONG = Session(history=[Watched(movie, True) for movie in range(1, 81)])
TARGETS = [1210, 2571, 1]  # one of them is in the history, and asked about as if it were not


def _showing(kind: str) -> list[tuple[str, str]]:
    return [pair for pair in checkpoints.available() if kind in CARDS[pair[0]].shows]


@pytest.mark.parametrize("pair", _showing("heads"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_heads_share_out_one_and_their_mean_is_the_weight_shown(pair, session: Session) -> None:
    model = recdemo.load(*pair)
    for movie in TARGETS:
        table = inside.head_weights(model, session, movie)
        heads = table.drop(columns=["movie_id", "title"])
        assert heads.shape[1] > 1
        assert heads.sum().to_numpy() == pytest.approx(np.ones(heads.shape[1]), abs=1e-5)
        assert table["movie_id"].iloc[-1] == movie
        explanation = model.explain(session, movie)
        assert table["movie_id"].tolist()[:-1] == [film for film, _ in explanation.removal]
        assert heads.mean(axis=1).tolist()[:-1] == pytest.approx(explanation.weights.weights)


@pytest.mark.parametrize("pair", _showing("layers"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_the_latest_film_s_look_in_the_last_layer_is_the_weight_shown(
    pair, session: Session
) -> None:
    model = recdemo.load(*pair)
    films, weights = inside.layer_weights(model, session)
    assert films == session.movie_ids[-model.checkpoint.schema.history_length :]
    assert weights.shape[2:] == (len(films), len(films))
    assert weights.sum(-1) == pytest.approx(np.ones(weights.shape[:3]), abs=1e-5)
    shown = history_weights(model, session, [1210])[1210]
    assert weights[-1, :, -1].mean(0) == pytest.approx(shown.dropna().to_numpy())


@pytest.mark.parametrize("pair", _showing("evolution"))
@pytest.mark.parametrize("session", [SESSION, LONG], ids=["seven films", "eighty films"])
def test_an_interest_ends_at_the_logit_and_a_shorter_history_is_another(
    pair, session: Session
) -> None:
    model = recdemo.load(*pair)
    table = inside.evolution(model, session, TARGETS)
    for movie in TARGETS:
        mine = table[table["target"] == movie]
        explanation = model.explain(session, movie)
        assert len(mine) == explanation.films_read
        assert [session.movie_ids[step - 1] for step in mine["step"]] == mine["movie_id"].tolist()
        assert mine["attention"].tolist() == pytest.approx(explanation.weights.weights)
        assert mine["logit"].iloc[-1] == pytest.approx(explanation.logit, abs=1e-4)
        assert mine["logit"].nunique() > 1
        assert (mine["gate"] > 0).all()
        assert (mine["gate"] < mine["attention"]).all()  # u' = a_t u with u < 1


def test_a_target_that_was_watched_leaves_a_gap_and_moves_no_film() -> None:
    model = recdemo.load("dien", "next")
    watched = SESSION.movie_ids[2]
    table = inside.evolution(model, SESSION, [watched, TARGETS[0]])
    assert (table.groupby("step")["movie_id"].nunique() == 1).all()
    mine, other = (
        table[table["target"] == movie]["step"].tolist() for movie in (watched, TARGETS[0])
    )
    assert other == list(range(1, len(SESSION.history) + 1))
    assert mine == [step for step in other if step != 3]


def test_models_without_such_an_inside_say_so() -> None:
    model = recdemo.load("fm", "like")
    for ask in (
        lambda: inside.head_weights(model, SESSION, 1),
        lambda: inside.layer_weights(model, SESSION),
        lambda: inside.evolution(model, SESSION, [1]),
    ):
        with pytest.raises(TypeError, match="fm has no"):
            ask()
