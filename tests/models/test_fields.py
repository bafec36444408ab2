"""The models over fields, each against its paper's formula in plain loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import by_hand
import numpy as np
import pytest
import torch
from by_hand import scores_of
from torch import nn

from recdemo.blocks.cross_layers import CrossNetwork
from recdemo.blocks.embedding import ITEM_FIELDS, USER_FIELDS
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS

FILMS = [4, 29, 37]  # the last has no genre
PLAIN = {"norm": 1, "content": False}  # histories as `vectors_by_hand` has them
_scores = partial(scores_of, films=FILMS)


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


def _wide_deep(model: nn.Module, vectors: Callable) -> float:
    linear = sum(v[0] for v in vectors(by_hand.tables_of(model, "linear.")).values())
    wide = float(by_hand.weights_of(model)["bias"]) + linear
    return wide + sum(by_hand.crosses(model, vectors).values()) + _embedding_mlp(model, vectors)


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


def _dcn(model: nn.Module, vectors: Callable) -> float:
    x = by_hand.flat(vectors(by_hand.tables_of(model, "embedding.")))
    return by_hand.cross_and_deep(x, by_hand.weights_of(model, "network."))


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
