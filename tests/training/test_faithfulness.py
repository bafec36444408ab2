"""How far weights tell what mattered, over many users: against sessions asked one by one, and models whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from recdemo import checkpoints
from recdemo.answers.removal import pair_removal, rank_correlation
from recdemo.core.batch import Batch
from recdemo.core.session import Session, Watched
from recdemo.data import TEST, Dataset, simulate, split_by_order
from recdemo.data.catalogue import catalogue_of, write_catalogue
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.leaderboard.build import measure_missing
from recdemo.training.faithfulness import MOST_FILMS, measure_faithfulness
from recdemo.training.metrics import next_targets


@pytest.fixture(scope="module")
def world(small_films: pd.DataFrame) -> Dataset:
    return simulate(small_films, users=30, seed=1)


@pytest.fixture(scope="module")
def ratings(world: Dataset) -> Ratings:
    return Ratings(world, Schema(world.movies, history_length=6))


@pytest.fixture(scope="module")
def test_part(ratings: Ratings) -> Tensor:
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64)) == TEST


def session_before(world: Dataset, ratings: Ratings, row: int) -> Session:
    user = world.users.iloc[int(ratings.user[row])]
    first = int(ratings.start[ratings.user[row]])
    films = [
        Watched(int(ratings.schema.movie_ids[int(ratings.movie[i]) - 1]), bool(ratings.liked[i]))
        for i in range(max(first, row - ratings.schema.history_length), row)
    ]
    return Session(str(user.gender), int(user.age), int(user.occupation), films)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key",
    [*("din", "dien", "bst", "transformer4rec", "attention_pooling"), "sasrec", "linear_next"],
)
def test_it_is_the_mean_over_users_asked_one_by_one(
    key: str, world: Dataset, ratings: Ratings, test_part: Tensor, make_model: Callable
) -> None:
    model = make_model(key, ratings.schema).eval()
    found: dict[str, list[float | None]] = {}
    for row in next_targets(ratings, test_part).tolist():
        session = session_before(world, ratings, row)
        film = torch.tensor([int(ratings.movie[row])])

        def asked(session: Session, film: Tensor = film) -> Batch:
            return encode(ratings.schema, [session], film)

        def weights_of(session: Session) -> dict[str, Any]:
            batch, count = asked(session), len(session.history)
            if key == "linear_next":
                return {"terms": model.film_terms(batch)[1][0, 0].abs().numpy()}
            kinds = {"weights": model.history_weights(batch)[0, 0]}
            if key == "dien":
                kinds["gates"] = model.update_gates(batch)[0, 0]
            if key == "bst":
                for head, weights in enumerate(model.head_weights(batch)[0], start=1):
                    kinds[f"head {head}"] = weights[0]
            if key in ("transformer4rec", "sasrec"):
                layers = model.encoder_weights(batch)[0][..., :count, :count]
                if len(layers) > 1 and count:
                    steps = [(layer.mean(0) + torch.eye(count)) / 2 for layer in layers]
                    kinds["rollout"] = torch.linalg.multi_dot(steps[::-1])[-1]
                for number, layer in enumerate(layers, start=1):
                    # Who looks: everybody, or where they look back only, the latest.
                    who = range(count) if key == "transformer4rec" else [count - 1]
                    seen = [sum(head[i] for i in who) for head in layer]
                    kinds[f"layer {number}"] = sum(seen)
                    for head, one in enumerate(seen, start=1):
                        kinds[f"layer {number}, head {head}"] = one
            return {kind: values[:count].abs().numpy() for kind, values in kinds.items()}

        with torch.inference_mode():
            logit = float(model(asked(session)))
            effects = [
                abs(logit - float(model(asked(replace(session, history=left)))))
                for i in range(len(session.history))
                for left in [[*session.history[:i], *session.history[i + 1 :]]]
            ]
            for kind, values in weights_of(session).items():
                found.setdefault(kind, []).append(rank_correlation(values, effects))
    measured = measure_faithfulness(model, ratings, test_part)
    if "layer 1, head 2" not in found:  # a head alone is the layer itself
        found = {kind: values for kind, values in found.items() if ", head" not in kind}
    assert set(measured) == set(found)
    for kind, values in found.items():
        whole = [value for value in values if value is not None]
        assert measured[kind].users == len(whole)
        assert measured[kind].mean == pytest.approx(np.mean(whole), abs=0.02), kind
        assert measured[kind].deviation == pytest.approx(np.std(whole, ddof=1), abs=0.02), kind


class Honest(nn.Module):
    """Adds up what it says of each film; its weights are these, or their opposite."""

    def __init__(self, size: int, *, sign: float) -> None:
        super().__init__()
        self.sign = sign
        self.adds = torch.rand(size + 1, generator=torch.Generator().manual_seed(0)) + 1

    def forward(self, batch: Batch) -> Tensor:
        return (self.adds[batch.history] * batch.history_mask).sum(1)

    def history_weights(self, batch: Batch) -> Tensor:
        told = self.adds[batch.history] if self.sign > 0 else 9 - self.adds[batch.history]
        return (told * batch.history_mask).unsqueeze(1)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_whose_weights_are_the_effects_is_faithful_and_the_reverse_is_not(
    sign: float, ratings: Ratings, test_part: Tensor
) -> None:
    found = measure_faithfulness(Honest(ratings.schema.size, sign=sign), ratings, test_part)
    assert found["weights"].mean == pytest.approx(sign)
    assert found["weights"].deviation == pytest.approx(0)
    assert np.sign([found["weights"].deletion, found["weights"].insertion]).tolist() == [sign, sign]
    # Nothing in this model is learned, so a shuffled one shows the same.
    assert found["weights"].shuffled == pytest.approx(1)


def test_users_are_drawn_by_seed_and_the_same_for_all(ratings: Ratings, test_part: Tensor) -> None:
    class Listening(Honest):
        def __init__(self) -> None:
            super().__init__(ratings.schema.size, sign=1.0)
            self.heard: list[int] = []

        def history_weights(self, batch: Batch) -> Tensor:
            self.heard.append(int(batch.user))
            return super().history_weights(batch)

    def users(seed: int) -> list[int]:
        model = Listening()
        measure_faithfulness(model, ratings, test_part, users=8, seed=seed)
        return model.heard

    assert len(users(0)) == 8
    assert users(0) == users(0) != users(1)


def test_only_the_latest_films_of_a_long_history_are_taken_away(
    world: Dataset, make_model: Callable
) -> None:
    import recdemo.training.faithfulness as module

    ratings = Ratings(world, Schema(world.movies, history_length=200))
    row = max(range(len(ratings)), key=lambda i: i - int(ratings.start[ratings.user[i]]))
    batch = module._cut(ratings, ratings.batch(torch.tensor([row])))
    model = Honest(ratings.schema.size, sign=1.0)
    weights, effects, _ask = module._shown(model, ratings, batch)["weights"]
    assert len(weights) == len(effects)
    films = batch.history[0][-MOST_FILMS:]
    assert len(effects) == min(MOST_FILMS, len(batch.history[0]))
    assert effects.tolist() == pytest.approx(model.adds[films].tolist(), rel=1e-4)


def test_who_attends_to_nothing_has_none(
    ratings: Ratings, test_part: Tensor, make_model: Callable
) -> None:
    for key in ("fm", "embedding_mlp", "popularity"):
        assert measure_faithfulness(make_model(key, ratings.schema), ratings, test_part) == {}


def test_pairs_of_fields_are_weighed_as_the_ledger_shows_them(
    ratings: Ratings, test_part: Tensor, make_model: Callable
) -> None:
    model = make_model("afm", ratings.schema)
    expected = []
    for row in next_targets(ratings, test_part):
        with torch.inference_mode():
            terms = model.field_terms(ratings.batch(row.unsqueeze(0)))
        attention, parts = terms.attention[0].double().numpy(), terms.pairs[0].double().numpy()
        held = np.flatnonzero(attention > 0)
        effects = []
        for left_out in held:
            others = [p for p in held if p != left_out]
            share = sum(attention[p] for p in others)
            without = sum(parts[p] / share for p in others)
            effects.append(abs(parts.sum() - without))
        expected.append(rank_correlation(attention[held], effects))
    found = measure_faithfulness(model, ratings, test_part)
    assert set(found) == {"pairs"}
    whole = [value for value in expected if value is not None]
    assert found["pairs"].mean == pytest.approx(np.mean(whole), abs=0.02)


def test_a_pair_that_is_taken_away_leaves_its_attention_to_the_others() -> None:
    attention, parts = np.array([0.5, 0.25, 0.25]), np.array([2.0, 1.0, -1.0])
    assert pair_removal(attention, parts).tolist() == pytest.approx([2 - 0, 2 - 4 / 3, 2 - 4])


def test_cards_that_lack_it_are_filled_in_and_nothing_else_changes(
    world: Dataset,
    ratings: Ratings,
    test_part: Tensor,
    tmp_path: Path,
    make_model: Callable,
    write_checkpoint: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def opened(loaded: Any, source: str) -> tuple[Dataset, Ratings, Tensor]:
        asked.append(loaded.card.model)
        return world, ratings, test_part

    monkeypatch.setattr("recdemo.training.evaluation.open_test_part", opened)
    write_catalogue(catalogue_of(world), tmp_path / checkpoints.CATALOGUE)
    folders = {key: checkpoints.folder_of(key, "like", tmp_path) for key in ("din", "pooling")}
    for key, folder in folders.items():
        model = make_model(key, ratings.schema)
        write_checkpoint(folder, key, model, ratings.schema, report={"slices": {}})
    before = {key: checkpoints.read_card(folder) for key, folder in folders.items()}
    measure_missing(tmp_path, "made up")
    assert asked == ["din"], "the other one shows no attention"
    after = {key: checkpoints.read_card(folder) for key, folder in folders.items()}
    assert after["pooling"] == before["pooling"]
    report = after["din"].report
    assert report is not None
    assert report["faithfulness"]["weights"]["users"] > 0
    assert after["din"].model_copy(update={"report": before["din"].report}) == before["din"]
    measure_missing(tmp_path, "made up")
    assert asked == ["din"], "once is enough"
