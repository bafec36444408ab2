"""Every model learns a planted world."""

from __future__ import annotations

import inspect

import pandas as pd
import pytest
import torch
from taste import parts_of, simulate_strong_tastes
from torch import Tensor

from recdemo.core.batch import TitleText
from recdemo.core.figures import MAIN
from recdemo.core.protocols import ReadsText
from recdemo.core.vocabulary import Objective
from recdemo.data import TEST, TRAIN, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.metrics import evaluate
from recdemo.training.settings import Settings

Planted = tuple[Ratings, Tensor]


@pytest.fixture(scope="module")
def planted(films: pd.DataFrame) -> Planted:
    """400 users of strong tastes; to save time, fewer of them to measure."""
    world = simulate_strong_tastes(films.iloc[:200], users=400, own=1.5)
    ratings = Ratings(world, Schema(world.movies, history_length=6))
    part = parts_of(ratings)
    unused = TEST + 1
    part[(part == VALIDATION) & (ratings.user >= 50)] = unused
    part[(part == TEST) & (ratings.user >= 350)] = unused
    return ratings, part


# What takes some models longer than two passes over so few ratings, or more steps.
STEPS = {"batch_size": 256, "learning_rate": 0.02}
LONGER: dict[tuple[str, str], dict[str, float]] = {
    ("mf", "like"): {"epochs": 6, "weight_decay": 1.0},
    ("mf", "next"): {"epochs": 10, "weight_decay": 1.0, "negatives": 32},
    ("two_tower", "like"): {"epochs": 10, "weight_decay": 0.3, "learning_rate": 0.016},
    ("concat_mlp", "like"): {"epochs": 10, "weight_decay": 0.1, "learning_rate": 0.008},
    ("rnn_joint", "like"): {"epochs": 4, **STEPS},
    ("dcn_text", "like"): {"epochs": 4},
    ("dcn_text", "next"): {"epochs": 6, **STEPS, "learning_rate": 0.01, "negatives": 32},
    ("rnn", "next"): {"epochs": 7, "learning_rate": 0.016},
    ("embedding_cnn", "next"): {"epochs": 5, **STEPS, "learning_rate": 0.01, "negatives": 16},
    ("pooling", "next"): {"epochs": 4},
    ("attention_pooling", "next"): {"epochs": 3},
    ("bst", "next"): {"epochs": 5, **STEPS, "learning_rate": 0.01},
    ("embedding_mlp", "next"): STEPS,
    ("sasrec", "next"): STEPS,
    ("textcnn_rating", "rating"): {"epochs": 3},
    ("rating_mlp", "rating"): {"epochs": 4},
}
# By how much each beats popularity, as a difference of AUC and a ratio of NDCG. Of a user there are some 25 likes to train
# on, few for a network that knows nothing but two ids; the vector of a film's sentence says no more than its genres.
# Enough that a model given another person's history falls short, where it makes much of histories.
GAIN = {"two_tower": 0.03, "concat_mlp": 0.03, "rnn_joint": 0.05, "fnn_plus": 0.07}
TIMES = {"dcn": 1.4}
TOO_FEW = {"two_tower", "concat_mlp"}


def _texts(schema: Schema) -> TitleText:
    """Vectors that tell as much of a film as its genres do: its title is only a number."""
    draw = torch.Generator().manual_seed(0)
    return TitleText(
        words=torch.randn(len(schema.words) + 1, 50, generator=draw),
        sentences=schema.genre_flags @ torch.randn(schema.genres, 128, generator=draw) / 4,
    )


def _figure(key: str, planted: Planted, objective: Objective) -> float:
    ratings, part = planted
    make = CARDS[key].model
    small = {"embed_dim": 8, "attention_dim": 4, "attention_hidden": 8, "hidden": (16,)}
    small |= {"state": 8, "users": len(ratings.profile), "objective": objective, "steps": 500}
    small |= {"hidden": 16} if key == "rating_mlp" else {}
    small = {n: small[n] for n in inspect.signature(make).parameters if n in small}
    settings = {"epochs": 2, "batch_size": 512, "learning_rate": 0.032, "negatives": 8, "seed": 1}
    settings |= {"weight_decay": 0.01} | LONGER.get((key, objective), {})
    torch.manual_seed(settings["seed"])
    model = make(ratings.schema, **small)
    if isinstance(model, ReadsText):
        model.start_from(_texts(ratings.schema))
    fit(model, InMemory(ratings, part), objective, Settings(**settings))
    figures = evaluate(model, ratings, part == TEST, objective)
    return figures[MAIN[objective]]


@pytest.fixture(scope="module")
def popular(planted: Planted) -> dict[str, float]:
    """What popularity reaches, by objective."""
    return {objective: _figure("popularity", planted, objective) for objective in ("like", "next")}


def _trained_for(objective: Objective) -> list[str]:
    return [k for k, card in CARDS.items() if objective in card.objectives and k != "popularity"]


@pytest.mark.parametrize("key", _trained_for("like"))
def test_model_learns_who_likes_what(key: str, planted: Planted, popular: dict[str, float]) -> None:
    assert popular["like"] > 0.55
    assert _figure(key, planted, "like") > popular["like"] + GAIN.get(key, 0.075)


@pytest.mark.parametrize("key", [key for key in _trained_for("next") if key not in TOO_FEW])
def test_model_learns_who_picks_what(key: str, planted: Planted, popular: dict[str, float]) -> None:
    assert popular["next"] > 0.04
    assert _figure(key, planted, "next") > TIMES.get(key, 1.6) * popular["next"]


@pytest.mark.parametrize("key", _trained_for("rating"))
def test_model_learns_who_gives_how_many_stars(key: str, planted: Planted) -> None:
    ratings, part = planted
    train, test = ratings.stars[part == TRAIN], ratings.stars[part == TEST]
    by_film = torch.stack(
        [
            ratings.stars[(part == TRAIN) & (ratings.movie == film)].mean().nan_to_num(train.mean())
            for film in range(ratings.schema.size + 1)
        ]
    )
    guessed = by_film[ratings.movie[part == TEST]]
    assert _figure(key, planted, "rating") < float((test - guessed).square().mean().sqrt())
