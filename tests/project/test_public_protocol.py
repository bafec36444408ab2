"""The benchmark that knows the public interface only asks what the training protocol asks, and ranks as it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.public_protocol import figures, questions, rank_of
from recdemo import checkpoints
from recdemo.answers.recommend import Recommender
from recdemo.data import TEST, read_movielens, split_by_order
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.training.metrics import next_metrics, next_targets, rank_and_list


@pytest.mark.parametrize("key", ["fm", "rnn_als", "popularity"])
def test_the_public_interface_gives_the_ranks_of_the_training_protocol(
    key: str, world: Path, make_model: Callable, write_checkpoint: Callable, tmp_path: Path
) -> None:
    dataset = read_movielens(world)
    schema = Schema(dataset.movies.assign(ratings=1), history_length=6)
    ratings = Ratings(dataset, schema)
    part = torch.from_numpy(split_by_order(dataset.ratings))
    rows = next_targets(ratings, part == TEST)
    model = make_model(key, schema)
    card = write_checkpoint(tmp_path / "own", key, model, schema, objective="next")
    public = Recommender(checkpoints.Checkpoint(model, card, schema, tmp_path))

    asked = questions(world, None, 0)
    films = [int(schema.movie_ids[int(film) - 1]) for film in ratings.movie[rows]]
    assert [question.target for question in asked] == films
    ranks = np.array([rank_of(public, question) for question in asked])
    wanted, _ = rank_and_list(model, ratings, rows)
    assert ranks.tolist() == wanted.tolist()
    protocol = next_metrics(wanted)
    for name, (value, error) in figures(ranks).items():
        assert value == pytest.approx(protocol[name])
        assert error >= 0
    assert len(questions(world, 5, 0)) == 5
