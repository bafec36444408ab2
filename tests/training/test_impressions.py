"""Figures within impressions against plain loops and scikit-learn; histories that end before them; tastes that are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from sklearn.metrics import ndcg_score, roc_auc_score
from trials import trials
from typer.testing import CliRunner

from recdemo import checkpoints
from recdemo.cli import app
from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import DISLIKED, LIKED
from recdemo.data import Dataset, split_ratings
from recdemo.data.simulated_news import simulate_news, write_news
from recdemo.data.split import TEST
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.constant import constant_answer
from recdemo.training.feed import InMemory
from recdemo.training.metrics import impression_metrics, like_metrics
from recdemo.training.opening import source_of
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for


@pytest.fixture(scope="module")
def news() -> Dataset:
    return simulate_news(users=60, articles=60)


def _drawn(ties: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    of = torch.randint(1, 60, (400,), generator=draw)
    scores = torch.randn(400, generator=draw)
    return (scores.round() if ties else scores), torch.rand(400, generator=draw) < 0.3, of


def _by_hand(scores: np.ndarray, clicked: np.ndarray) -> dict[str, float]:
    """One impression, as MIND's own script counts it; what was clicked stands last among equals."""
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], clicked[at]))
    hits = [bool(clicked[at]) for at in order]

    def gain(found: list[bool], k: int) -> float:
        return sum(hit / np.log2(place + 2) for place, hit in enumerate(found[:k]))

    wins = [
        (scores[one] > scores[other]) + 0.5 * (scores[one] == scores[other])
        for one in np.flatnonzero(clicked)
        for other in np.flatnonzero(~clicked)
    ]
    return {
        "auc": float(np.mean(wins)),
        "mrr": sum(1 / (place + 1) for place, hit in enumerate(hits) if hit) / sum(hits),
        **{f"ndcg@{k}": gain(hits, k) / gain(sorted(hits, reverse=True), k) for k in (5, 10)},
    }


@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_means_over_impressions(ties: bool) -> None:
    scores, clicked, of = _drawn(ties)
    lists = [(scores[of == one].numpy(), clicked[of == one].numpy()) for one in of.unique()]
    lists = [(given, hits) for given, hits in lists if 0 < hits.sum() < len(hits)]
    assert 30 < len(lists) < len(of.unique())  # some hold one answer only
    wanted = [_by_hand(*one) for one in lists]
    found = impression_metrics(scores, clicked, of)
    for name in ("auc", "mrr", "ndcg@5", "ndcg@10"):
        assert found[name] == pytest.approx(np.mean([one[name] for one in wanted])), name
    assert found["log_loss"] == like_metrics(scores, clicked)["log_loss"]
    assert found["auc"] == pytest.approx(np.mean([roc_auc_score(h, g) for g, h in lists]))
    if not ties:
        for k in (5, 10):
            theirs = [ndcg_score([h.astype(float)], [g], k=k) for g, h in lists]
            assert found[f"ndcg@{k}"] == pytest.approx(np.mean(theirs))


def test_a_history_is_what_was_clicked_before_all_impressions(news: Dataset) -> None:
    schema = Schema(news.movies, history_length=8)
    ratings = Ratings(news, schema)
    rows = news.ratings
    before = rows[rows["impression"] == 0].groupby("user_id")["movie_id"].apply(list)
    asked = torch.tensor(np.flatnonzero(rows["impression"] > 0))
    batch = ratings.batch(asked)
    for row, history, feedback in zip(asked.tolist(), batch.history, batch.feedback, strict=True):
        wanted = before.get(rows["user_id"][row], [])[-8:]
        assert [schema.movie_ids[film - 1] for film in history[history > 0]] == wanted
        assert (feedback[history > 0] == LIKED).all()
    assert DISLIKED not in batch.feedback


def test_chance_is_that_of_a_mean_over_impressions(news: Dataset) -> None:
    schema = Schema(news.movies)
    ratings = Ratings(news, schema)
    part = torch.as_tensor(split_ratings(news.ratings, "order"))
    found = constant_answer(InMemory(ratings, part), "like")
    rows = (part == 1).nonzero().squeeze(1)
    draw = torch.Generator().manual_seed(0)
    drawn = [
        impression_metrics(
            torch.rand(len(rows), generator=draw), ratings.liked[rows], ratings.impression[rows]
        )["auc"]
        for _ in range(trials(100, 300))
    ]
    assert found.figure == pytest.approx(np.mean(drawn), abs=0.01)
    assert found.chance / 3 == pytest.approx(np.std(drawn), rel=0.15)


def test_other_questions_are_refused_with_the_way_out(tmp_path: Path) -> None:
    source = str(write_news(tmp_path / "news", users=20, articles=40))
    for model, objective in (("din", "next"), ("textcnn_rating", "rating")):
        with pytest.raises(RequestError, match=f"not '{objective}'; train with --objective like"):
            train(model, objective, source, settings_for(model, objective), base=tmp_path / "base")


def test_a_part_without_an_impression_to_measure_is_refused(tmp_path: Path) -> None:
    folder = write_news(tmp_path / "news", users=20, articles=40)
    lines = (folder / "behaviors.tsv").read_text().splitlines()
    # Of each impression of the end, either what was clicked or what was not.
    end = [
        line.replace("-1", "-0") if at % 2 else line.replace("-0", "-1")
        for at, line in enumerate(lines[-6:])
    ]
    (folder / "behaviors.tsv").write_text("\n".join([*lines[:-6], *end]))
    with pytest.raises(RequestError, match="no impression of the test part of news holds both"):
        train(
            "popularity",
            "like",
            str(folder),
            settings_for("popularity", "like"),
            base=tmp_path / "base",
        )


def test_models_find_the_planted_tastes(tmp_path: Path) -> None:
    source = str(write_news(tmp_path / "news", users=400, articles=100))
    figures = {}
    for model in ("popularity", "din", "dcn_text"):
        changes = {} if model == "popularity" else {"batch_size": 128}
        settings = settings_for(model, "like", **changes)
        card = train(model, "like", source, settings, base=tmp_path / "base")
        figures[model] = card.metrics.test
        assert card.data.item == "article"
        assert set(card.metrics.test) == {"auc", "mrr", "ndcg@5", "ndcg@10", "log_loss"}
    for model in ("din", "dcn_text"):
        assert figures[model]["auc"] > 0.7
        assert figures[model]["ndcg@5"] > figures["popularity"]["ndcg@5"] + 0.1


def _typed(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result


def test_the_shell_trains_and_measures_beside_what_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_news(tmp_path / "MIND", users=60, articles=60)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(checkpoints.ROOT_VARIABLE, raising=False)
    about = ("popularity", "--objective", "like", "--data", "MIND")
    said = _typed("train", *about).output
    assert "Saved in checkpoints-MIND" in said
    assert (tmp_path / "checkpoints-MIND" / "popularity" / "like" / "card.json").exists()
    for name in ("auc", "mrr", "ndcg@5", "ndcg@10"):
        assert name in said
        assert name in _typed("evaluate", *about).output
    assert "articles" in _typed("data", "info", "MIND").output


def test_the_split_asks_about_impressions_only(news: Dataset) -> None:
    ratings, part = source_of(news, Schema(news.movies), "order")[0]
    assert (ratings.impression[part == TEST] > 0).all()
