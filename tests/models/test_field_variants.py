"""What models over fields show of themselves, and what they let one choose: crosses, streams, fusion, stages."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from itertools import combinations

import by_hand
import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import Weights, scores_of
from torch import Tensor, nn

from recdemo.blocks.crosses import CROSSED_FIELDS, HashedCrosses
from recdemo.blocks.embedding import FIELDS
from recdemo.core.session import Session
from recdemo.data import simulate, split_by_order
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.settings import Settings

FILMS = [4, 29, 37]  # the last has no genre
_scores = partial(scores_of, films=FILMS)


# DCN V2 and FinalMLP: what is shown


@pytest.mark.parametrize(
    "arguments",
    [{}, {"layers": 1}, {"layers": 3, "rank": 5}, {"layers": 3, "rank": 4, "experts": 3}],
)
def test_layers_of_crosses_are_sums_over_pairs_of_fields(
    arguments: dict, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("dcn_v2", schema, std=0.2, **arguments)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        terms, logits = model.cross_terms(batch), model(batch)
        fields = model.embedding(batch)  # [B, F, k]
    total = terms.bias.detach() + terms.linear.sum(1) + terms.pairs.sum((1, 2, 3)) + terms.deep
    np.testing.assert_allclose(total, logits, atol=1e-4)
    # One cell: the field that multiplies, and what is read of the other as it has become.
    w = by_hand.weights_of(model, "cross.")
    first = x = fields.flatten(1).double().numpy()
    k = fields.shape[2]
    for number, layer in enumerate(model.cross.layers):
        for row in (0, 7):
            for i, j in ((0, 0), (2, 9), (9, 2), (10, 7)):
                mine, other = slice(i * k, (i + 1) * k), slice(j * k, (j + 1) * k)
                only = np.zeros_like(x[row])
                only[other] = x[row, other]
                read = _matrix(layer, w, f"layers.{number}", x[row]) @ only
                wanted = w["head.weight"][0, mine] @ (first[row, mine] * read[mine])
                found = terms.pairs[row, number, i, j]
                assert float(found) == pytest.approx(wanted, abs=1e-5, rel=1e-4)
        inner = [_matrix(layer, w, f"layers.{number}", one) @ one for one in x]
        x = first * (np.array(inner) + w[f"layers.{number}.out.bias"]) + x


def _matrix(layer: nn.Module, w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """W_l for one row."""
    matrix = w[f"{name}.out.weight"]
    if layer.into is None:
        return matrix
    into = w[f"{name}.into.weight"]
    gates = by_hand.softmax(into[layer.narrow :] @ x) if layer.experts > 1 else [1.0]
    return matrix @ (
        np.repeat(gates, layer.narrow // layer.experts)[:, None] * into[: layer.narrow]
    )


def test_first_layer_s_terms_of_the_visitor_know_no_film_and_deeper_ones_do(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    for layers, mixed in ((1, False), (2, True)):
        model = make_model("dcn_v2", schema, layers=layers)
        with torch.inference_mode():
            terms = model.field_terms(encode(schema, sessions[-1:], torch.tensor([4, 29])))
        assert terms.mixed == mixed
        pair = list(combinations(terms.fields, 2)).index(("gender", "liked"))
        one, other = terms.pairs[:, pair].tolist()
        assert (abs(one - other) > 1e-6) == mixed


def test_streams_and_gates_are_those_of_the_formula(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("final_mlp", schema, std=0.2)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        terms, logits = model.stream_terms(batch), model(batch)
        embedded = model.embedding(batch)
    total = terms.bias.detach() + terms.streams.sum(1) + terms.heads.sum(1)
    np.testing.assert_allclose(total, logits, atol=1e-5)
    assert terms.heads.shape == (len(logits), 2)
    w, k = by_hand.weights_of(model), embedded.shape[2]
    for row in (0, 10, len(logits) - 1):
        vectors = embedded[row].double().numpy()
        user, film = vectors[:-3].ravel(), vectors[-3:].ravel()
        by_user = 2 * by_hand.sigmoid(np.array(by_hand.mlp(user, w, "by_user.gate.")))
        by_film = 2 * by_hand.sigmoid(np.array(by_hand.mlp(film, w, "by_film.gate.")))
        by_film = [*by_film[3 * k :], *by_film[: 3 * k]]  # its own fields come first there
        for stream, gates in enumerate((by_user, by_film)):
            wanted = [np.mean(gates[i * k : (i + 1) * k]) for i in range(len(terms.fields))]
            np.testing.assert_allclose(terms.gates[row, stream], wanted, atol=1e-5)


def test_without_gates_every_field_is_read_as_it_comes(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("final_mlp", schema, gates=False)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        assert (model.stream_terms(batch).gates == 1).all()
    torch.manual_seed(0)
    fresh = CARDS["final_mlp"].model(schema).eval()
    with torch.inference_mode():  # so does a model that has learned nothing yet
        assert (fresh.stream_terms(batch).gates == 1).all()


@pytest.mark.parametrize(
    ("key", "arguments", "told"),
    [
        ("dcn_v2", {"experts": 2}, "experts 2 with rank None"),
        ("dcn_v2", {"rank": 3, "experts": 0}, "experts 0"),
        ("dcn_v2", {"layers": 0}, "layers 0"),
        ("final_mlp", {"stream_dim": 10, "heads": 4}, "width 10 does not divide into 4 heads"),
    ],
)
def test_what_cannot_be_built_is_refused(
    key: str, arguments: dict, told: str, schema: Schema
) -> None:
    with pytest.raises(ValueError, match=told):
        CARDS[key].model(schema, **arguments)


# Wide & Deep: crosses


def test_wide_part_crosses_what_its_name_says(schema: Schema, make_model: Callable) -> None:
    taste = make_model("wide_deep", schema).crosses.pairs
    assert taste == (("favourite_genre", "genres"), ("last_five", "movie"))
    poly2 = make_model("wide_deep_poly2", schema).crosses.pairs
    everything = [name for name in FIELDS if name not in ("watched", "disliked", "liked")]
    assert list(poly2) == list(combinations(everything, 2))
    assert len(poly2) == 28


@pytest.mark.parametrize("key", ["wide_deep", "wide_deep_poly2"])
def test_crossed_pairs_are_shown_in_their_place(
    key: str,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    vectors_by_hand: Callable,
) -> None:
    model = make_model(key, schema)
    batch = encode(schema, sessions, torch.tensor(FILMS[:1]))
    with torch.inference_mode():
        terms = model.field_terms(batch)
    for u, session in enumerate(sessions):

        def vectors(tables: dict, session: Session = session) -> dict:
            return vectors_by_hand(tables, schema.movies, 6, session, FILMS[0])

        crosses = by_hand.crosses(model, vectors)
        wanted = [crosses.get(pair, 0.0) for pair in combinations(terms.fields, 2)]
        assert terms.pairs[u].tolist() == pytest.approx(wanted, abs=1e-5)


def test_crosses_have_weights_of_their_own() -> None:
    """Nearly as many as drawing buckets at random would give: few collisions beyond those of chance."""
    schema = Schema(
        pd.DataFrame({"movie_id": [1], "title": ["One"], "year": [1990], "genres": [("Drama",)]})
    )
    block = HashedCrosses(schema, pairs=list(combinations(CROSSED_FIELDS, 2)))
    a, b = torch.meshgrid(torch.arange(41), torch.arange(41), indexing="ij")
    found = torch.cat([block.bucket(number, a, b).flatten() for number in range(28)])
    buckets = len(block.weight)
    assert found.min() >= 0
    assert found.max() < buckets
    by_chance = buckets * (1 - (1 - 1 / buckets) ** len(found))
    assert len(found.unique()) > 0.88 * by_chance  # measured: .91
    assert (block.bucket(3, a, b) == block.bucket(3, b, a)).sum() < 60  # equal where a is b


def test_large_ids_hash_without_overflow() -> None:
    """Ids times the constants leave 64 bits; what is kept of them is the same in any arithmetic."""
    schema = Schema(
        pd.DataFrame({"movie_id": [1], "title": ["One"], "year": [1990], "genres": [("Drama",)]})
    )
    block = HashedCrosses(schema, pairs=[("gender", "age")], buckets=1000)
    a, b = torch.tensor([3883, 21]), torch.tensor([3883, 3000])
    wanted = []
    for left, right in zip(a.tolist(), b.tolist(), strict=True):
        mixed = (28 * 1_000_003 + left) * 1_000_033 + right
        wanted.append(((mixed * 2_654_435_761) & 0x7FFF_FFFF_FFFF) // 2**15 % 1000)
    assert block.bucket(27, a, b).tolist() == wanted


@pytest.mark.parametrize("pair", [("movie", "gender"), ("age", "age"), ("year", "last_five")])
def test_crosses_out_of_order_are_refused(pair: tuple[str, str], schema: Schema) -> None:
    with pytest.raises(ValueError, match=pair[0]):
        HashedCrosses(schema, pairs=[pair])


# DeepFM: fusion


def test_fusion_is_a_choice(schema: Schema, sessions: list[Session], make_model: Callable) -> None:
    plain, weighted = make_model("deepfm", schema), make_model("deepfm", schema, fusion="concat")
    more = set(weighted.state_dict()) - set(plain.state_dict())
    assert more == {"machine.scale", "machine.linear_scale"}
    state = weighted.state_dict()
    state.update(plain.state_dict())
    for name in more:  # with weights of one, a concatenation is the sum
        state[name] = torch.ones_like(state[name])
    weighted.load_state_dict(state)
    found, wanted = _scores(weighted, schema, sessions), _scores(plain, schema, sessions)
    np.testing.assert_allclose(found, wanted, atol=1e-6, rtol=1e-6)


def test_weighted_terms_add_up_to_the_logit(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("deepfm", schema, fusion="concat")
    batch = encode(schema, sessions, torch.tensor(FILMS))
    with torch.inference_mode():
        terms, logits = model.field_terms(batch), model(batch)
    total = terms.bias.detach() + terms.linear.sum(1) + terms.pairs.sum(1) + terms.deep
    np.testing.assert_allclose(total.detach(), logits, atol=1e-5, rtol=1e-5)


# FNN: two stages


@pytest.fixture(scope="module")
def ratings(small_films: pd.DataFrame) -> Ratings:
    """40 users over 38 films."""
    world = simulate(small_films, users=40, seed=1)
    return Ratings(world, Schema(world.movies, history_length=6))


def _part(ratings: Ratings) -> Tensor:
    rows = pd.DataFrame({"user_id": ratings.user.numpy()})
    return torch.from_numpy(split_by_order(rows).astype(np.int64))


def test_first_stage_trains_the_machine_and_the_second_leaves_it_alone(
    ratings: Ratings, make_model: Callable
) -> None:
    settings = Settings(epochs=2, batch_size=256, learning_rate=0.01, seed=3)
    model = make_model("fnn", ratings.schema, std=0.05)
    alone, fresh = copy.deepcopy(model.fm), copy.deepcopy(model.state_dict())
    first = fit(alone, InMemory(ratings, _part(ratings)), "like", settings)
    done = fit(model, InMemory(ratings, _part(ratings)), "like", settings)
    assert len(done.epochs) > len(first.epochs) > 0
    assert [e.metrics for e in done.epochs[: len(first.epochs)]] == [
        e.metrics for e in first.epochs
    ]
    trained = alone.state_dict()
    for name, value in model.fm.state_dict().items():
        assert torch.equal(value, trained[name]), name
        assert not torch.equal(value, fresh[f"fm.{name}"]), name
    for name, value in model.deep.state_dict().items():
        assert not torch.equal(value, fresh[f"deep.{name}"]), name
    assert not any(parameter.requires_grad for parameter in model.fm.parameters())
    assert all(parameter.requires_grad for parameter in model.deep.parameters())


def test_the_network_sends_no_gradient_into_the_machine(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("fnn", schema).train()
    model(encode(schema, sessions, torch.tensor(FILMS))).square().sum().backward()
    assert all(parameter.grad is None for parameter in model.fm.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.deep.parameters())
