"""The models over ids, fields and titles, each against its paper's formula in plain loops."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations

import by_hand
import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import Weights, scores_of
from torch import Tensor, nn

from recdemo.blocks.cross_layers import CrossNetwork
from recdemo.blocks.crosses import CROSSED_FIELDS, HashedCrosses
from recdemo.blocks.embedding import FIELDS, ITEM_FIELDS, USER_FIELDS
from recdemo.blocks.mlp import SharedDropout, TwoSidedMLP
from recdemo.core.batch import Pieces, TitleText
from recdemo.core.session import Session
from recdemo.core.vocabulary import GENRES, LIKED
from recdemo.data import simulate, split_by_order
from recdemo.encoding.encode import encode
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.schema import Schema
from recdemo.encoding.words import words_of
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.settings import Settings

FILMS = [4, 29, 37]  # the last has no genre
PLAIN = {"norm": 1, "content": False}  # histories as `vectors_by_hand` has them
_scores = partial(scores_of, films=FILMS)


# Users and films by id


def _mf(w: Weights, user: int, film: int) -> float:
    *u, user_bias = w["users.vectors.weight"][user]
    product = by_hand.dot(u, w["films.weight"][film])
    return product + user_bias + w["film_bias.weight"][film, 0] + float(w["bias"])


def _two_tower(w: Weights, user: int, film: int) -> float:
    u = by_hand.mlp(w["users.vectors.weight"][user], w, "user_tower.")
    q = by_hand.mlp(w["films.weight"][film], w, "film_tower.")
    assert (len(w["user_tower.layers.0.bias"]), len(u), len(q)) == (4, 2, 2)  # k / 2, k / 4
    return by_hand.dot(u, q)


def _concat_mlp(w: Weights, user: int, film: int) -> float:
    x = [*w["users.vectors.weight"][user], *w["films.weight"][film]]
    layers = (w["head.user.weight"], w["head.rest.2.layers.0.weight"])
    assert [len(layer) for layer in layers] == [8, 4]  # k, k / 2
    return by_hand.two_sided(x, w, "head.")[0]


def _rating_mlp(w: Weights, user: int, film: int) -> float:
    x = [*w["users.vectors.weight"][user], *w["films.weight"][film]]
    return by_hand.two_sided(x, w, "head.")[0]


@pytest.mark.parametrize(
    ("key", "formula"),
    [
        ("mf", _mf),
        ("two_tower", _two_tower),
        ("concat_mlp", _concat_mlp),
        ("rating_mlp", _rating_mlp),
    ],
)
def test_a_known_user_is_their_own_vector(
    key: str, formula: Callable, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    """Who a training user is and what they watched is in the vector: neither is read again."""
    model = make_model(key, schema)
    users = [1, 7, 12, 7]
    batch = encode(schema, sessions[-4:], torch.tensor(FILMS))
    with torch.inference_mode():
        found = model(replace(batch, user=torch.tensor(users))).view(4, -1)
    w = by_hand.weights_of(model)
    wanted = [[formula(w, user, film) for film in FILMS] for user in users]
    np.testing.assert_allclose(found.numpy(), wanted, atol=2e-5)
    assert found.std() > 0.03


def test_towers_can_be_searched_on_their_own(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("two_tower", schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    batch = replace(batch, user=torch.tensor([0, 3, *range(1, 11)]))
    with torch.inference_mode():
        users, films = model.user_vectors(batch), model.film_vectors()
        logits = model(batch).view(len(sessions), -1)
    assert films.shape == (schema.size + 1, users.shape[1])
    np.testing.assert_allclose(users @ films[FILMS].T, logits, atol=1e-5)


@pytest.mark.parametrize("key", ["rating_mlp", "textcnn_rating"])
def test_a_fresh_rating_model_gives_stars(key: str, schema: Schema, sessions: list) -> None:
    torch.manual_seed(0)
    more = {"users": 5} if key == "rating_mlp" else {}
    stars = _scores(CARDS[key].model(schema, mean=3.5, **more).eval(), schema, sessions)
    assert (stars - 3.5).abs().max() < 0.8


# Fields


def _embedding_mlp(model: nn.Module, vectors: Callable) -> float:
    x = by_hand.flat(vectors(by_hand.tables_of(model, "embedding.")))
    return by_hand.two_sided(x, by_hand.weights_of(model, "deep."), "")[0]


def _embedding_cnn(model: nn.Module, vectors: Callable) -> float:
    fields = list(vectors(by_hand.tables_of(model, "embedding.")).values())
    w = by_hand.weights_of(model)
    kernel, bias = w["convolution.weight"], w["convolution.bias"]  # [maps, k, 3]
    maps = [
        [
            max(sum(by_hand.dot(fields[i + n], filter_[:, n]) for n in range(3)) + b, 0.0)
            for i in range(len(fields) - 2)
        ]
        for filter_, b in zip(kernel, bias, strict=True)
    ]
    return by_hand.mlp([value for one in maps for value in one], w, "head.")[0]


def _fnn(model: nn.Module, vectors: Callable) -> float:
    linear = vectors(by_hand.tables_of(model, "fm.machine.linear."))
    embedded = vectors(by_hand.tables_of(model, "fm.machine.embedding."))
    x = [value for name in linear for value in (*linear[name], *embedded[name])]
    return by_hand.two_sided(x, by_hand.weights_of(model, "deep."), "")[0]


def _fnn_plus(model: nn.Module, vectors: Callable) -> float:
    products = by_hand.pairs(vectors(by_hand.tables_of(model, "embedding.")))
    # (Σ v)² − Σ v² counts every pair twice.
    x = [2 * sum(values) for values in zip(*products, strict=True)]
    w = by_hand.weights_of(model)
    assert (len(x), len(w["deep.layers.0.bias"]), len(w["deep.layers.3.bias"])) == (8, 4, 2)
    return by_hand.mlp(x, w, "deep.")[0]


def _crosses(model: nn.Module, vectors: Callable) -> dict[tuple[str, str], float]:
    """Σ over the values of two fields of their hashed weight, for every crossed pair of fields.

    A table that is the identity shows which values a field has, and how much each counts.
    """
    tables = by_hand.tables_of(model, "embedding.")
    values = vectors({name: np.eye(len(table)) for name, table in tables.items()})
    weights = by_hand.weights_of(model)["crosses.weight"]
    found = {}
    for number, (left, right) in enumerate(model.crosses.pairs):
        found[left, right] = 0.0
        for a in np.nonzero(values[left])[0]:
            for b in np.nonzero(values[right])[0]:
                # The hash is multiplicative: the middle bits of a product of large numbers.
                mixed = ((number + 1) * 1_000_003 + int(a)) * 1_000_033 + int(b)
                bucket = ((mixed * 2_654_435_761 % 2**47) // 2**15) % len(weights)
                found[left, right] += weights[bucket] * values[left][a] * values[right][b]
    return found


def _wide_deep(model: nn.Module, vectors: Callable) -> float:
    linear = sum(v[0] for v in vectors(by_hand.tables_of(model, "linear.")).values())
    wide = float(by_hand.weights_of(model)["bias"]) + linear
    return wide + sum(_crosses(model, vectors).values()) + _embedding_mlp(model, vectors)


def _deepfm_side_by_side(model: nn.Module, vectors: Callable) -> float:
    """One linear layer over [linear sum, sums of pair products, last hidden layer]."""
    linear = vectors(by_hand.tables_of(model, "machine.linear."))
    embedded = vectors(by_hand.tables_of(model, "machine.embedding."))
    products = by_hand.pairs(embedded)
    sums = [sum(values) for values in zip(*products, strict=True)]
    w = by_hand.weights_of(model)
    first = np.concatenate([w["deep.user.weight"], w["deep.film.weight"]], axis=1)
    hidden = by_hand.relu(by_hand.linear(by_hand.flat(embedded), first, w["deep.film.bias"]))
    name = "deep.rest.2.layers"
    hidden = by_hand.linear(hidden, w[f"{name}.0.weight"], w[f"{name}.0.bias"])
    x = [sum(v[0] for v in linear.values()), *sums, *by_hand.relu(hidden)]
    weight = [float(w["machine.linear_scale"]), *w["machine.scale"], *w[f"{name}.3.weight"][0]]
    return by_hand.dot(x, weight) + float(w["machine.bias"]) + w[f"{name}.3.bias"][0]


def _cross_and_deep(x0: list[float], w: Weights) -> float:
    """One linear layer over [x_L, last hidden layer], x_{l+1} = x_0 (x_lᵀ w_l) + b_l + x_l as it stands."""
    first, x = np.array(x0), np.array(x0)
    for weight, bias in zip(w["cross.weights"], w["cross.biases"], strict=True):
        x = np.outer(first, x) @ weight + bias + x
    crossed = by_hand.linear(x, w["cross.head.weight"], w["cross.head.bias"])[0]
    return crossed + by_hand.two_sided(x0, w, "deep.")[0]


def _dcn(model: nn.Module, vectors: Callable) -> float:
    x = by_hand.flat(vectors(by_hand.tables_of(model, "embedding.")))
    return _cross_and_deep(x, by_hand.weights_of(model, "network."))


def _dcn_v2(model: nn.Module, vectors: Callable) -> float:
    """Every W_l as it stands: a full matrix, or Σ_e g_e(x) U_e V_e."""
    first = x = np.array(by_hand.flat(vectors(by_hand.tables_of(model, "embedding."))))
    w = by_hand.weights_of(model)
    for number, layer in enumerate(model.cross.layers):
        name = f"cross.layers.{number}"
        matrix = w[f"{name}.out.weight"]
        if layer.into is not None:
            into, rank = w[f"{name}.into.weight"], layer.narrow // layer.experts
            parts = [slice(e * rank, (e + 1) * rank) for e in range(layer.experts)]
            gates = by_hand.softmax(into[layer.narrow :] @ x) if layer.experts > 1 else [1.0]
            matrix = sum(
                gate * matrix[:, part] @ into[part] for gate, part in zip(gates, parts, strict=True)
            )
        x = first * (matrix @ x + w[f"{name}.out.bias"]) + x
    crossed = by_hand.linear(x, w["cross.head.weight"], w["cross.head.bias"])[0]
    return crossed + by_hand.two_sided(first, w, "deep.")[0]


def _final_mlp(model: nn.Module, vectors: Callable) -> float:
    embedded = vectors(by_hand.tables_of(model, "embedding."))
    user = by_hand.flat({n: v for n, v in embedded.items() if n in USER_FIELDS})
    film = by_hand.flat({n: v for n, v in embedded.items() if n in ITEM_FIELDS})
    w = by_hand.weights_of(model)
    outs = []
    for name, own, other in (("by_user.", user, film), ("by_film.", film, user)):
        x = np.array([*own, *other])
        if f"{name}gate.layers.0.bias" in w:
            x = x * 2 * by_hand.sigmoid(np.array(by_hand.mlp(own, w, f"{name}gate.")))
        first = np.concatenate([w[f"{name}own.weight"], w[f"{name}other.weight"]], axis=1)
        hidden = by_hand.relu(by_hand.linear(x, first, w[f"{name}own.bias"]))
        outs.append(by_hand.mlp(hidden, w, f"{name}rest.2."))
    logit = by_hand.dot(w["fusion.first.weight"][0], outs[0]) + w["fusion.first.bias"][0]
    logit += by_hand.dot(w["fusion.second.weight"][0], outs[1])
    size = len(w["fusion.heads"][0])
    for head, matrix in enumerate(w["fusion.heads"]):
        for i in range(size):
            for j in range(size):
                logit += outs[0][head * size + i] * matrix[i, j] * outs[1][head * size + j]
    return logit


@pytest.mark.parametrize(
    ("key", "formula", "arguments"),
    [
        ("embedding_mlp", _embedding_mlp, {}),
        ("embedding_cnn", _embedding_cnn, {}),
        ("fnn", _fnn, {}),
        ("fnn_plus", _fnn_plus, {}),
        ("wide_deep", _wide_deep, {}),
        ("wide_deep_poly2", _wide_deep, {}),
        ("deepfm", _deepfm_side_by_side, {"fusion": "concat"}),
        ("dcn", _dcn, {"std": 0.2}),
        ("dcn", _dcn, {"std": 0.2, "layers": 1}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2, "layers": 1}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2, "layers": 3}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2, "rank": 5}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2, "layers": 3, "rank": 4, "experts": 3}),
        ("dcn_v2", _dcn_v2, PLAIN | {"std": 0.2, "layers": 1, "rank": 4, "experts": 3}),
        ("final_mlp", _final_mlp, PLAIN | {"std": 0.4}),
        ("final_mlp", _final_mlp, PLAIN | {"std": 0.4, "gates": False}),
        ("final_mlp", _final_mlp, PLAIN | {"std": 0.4, "stream_dim": 12, "heads": 3}),
    ],
)
def test_logit_is_the_formula(
    key: str,
    formula: Callable,
    arguments: dict,
    schema: Schema,
    sessions: list[Session],
    make_model: Callable,
    vectors_by_hand: Callable,
) -> None:
    model = make_model(key, schema, **arguments)
    found = _scores(model, schema, sessions)
    for u, session in enumerate(sessions):
        for c, film in enumerate(FILMS):

            def vectors(tables: dict, session: Session = session, film: int = film) -> dict:
                return vectors_by_hand(tables, schema.movies, 6, session, film)

            assert float(found[u, c]) == pytest.approx(formula(model, vectors), abs=2e-5, rel=2e-5)
    assert found.std() > 0.05


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_cross_network_is_its_recursion(
    layers: int, schema: Schema, sessions: list[Session]
) -> None:
    torch.manual_seed(layers)
    block = CrossNetwork(5, layers)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.6)
    user, film = torch.randn(len(sessions), 2), torch.randn(schema.size + 1, 3)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    answer = block(user.requires_grad_(), film.requires_grad_(), batch)
    learned = [user, film, *block.parameters()]
    slopes = torch.autograd.grad(answer.square().sum(), learned)
    every = torch.cat(
        [user.unsqueeze(1).expand(-1, len(FILMS), -1), film[FILMS].expand(len(user), -1, -1)], 2
    )
    x = every
    for weight, bias in zip(block.weights, block.biases, strict=True):
        x = every * (x @ weight).unsqueeze(2) + bias + x
    plain = torch.autograd.grad(block.head(x).square().sum(), learned)
    for slope, wanted in zip(slopes, plain, strict=True):
        torch.testing.assert_close(slope, wanted, atol=1e-3, rtol=1e-3)
    found, user, film = answer.detach().numpy(), user.detach(), film.detach()
    w = by_hand.weights_of(block)
    for u in range(len(sessions)):
        for c, candidate in enumerate(FILMS):
            first = np.concatenate([user[u].double(), film[candidate].double()])
            x = first
            for weight, bias in zip(w["weights"], w["biases"], strict=True):
                x = first * (x @ weight) + bias + x
            wanted = w["head.weight"][0] @ x + w["head.bias"][0]
            assert found[u, c] == pytest.approx(wanted, abs=1e-4, rel=1e-4)


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
        ("final_mlp", {"stream_dim": 10, "heads": 4}, "width 10 does not fall into 4 heads"),
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

        crosses = _crosses(model, vectors)
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


# Titles


@pytest.fixture(scope="module")
def titled(small_films: pd.DataFrame) -> Schema:
    """The small films under titles of 1 to 14 words, of which ten are read."""
    title = "Return of the Wild Amélie, Who's 12 Monkeys and One Last Summer in Texas"
    words = title.split()
    titles = [" ".join(words[n % 5 :][: n % 14 + 1]) for n in range(len(small_films))]
    return Schema(small_films.assign(title=titles), history_length=6)


def test_text_model_is_the_formula_over_sentence_vectors(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("dcn_text", schema, std=0.3)
    found = _scores(model, schema, sessions)
    w = by_hand.weights_of(model)
    sentences = w["sentences"]
    network = by_hand.weights_of(model, "network.")
    ids = schema.movie_ids.tolist()
    for u, session in enumerate(sessions):
        liked = [ids.index(film.movie_id) + 1 for film in session.history[-6:] if film.liked]
        user = np.zeros(sentences.shape[1])
        for film in liked:
            user += sentences[film] / len(liked)
        for c, film in enumerate(FILMS):
            wanted = _cross_and_deep([*user, *sentences[film]], network)
            assert float(found[u, c]) == pytest.approx(wanted, abs=2e-5, rel=2e-5)
    assert found.std() > 0.05


class Listing(nn.Module):
    """The rating model as document 000 prints it, for one visitor and film at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.gender, self.age, self.occupation = (nn.Embedding(n + 1, 32) for n in (2, 7, 21))
        self.user_fc = nn.Sequential(
            nn.Linear(32 * 3, 200),
            nn.BatchNorm1d(200),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(200, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Dropout(0.3),
        )
        self.genres = nn.Embedding(18 + 1, 32, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv2d(1, 64, (size, 50)) for size in (2, 3, 4))
        self.pool = nn.AdaptiveMaxPool2d((1, 1))
        self.title_fc = nn.Sequential(
            nn.Linear(64 * 3, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3)
        )
        self.movie_fc = nn.Sequential(
            nn.Linear(32 + 32, 128),
            nn.BatchNorm1d(128),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Dropout(0.3),
        )
        self.predictor = nn.Sequential(
            nn.Linear(256 * 3, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(128, 1),
        )

    def forward(self, profile: list[Tensor], genres: Tensor, title: Tensor, mean: bool) -> Tensor:
        user = self.user_fc(torch.cat(profile, dim=1))  # [1, 256]
        of_genre = self.genres(genres)  # [n, 32]
        pooled = of_genre.sum(0, keepdim=True)
        if mean:
            pooled = pooled / max(len(genres), 1)
        found = [self.pool(conv(title[None, None])).flatten(1) for conv in self.convs]
        text = self.title_fc(torch.cat(found, dim=1))
        film = self.movie_fc(torch.cat([pooled, text], dim=1))
        return self.predictor(torch.cat([user, film, user * film], dim=1)).squeeze()


def _listing_of(model: nn.Module) -> Listing:
    """The listing with a model's weights."""
    listing = Listing().eval()
    for name in ("gender", "age", "occupation"):
        getattr(listing, name).load_state_dict(model.profile.tables[name].state_dict())
    pairs = {"user_fc": "user", "genres": "genres", "title_fc": "title_head", "movie_fc": "film"}
    for theirs, ours in {**pairs, "predictor": "head"}.items():
        getattr(listing, theirs).load_state_dict(getattr(model, ours).state_dict())
    for conv, ours in zip(listing.convs, model.title.convolutions, strict=True):
        with torch.no_grad():
            conv.weight.copy_(ours.weight.transpose(1, 2).unsqueeze(1))  # [64, 1, size, 50]
            conv.bias.copy_(ours.bias)
    return listing


@pytest.mark.parametrize("genre_pool", ["sum", "mean"])
def test_rating_model_is_the_printed_one(
    genre_pool: str, titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_rating", titled, embed_dim=32, genre_pool=genre_pool).double()
    found = _scores(model, titled, sessions)
    listing = _listing_of(model).double()
    with torch.inference_mode():
        for u, session in enumerate(sessions):
            profile = [
                listing.gender(torch.tensor([" FM".index(session.gender or " ")])),
                listing.age(encode(titled, [session], torch.tensor([1])).age),
                listing.occupation(
                    torch.tensor([0 if session.occupation is None else session.occupation + 1])
                ),
            ]
            for c, film in enumerate(FILMS):
                row = titled.movies.iloc[film - 1]
                genres = torch.tensor([1 + GENRES.index(g) for g in row["genres"]]).long()
                title = torch.zeros(10, 50, dtype=torch.double)
                for place, word in enumerate(words_of(row["title"])):
                    title[place] = model.words[1 + titled.words.index(word)]
                title[len(words_of(row["title"])) :] = model.words[0]
                wanted = listing(profile, genres, title, genre_pool == "mean")
                assert float(found[u, c]) == pytest.approx(float(wanted), abs=1e-9)
    assert found.std() > 0.05


@pytest.mark.parametrize("key", ["textcnn_rating", "textcnn_history"])
def test_rating_model_learns_where_a_step_holds_one_film_or_one_profile(
    key: str, titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    """Otherwise each film and profile of a step is encoded once, and a single one has no variance."""
    model = make_model(key, titled).train()
    film = encode(titled, sessions, torch.tensor([2]))
    profile = encode(titled, [sessions[0]] * 2, torch.tensor([1, 2]))
    for batch in (film, profile, encode(titled, [sessions[0]] * 2, torch.tensor([2]))):
        model.zero_grad()
        model(batch).square().sum().backward()
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        assert model.head[0].weight.grad.abs().sum() > 0


def test_rating_model_drops_what_the_document_drops(schema: Schema) -> None:
    """Drops .3 everywhere, .4 before the last layer, if it is asked to."""
    model = CARDS["textcnn_rating"].model(schema, dropout=0.3)
    listing = Listing()
    for theirs, ours in (
        (listing.user_fc, model.user),
        (listing.title_fc, model.title_head),
        (listing.movie_fc, model.film),
        (listing.predictor, model.head),
    ):
        shares = [1 - module.kept / 256 for module in ours if isinstance(module, SharedDropout)]
        wanted = [module.p for module in theirs if isinstance(module, nn.Dropout)]
        assert shares == pytest.approx(wanted, abs=1 / 512)  # to the nearest 256th
    assert sum(p.numel() for p in model.parameters()) == sum(
        p.numel() for p in listing.parameters()
    )


def test_rating_model_with_history_reads_what_was_thought_of_each_film(
    titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_history", titled, embed_dim=8)
    found = _scores(model, titled, sessions)
    length = titled.history_length
    with torch.inference_mode():
        for u, session in enumerate(sessions):
            read = session.history[-length:]
            share, total = [0.0] * 3, torch.zeros(3, 8)
            for film in read:
                opinion = [None, False, True].index(film.liked)
                share[opinion] += 1 / len(read)
                vector = model.watched.weight[titled.index_of(film.movie_id)]
                total[opinion] += vector / len(read)
            batch = encode(titled, [session], torch.tensor([1]))
            profile = model.profile.user(batch).flatten()
            user = model.user(torch.cat([profile, torch.tensor(share), total.flatten()])[None])
            for c, film in enumerate(FILMS):
                q = model.film_vectors()[film][None]
                stars = model.head(torch.cat([user, q, user * q], dim=1))
                assert float(found[u, c]) == pytest.approx(float(stars), abs=2e-5, rel=2e-5)


def test_titles_may_be_encoded_part_by_part(
    titled: Schema, sessions: list[Session], make_model: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model("textcnn_rating", titled)
    batch = encode(titled, sessions, torch.randperm(titled.size) + 1)
    with torch.inference_mode():
        at_once = model(batch)
        for name in ("CHUNK", "ROWS"):
            monkeypatch.setattr(f"recdemo.models.textcnn_rating.{name}", 5)
            np.testing.assert_allclose(model(batch), at_once, atol=1e-5, rtol=1e-5)


def test_titles_encoded_once_for_all_answers_change_none(
    titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_history", titled)
    before = _scores(model, titled, sessions)
    model.precompute()
    assert model.precomputed.shape == (titled.size + 1, 256)
    assert torch.equal(_scores(model, titled, sessions), before)
    model.precomputed += 1.0  # it is what answers
    assert not torch.equal(_scores(model, titled, sessions), before)
    model.train()  # weights may change from here on
    assert torch.equal(_scores(model.eval(), titled, sessions), before)


def test_candidates_may_be_joined_part_by_part(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    head = TwoSidedMLP(5, 4, [6, 3]).eval()
    user, films = torch.randn(len(sessions), 5), torch.randn(schema.size + 1, 4)
    batch = encode(schema, sessions, torch.randperm(schema.size) + 1)
    with torch.inference_mode():
        at_once = head(user, films, batch)
        monkeypatch.setattr("recdemo.blocks.mlp.CELLS", 1)
        np.testing.assert_allclose(head(user, films, batch), at_once, atol=1e-6, rtol=1e-6)


def test_text_models_start_from_the_vectors_given(titled: Schema, sessions: list[Session]) -> None:
    generator = torch.Generator().manual_seed(0)
    text = TitleText(
        words=torch.randn(len(titled.words) + 1, 50, generator=generator),
        sentences=torch.randn(titled.size + 1, 64, generator=generator),
    )
    for key, name, wanted in (
        ("textcnn_rating", "words", text.words),
        ("dcn_text", "sentences", text.sentences[:, :16]),
    ):
        torch.manual_seed(0)
        more = {"text_dim": 16} if key == "dcn_text" else {}
        model = CARDS[key].model(titled, **more).eval()
        before = _scores(model, titled, sessions)
        model.start_from(text)
        assert torch.equal(getattr(model, name), wanted)
        assert (_scores(model, titled, sessions) - before).abs().max() > 1e-4
        assert name in model.state_dict()  # a checkpoint has them with it
        assert name not in dict(model.named_parameters())  # and training leaves them alone


@pytest.mark.parametrize(("key", "name"), [("textcnn_rating", "words"), ("dcn_text", "sentences")])
def test_text_models_keep_what_they_learned_of_titles(
    key: str, name: str, titled: Schema, sessions: list[Session]
) -> None:
    torch.manual_seed(0)
    model = CARDS[key].model(titled)
    fresh = set(model.state_dict())
    rows = len(getattr(model, name))
    pieces = Pieces(
        rows - 1,
        torch.arange(rows - 1),
        torch.ones(rows - 1),
        torch.arange(-1, rows - 1).clamp(min=0),
    )
    text = TitleText(
        torch.zeros(len(titled.words) + 1, 50), torch.zeros(titled.size + 1, 128), pieces, pieces
    )
    model.start_from(text)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    batch = encode(titled, sessions, torch.tensor(FILMS))
    before = model.learned.table.clone()
    model.train()(batch).square().sum().backward()
    optimizer.step()
    assert (model.learned.table != before).any()
    answers = _scores(model.eval(), titled, sessions)
    torch.testing.assert_close(getattr(model, name)[1:], model.learned.table)
    assert not getattr(model, name)[0].any()
    model.train()
    model.finish_text()
    assert set(model.state_dict()) == fresh
    assert torch.equal(_scores(model, titled, sessions), answers)


def test_films_nobody_liked_say_nothing_to_the_text_model(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("dcn_text", schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    without = replace(
        batch, history=batch.history * batch.liked, feedback=batch.feedback * batch.liked
    )
    assert (without.feedback[without.feedback != 0] == LIKED).all()
    with torch.inference_mode():
        assert torch.equal(model(batch), model(without))


# Options


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("deepfm", {"fusion": "add"}),
        ("wide_deep", {"crosses": "poly3"}),
        ("textcnn_rating", {"genre_pool": "max"}),
    ],
)
def test_an_unknown_option_is_refused_by_name(
    key: str, arguments: dict[str, str], schema: Schema
) -> None:
    (name, value) = next(iter(arguments.items()))
    with pytest.raises(ValueError, match=f"{name} '{value}'"):
        CARDS[key].model(schema, **arguments)
