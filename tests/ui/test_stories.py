"""What a story claims is true of the shipped checkpoints."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from app import FILMS, ROOT
from shipped import load

import recdemo
from recdemo import checkpoints
from recdemo.answers.compare import overlaps, rank
from recdemo.answers.explain import history_weights
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import Objective
from recdemo.ui.stories import STORIES, Step, step_of
from recdemo.ui.visit import Visit, decode_visit

MODELS: dict[str, list[Objective]] = {}
for _key, _objective in checkpoints.available():
    MODELS.setdefault(_key, []).append(_objective)


def _visit(step: Step) -> Visit:
    visit, problems = decode_visit(step.link, models=MODELS, films=FILMS)
    assert problems == []
    return visit


def _list(step: Step, session: Session | None = None, k: int = 10) -> pd.DataFrame:
    visit = _visit(step)
    return load(visit.model, visit.objective).recommend(session or visit.session, k)


def _without(session: Session, movie: int) -> Session:
    kept: list[Watched] = [film for film in session.history if film.movie_id != movie]
    return Session(session.gender, session.age, session.occupation, kept)


def test_every_step_is_a_visit_that_its_models_can_answer() -> None:
    assert len(STORIES) >= 3
    for key, story in STORIES.items():
        for number, step in enumerate(story.steps, start=1):
            _visit(step)
            assert step_of(f"{key}.{number}") == (story, number - 1)
        assert step_of(f"{key}.{len(story.steps) + 1}") is None
    for place in ("", "goal", "goal.", "goal.0", "goal.²", "nothing.1", "goal.1.1"):
        assert step_of(place) is None


def test_profile_moves_less_than_one_film() -> None:
    first, profile, blind, film = STORIES["person"].steps
    table = _list(first)
    assert sum("Sci-Fi" in genres for genres in table["genres"]) >= 8
    session = _visit(profile).session
    other = Session("M", 56, session.occupation, session.history)
    listed = set(table["movie_id"])
    kept_by_profile = len(listed & set(_list(profile, other)["movie_id"]))
    assert kept_by_profile >= 8
    assert table["movie_id"].tolist() != _list(profile, other)["movie_id"].tolist()
    model = load(_visit(blind).model)
    assert np.array_equal(model.logits(session), model.logits(other))
    dropped = int(film.link["wd"])
    assert len(listed & set(_list(film, _without(session, dropped))["movie_id"])) < kept_by_profile


def test_attention_is_a_guide_here_and_none_there() -> None:
    din, faithful, not_faithful, ledger = STORIES["attention"].steps
    visit = _visit(din)
    weights = history_weights(load("din"), visit.session, visit.targets)
    assert weights[list(visit.targets)].dropna().nunique(axis=1).gt(1).all()
    found = []
    for step in (faithful, not_faithful, ledger):
        visit = _visit(step)
        assert visit.targets[0] in _list(step, k=100)["movie_id"].tolist()
        model = load(visit.model, visit.objective)
        found.append(model.explain(visit.session, visit.targets[0]))
    assert found[0].weights
    assert found[1].weights
    assert (found[0].weights.faithfulness or 0) >= 0.7
    assert abs(found[1].weights.faithfulness or 0) < 0.2
    assert f"{found[2].total:.4f}" == f"{found[2].logit:.4f}"


def test_the_goal_decides_the_list() -> None:
    pick, like, across, table = STORIES["goal"].steps
    popular = set(load("popularity", "like").recommend(Session(), 60)["movie_id"])
    picked, liked = _list(pick), _list(like)
    assert sum("Sci-Fi" in genres for genres in picked["genres"]) >= 7
    assert sum("Sci-Fi" in genres for genres in liked["genres"]) <= 3
    assert len(popular & set(liked["movie_id"])) >= 9
    assert len(popular & set(picked["movie_id"])) <= 4
    visit = _visit(across)
    mean = {}
    for objective in ("like", "next"):
        rankings = [rank(load(key, objective), visit.session) for key in visit.compared]
        matrix = overlaps(rankings)
        mean[objective] = matrix[~np.eye(len(matrix), dtype=bool)].mean()
    assert mean["like"] > mean["next"]
    rows = json.loads((ROOT / "checkpoints" / "leaderboard.json").read_text())["rows"]
    assert table.page == "pages/leaderboard.py"
    first = {}
    for objective, figure in (("like", "auc"), ("next", "ndcg@10")):
        mine = [r for r in rows if r["objective"] == objective and r["split"] == "order"]
        first[objective] = max(mine, key=lambda row: row["figures"][figure]["mean"])["model"]
    assert first["like"] != first["next"]


def test_one_number_is_the_same_at_both_ends() -> None:
    listed, *inside = STORIES["number"].steps
    first = _list(listed).iloc[0]
    assert first["movie_id"] == _visit(listed).targets[0]
    visit = _visit(inside[0])
    trace = recdemo.trace("din", visit.session, visit.targets[0], "next")
    for step in inside:
        assert _visit(step).step in [one.id for one in trace.steps]
    said = f"{100 * first['score']:.1f}%"
    assert said == f"{100 * trace.score:.1f}%"
    assert said in listed.finding
    assert said in inside[-1].finding
    assert trace["watched"].values.shape == (8, 32)
    weights = dict(zip(trace["weights"].axes[0].labels, trace["weights"].values, strict=True))
    assert max(weights, key=weights.__getitem__).startswith("Terminator 2")
    assert abs(weights["Titanic (1997)"]) < 0.1 * max(weights.values())
