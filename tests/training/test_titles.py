"""Titles in any language: a model that reads them finds the topic on which the likes depend, and keeps what it learned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from planted_titles import WORDS, planted_titles
from sklearn.metrics import roc_auc_score

from recdemo import checkpoints
from recdemo.core.errors import RequestError
from recdemo.core.vocabulary import Objective
from recdemo.data import Dataset, save_dataset
from recdemo.data.dataset import people
from recdemo.training.metrics import score_rows
from recdemo.training.observer import Observer
from recdemo.training.opening import open_test_part
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize(
    ("model", "objective"), [("dcn_text", "like"), ("textcnn_history", "rating")]
)
def test_the_topic_of_titles_is_found(
    model: str, objective: Objective, language: str, tmp_path: Path
) -> None:
    source = str(save_dataset(planted_titles(language), tmp_path / "own.zip"))
    epochs = {"textcnn_history": 6}.get(model)  # enough here, where real stars take it 15
    settings = settings_for(model, objective, **({"epochs": epochs} if epochs else {}))
    card = train(model, objective, source, settings, base=tmp_path / "base")
    assert not card.nothing_learned
    # What was saved stands on its own, and a star said is as good as a chance.
    loaded = checkpoints.load(model, objective, tmp_path / "base")
    _, ratings, test = open_test_part(loaded, source)
    rows = test.nonzero().squeeze(1)
    assert roc_auc_score(ratings.liked[rows], score_rows(loaded.model, ratings, rows)) >= 0.85
    assert {name for name, _ in loaded.model.named_parameters() if "learned" in name} == set()


def _titled(titles: list[str]) -> Dataset:
    movies = pd.DataFrame(
        {
            "movie_id": range(1_000_001, 1_000_001 + len(titles)),
            "title": titles,
            "year": 0,
            "genres": [()] * len(titles),
        }
    )
    rows = [
        (user, film, 2 + 3 * ((user + film) % 2))
        for user in range(1, 9)
        for film in movies["movie_id"]
    ]
    ratings = pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"])
    users = people(ratings["user_id"].unique())
    return Dataset("own", "Own", movies, users, ratings, own_films=True)


@pytest.mark.parametrize(
    ("model", "objective"), [("dcn_text", "like"), ("textcnn_rating", "rating")]
)
def test_titles_without_a_word_are_refused_with_the_way_out(
    model: str, objective: Objective, tmp_path: Path
) -> None:
    source = str(save_dataset(_titled(["…" * n for n in range(1, 13)]), tmp_path / "own.zip"))
    with pytest.raises(RequestError, match=r"none of the 12 titles holds a word.*such as din"):
        train(model, objective, source, settings_for(model, objective), base=tmp_path / "base")


def test_a_title_without_a_word_is_named(tmp_path: Path) -> None:
    class Heard(Observer):
        def __init__(self) -> None:
            self.problems: list[str] = []

        def on_problem(self, problem: str) -> None:
            self.problems.append(problem)

    heard = Heard()
    titles = [*(f"word{n}" for n in range(11)), "…?!"]
    source = str(save_dataset(_titled(titles), tmp_path / "own.zip"))
    settings = settings_for("dcn_text", "like", epochs=1)
    train("dcn_text", "like", source, settings, base=tmp_path / "base", observer=heard)
    assert any(
        "1 title of 12 without a word, such as '…?!'" in problem for problem in heard.problems
    )
