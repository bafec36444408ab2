"""Every block against its formula, written out in plain loops over numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recdemo.blocks import embedding as embedding_block
from recdemo.blocks.attention import ActivationUnit
from recdemo.blocks.embedding import (
    FIELDS,
    HISTORY_FIELDS,
    ITEM_FIELDS,
    MANY_IDS,
    USER_FIELDS,
    FieldEmbedding,
    gather,
    rows,
    rows_for,
    spread,
)
from recdemo.blocks.interaction import (
    FactorizationMachine,
    bi_interaction,
    pair_indices,
    pair_products,
)
from recdemo.blocks.mlp import MLP, Dice, TwoSidedMLP, _DiceScores
from recdemo.contracts import Batch, Session, Watched
from recdemo.features import Schema, encode

K = 5


def _draw(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights far from zero, so that a wrong term shows."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(std=0.5)
    return module.eval()


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def _close(found: Tensor, wanted: object, tolerance: float = 1e-5) -> None:
    wanted = torch.as_tensor(np.asarray(wanted), dtype=torch.float32)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found.detach(), wanted, atol=tolerance, rtol=tolerance)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _linear(weight: np.ndarray, bias: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    out = np.zeros(len(weight))
    for i in range(len(weight)):
        for j in range(len(x)):
            out[i] += weight[i, j] * x[j]
        out[i] += 0 if bias is None else bias[i]
    return out


# Interactions


def test_bi_interaction_is_the_sum_over_pairs() -> None:
    fields = torch.randn(3, 4, 6, K, generator=torch.Generator().manual_seed(1))
    v = _numbers(fields)
    wanted = np.zeros((3, 4, K))
    for a in range(3):
        for b in range(4):
            for i in range(6):
                for j in range(i + 1, 6):
                    for k in range(K):
                        wanted[a, b, k] += v[a, b, i, k] * v[a, b, j, k]
    _close(bi_interaction(fields), wanted)


def test_pairs_come_row_by_row() -> None:
    pairs = list(zip(*(side.tolist() for side in pair_indices(4)), strict=True))
    assert pairs == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_pair_products_multiply_each_pair_in_that_order() -> None:
    fields = torch.randn(2, 5, K, generator=torch.Generator().manual_seed(2))
    v = _numbers(fields)
    wanted = [
        [[v[b, i, k] * v[b, j, k] for k in range(K)] for i in range(5) for j in range(i + 1, 5)]
        for b in range(2)
    ]
    _close(pair_products(fields), wanted)


# Fields


def _tables(module: FieldEmbedding) -> dict[str, np.ndarray]:
    return {name: _numbers(module.tables[name].weight) for name in module.fields}


def _own_candidates(schema: Schema, users: int, count: int) -> Tensor:
    """[U, C], different films for every visitor."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(1, schema.size + 1, (users, count), generator=generator)


@pytest.mark.parametrize("field", FIELDS)
def test_field_is_what_its_loop_says(
    field: str, schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    module = _draw(FieldEmbedding(schema, embed_dim=K))
    candidates = _own_candidates(schema, len(sessions), 4)
    found = module(encode(schema, sessions, candidates))[:, module.fields.index(field)]
    table = {field: _tables(module)[field]}
    wanted = [
        vectors_by_hand(table, schema.movies, 6, session, int(film))[field]
        for session, films in zip(sessions, candidates, strict=True)
        for film in films
    ]
    _close(found, wanted)
    assert found.abs().max() > 0.1


def test_fields_stand_in_the_order_of_their_names(schema: Schema, sessions: list[Session]) -> None:
    module = _draw(FieldEmbedding(schema, embed_dim=K))
    assert module.fields == FIELDS == USER_FIELDS + ITEM_FIELDS
    batch = encode(schema, sessions, torch.tensor([3, 9]))
    both = module(batch)
    assert both.shape == (2 * len(sessions), len(FIELDS), K)
    torch.testing.assert_close(both[::2, : len(USER_FIELDS)], module.user(batch))
    torch.testing.assert_close(both[0, len(USER_FIELDS) :], module.catalogue()[3])


def test_genres_are_their_mean_for_every_film(schema: Schema) -> None:
    module = _draw(FieldEmbedding(schema, embed_dim=K, fields=["genres"]))
    table = _tables(module)["genres"]
    wanted = np.zeros((schema.size + 1, 1, K))
    for film in range(1, schema.size + 1):
        flags = schema.genre_flags[film].tolist()
        for genre, flag in enumerate(flags, start=1):
            wanted[film, 0] += flag * table[genre] / max(sum(flags), 1)
    _close(module.catalogue(), wanted)


def test_history_fields_keep_the_share_that_was_liked(schema: Schema) -> None:
    """Two of four films liked give half the vector that the same two alone would."""
    module = _draw(FieldEmbedding(schema, embed_dim=K))
    ids = [int(i) for i in schema.movie_ids[:4]]
    liked = [Watched(i, True) for i in ids[:2]]
    both = [*liked, *(Watched(i, False) for i in ids[2:])]
    batch = encode(schema, [Session(history=liked), Session(history=both)], torch.tensor([1]))
    alone, among = module.user(batch)[:, USER_FIELDS.index("liked")]
    assert alone.abs().max() > 0.1
    torch.testing.assert_close(among, alone / 2)


@pytest.mark.parametrize("fields", [["movie", "gender"], ["gender", "director"]])
def test_fields_out_of_order_or_unknown_are_refused(fields: list[str], schema: Schema) -> None:
    with pytest.raises(ValueError, match=fields[-1]):
        FieldEmbedding(schema, embed_dim=K, fields=fields)


def test_gather_gives_each_row_its_film(schema: Schema, sessions: list[Session]) -> None:
    candidates = _own_candidates(schema, len(sessions), 3)
    table = torch.randn(schema.size + 1, 2, K)
    found = gather(table, encode(schema, sessions, candidates))
    assert found.shape == (len(sessions), 3, 2, K)
    for user, films in enumerate(candidates.tolist()):
        for place, film in enumerate(films):
            assert torch.equal(found[user, place], table[film])


def _machine_by_hand(
    bias: float, linear: dict[str, np.ndarray], vectors: dict[str, np.ndarray]
) -> float:
    logit = bias
    names = list(vectors)
    for name in names:
        logit += linear[name][0]
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            for k in range(len(vectors[names[i]])):
                logit += vectors[names[i]][k] * vectors[names[j]][k]
    return logit


@pytest.mark.parametrize("count", [1, 3])
def test_machine_is_the_loop_over_all_pairs_of_fields(
    count: int, schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    machine = _draw(FactorizationMachine(schema, embed_dim=K))
    candidates = _own_candidates(schema, len(sessions), count)
    batch = encode(schema, sessions, candidates)
    embedding = machine.embedding
    found = machine(machine.fields(batch), batch)
    wanted = [
        [
            _machine_by_hand(
                machine.bias.item(),
                vectors_by_hand(_tables(machine.linear), schema.movies, 6, session, int(film)),
                vectors_by_hand(_tables(embedding), schema.movies, 6, session, int(film)),
            )
            for film in films
        ]
        for session, films in zip(sessions, candidates, strict=True)
    ]
    _close(found, wanted)
    linear, pairs = machine.terms(batch)
    _close(machine.bias + linear.sum(1) + pairs.sum(1), np.ravel(wanted))


# Dense layers


def _dice(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    out = np.zeros_like(x)
    for row in range(x.shape[0]):
        for c in range(x.shape[1]):
            p = _sigmoid((x[row, c] - mean[c]) / math.sqrt(variance[c] + 1e-8))
            out[row, c] = p * x[row, c] + (1 - p) * alpha[c] * x[row, c]
    return out


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and (biased) variance of each channel, in loops."""
    rows, channels = x.shape
    mean, variance = np.zeros(channels), np.zeros(channels)
    for c in range(channels):
        mean[c] = sum(x[row, c] for row in range(rows)) / rows
        variance[c] = sum((x[row, c] - mean[c]) ** 2 for row in range(rows)) / rows
    return mean, variance


def _some_dice() -> Dice:
    dice = _draw(Dice(4), seed=5)
    dice.norm.running_mean.copy_(torch.tensor([0.5, -1.0, 0.0, 2.0]))
    dice.norm.running_var.copy_(torch.tensor([0.3, 1.0, 4.0, 2.0]))
    return dice


def test_dice_learns_one_alpha_per_channel() -> None:
    dice = Dice(4)
    assert [name for name, _ in dice.named_parameters()] == ["alpha"]  # the norm is not affine
    assert dice.alpha.shape == (4,)
    torch.manual_seed(0)
    dice(torch.randn(6, 4)).sum().backward()
    assert (dice.alpha.grad != 0).all()


@pytest.mark.parametrize("rows", [1, 7])
def test_dice_answers_from_running_statistics(rows: int) -> None:
    dice = _some_dice()
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(1)) * 2
    before = [dice.norm.running_mean.clone(), dice.norm.running_var.clone()]
    _close(dice(x), _dice(_numbers(x), *(_numbers(b) for b in before), _numbers(dice.alpha)))
    assert torch.equal(dice.norm.running_mean, before[0])
    assert torch.equal(dice.norm.running_var, before[1])


def test_dice_trains_on_batch_statistics_and_keeps_a_running_mean() -> None:
    dice = _some_dice().train()
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1)) * 2 + 1
    old_mean, old_variance = _numbers(dice.norm.running_mean), _numbers(dice.norm.running_var)
    rows = _numbers(x).reshape(10, 4)
    mean, variance = _moments(rows)
    wanted = _dice(rows, mean, variance, _numbers(dice.alpha))
    _close(dice(x), wanted.reshape(2, 5, 4))
    _close(dice.norm.running_mean, 0.9 * old_mean + 0.1 * mean)
    _close(dice.norm.running_var, 0.9 * old_variance + 0.1 * variance * 10 / 9)


def test_dice_trains_on_a_batch_of_one() -> None:
    dice = _some_dice().train()
    x = torch.tensor([[1.0, -2.0, 0.5, 3.0]])
    mean, variance = _numbers(dice.norm.running_mean), _numbers(dice.norm.running_var)
    _close(dice(x), _dice(_numbers(x), mean, variance, _numbers(dice.alpha)))
    _close(dice.norm.running_mean, mean)


def _mlp(
    layers: Iterable[nn.Module], x: np.ndarray, act: Callable = lambda v: max(v, 0.0)
) -> np.ndarray:
    """A plain MLP by hand: the activation stands between linear layers, not after the last."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(linear, start=1):
        x = _linear(_numbers(layer.weight), _numbers(layer.bias), x)
        if number < len(linear):
            x = np.array([act(v) for v in x])
    return x


@pytest.mark.parametrize("hidden", [(), (6,), (6, 3, 4)])
def test_mlp_is_linear_and_relu_in_turn(hidden: tuple[int, ...]) -> None:
    mlp = _draw(MLP(4, hidden, 2))
    x = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
    assert [m.out_features for m in mlp.layers if isinstance(m, nn.Linear)] == [*hidden, 2]
    _close(mlp(x), [[_mlp(mlp.layers, row) for row in rows] for rows in _numbers(x)])


@pytest.mark.parametrize("dropout", [0.0, 0.2, 0.7])
def test_mlp_drops_its_share_of_units_in_training_only(dropout: float) -> None:
    mlp = MLP(4, [2000], activation=lambda _: nn.Identity(), dropout=dropout)
    hidden = mlp.layers[:-1]
    torch.manual_seed(0)
    x = torch.randn(1, 4)
    share = (hidden.train()(x) == 0).float().mean().item()
    assert share == pytest.approx(dropout, abs=0.05)
    assert (hidden.eval()(x) != 0).all()


@pytest.mark.parametrize("hidden", [(6,), (6, 3)])
def test_two_sides_equal_one_mlp_over_both(
    hidden: tuple[int, ...], schema: Schema, sessions: list[Session]
) -> None:
    mlp = _draw(TwoSidedMLP(4, 3, hidden))
    candidates = _own_candidates(schema, len(sessions), 5)
    user, catalogue = torch.randn(len(sessions), 4), torch.randn(schema.size + 1, 3)
    found = mlp(user, catalogue, encode(schema, sessions, candidates))
    first = np.concatenate([_numbers(mlp.user.weight), _numbers(mlp.film.weight)], axis=1)
    wanted = np.zeros((len(sessions), 5))
    for u, films in enumerate(candidates.tolist()):
        for c, film in enumerate(films):
            x = np.concatenate([_numbers(user[u]), _numbers(catalogue[film])])
            x = _linear(first, _numbers(mlp.film.bias), x)
            rest = [m for m in mlp.rest.modules() if isinstance(m, nn.Linear)]
            wanted[u, c] = _mlp(rest, np.array([max(v, 0.0) for v in x]))[0]
    _close(found, wanted)


# Attention

U, L, D, H = 4, 3, 5, 6
MANY = 40  # candidates for whom the unit computes the same sum in another order
LENGTHS = (3, 1, 0, 2)


def _mask(lengths: tuple[int, ...] = LENGTHS) -> Tensor:
    return torch.arange(L) < torch.tensor(lengths).unsqueeze(1)


def _unit(softmax: bool = False) -> ActivationUnit:
    unit = _draw(ActivationUnit(D, hidden=H, softmax=softmax), seed=4)
    unit.dice.norm.running_mean.normal_()
    unit.dice.norm.running_var.uniform_(0.5, 2.0)
    return unit


def _draw_history(candidates: int, seed: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    history = torch.randn(U, L, D, generator=generator)  # also at padding: it must not matter
    return history, torch.randn(U, candidates, D, generator=generator)


def _inner_by_hand(unit: ActivationUnit, x: np.ndarray, q: np.ndarray) -> np.ndarray:
    inputs = [*x, *q, *(a - b for a, b in zip(x, q, strict=True))]
    inputs += [a * b for a, b in zip(x, q, strict=True)]
    return _linear(_numbers(unit.inner.weight), _numbers(unit.inner.bias), np.array(inputs))


def _weights_by_hand(
    unit: ActivationUnit, history: Tensor, query: Tensor, moments: tuple | None = None
) -> np.ndarray:
    norm = unit.dice.norm
    mean, variance = moments or (_numbers(norm.running_mean), _numbers(norm.running_var))
    found = np.zeros((U, query.shape[1], L))
    for u in range(U):
        for c in range(query.shape[1]):
            scores = []
            for i in range(LENGTHS[u]):
                hidden = _inner_by_hand(unit, _numbers(history[u, i]), _numbers(query[u, c]))
                active = _dice(hidden[None], mean, variance, _numbers(unit.dice.alpha))[0]
                scores.append(
                    _linear(_numbers(unit.outer.weight), _numbers(unit.outer.bias), active)[0]
                )
            if unit.softmax:
                total = sum(math.exp(s) for s in scores)
                scores = [math.exp(s) / total for s in scores]
            found[u, c, : LENGTHS[u]] = scores
    return found


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("candidates", [1, 5, MANY, 140])  # few, few, many, many in two chunks
def test_activation_unit_is_its_formula(candidates: int, softmax: bool) -> None:
    unit = _unit(softmax)
    history, query = _draw_history(candidates)
    _close(unit(history, _mask(), query), _weights_by_hand(unit, history, query), 3e-5)


@pytest.mark.parametrize("candidates", [2, MANY])
def test_activation_unit_trains_on_real_films_only(candidates: int) -> None:
    """In training Dice norms over the films that stand in a history, and over nothing else."""
    unit = _unit().train()
    history, query = _draw_history(candidates)
    hidden = [
        _inner_by_hand(unit, _numbers(history[u, i]), _numbers(query[u, c]))
        for u in range(U)
        for c in range(candidates)
        for i in range(LENGTHS[u])
    ]
    mean, variance = _moments(np.array(hidden))
    old_mean, old_variance = (
        _numbers(unit.dice.norm.running_mean),
        _numbers(unit.dice.norm.running_var),
    )
    wanted = _weights_by_hand(unit, history, query, (mean, variance))
    _close(unit(history, _mask(), query), wanted, 3e-5)
    count = len(hidden)
    _close(unit.dice.norm.running_mean, 0.9 * old_mean + 0.1 * mean)
    unbiased = variance * count / (count - 1)
    _close(unit.dice.norm.running_var, 0.9 * old_variance + 0.1 * unbiased)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("candidates", [2, MANY])
def test_padding_does_not_matter(candidates: int, softmax: bool, training: bool) -> None:
    history, query = _draw_history(candidates)
    other = torch.where(_mask().unsqueeze(-1), history, 100.0)
    first, second = _unit(softmax).train(training), _unit(softmax).train(training)
    torch.testing.assert_close(first(history, _mask(), query), second(other, _mask(), query))
    torch.testing.assert_close(first.dice.norm.running_mean, second.dice.norm.running_mean)
    torch.testing.assert_close(first.dice.norm.running_var, second.dice.norm.running_var)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("softmax", [False, True])
def test_empty_history_weighs_nothing_and_learns_nothing(softmax: bool, training: bool) -> None:
    unit = _unit(softmax).train(training)
    history, query = _draw_history(MANY)
    history.requires_grad_()
    weights = unit(history, _mask((0, 0, 0, 0)), query)
    assert (weights == 0).all()
    weights.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in unit.parameters())
    assert history.grad is None or (history.grad == 0).all()
    assert unit.dice.norm.running_mean.isfinite().all()


@pytest.mark.parametrize("training", [False, True])
def test_softmax_gradient_is_finite_beside_an_empty_history(training: bool) -> None:
    unit = _unit(softmax=True).train(training)
    history, query = _draw_history(3)
    (unit(history, _mask(), query) * torch.arange(L)).sum().backward()
    assert all(p.grad.isfinite().all() for p in unit.parameters())
    assert unit.inner.weight.grad.abs().sum() > 0


def test_softmax_weights_sum_to_one() -> None:
    history, query = _draw_history(4)
    sums = _unit(softmax=True)(history, _mask(), query).sum(-1)
    _close(sums, [[1.0 if length else 0.0] * 4 for length in LENGTHS])


def test_weights_depend_on_the_candidate() -> None:
    history, query = _draw_history(2)
    weights = _unit()(history, _mask(), query)
    assert (weights[0, 0] - weights[0, 1]).abs().max() > 0.01


def test_batch_counts_users_and_candidates(schema: Schema, sessions: list[Session]) -> None:
    batch = encode(schema, sessions, torch.arange(1, 8))
    assert (batch.users, batch.candidates) == (len(sessions), 7)
    assert torch.equal(batch.history_mask, batch.history > 0)
    assert isinstance(replace(batch, user=batch.user), Batch)


@pytest.mark.parametrize("size", [5, 40_000])  # too many for 16 bits
@pytest.mark.parametrize("length", [0, 3, MANY_IDS])
def test_rows_are_those_of_an_embedding_and_so_is_their_gradient(length: int, size: int) -> None:
    torch.manual_seed(0)
    ids = torch.randint(size, (2, length)).clamp(min=1)
    for shape in ((size,), (size, 2), (size, 2, 3)):
        ours, theirs = (
            torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)
            for _ in "ab"
        )
        found, wanted = rows(ours.requires_grad_(), ids), theirs.requires_grad_()[ids]
        assert torch.equal(found, wanted)
        weights = torch.randn(wanted.shape)
        (found * weights).sum().backward()
        (wanted * weights).sum().backward()
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("many", [1, 1000])  # ids from which on they are sorted
def test_history_fields_learn_what_their_formula_does(
    many: int, schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_block, "MANY_IDS", many)
    module = _draw(FieldEmbedding(schema, embed_dim=K)).double()
    batch = encode(schema, sessions, torch.tensor([1]))
    found = module.user(batch)[:, -3:]  # [U, 3, k]
    wanted = torch.zeros_like(found)
    tables = [module.weight(name) for name in HISTORY_FIELDS]
    for u in range(batch.users):
        length = max(1, int(batch.history_mask[u].sum()))
        for film, kind in zip(batch.history[u].tolist(), batch.feedback[u].tolist(), strict=True):
            if kind:
                wanted[u, kind - 1] = wanted[u, kind - 1] + tables[kind - 1][film] / length
    torch.testing.assert_close(found, wanted)
    ask = torch.randn(found.shape, dtype=torch.double)
    ours, theirs = (torch.autograd.grad(out, tables, ask) for out in (found, wanted))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
        assert one.any()


@pytest.mark.parametrize("count", [1, 3, 39])  # 39: as many as a table of all films has rows
def test_films_are_encoded_one_by_one_or_all_at_once(
    count: int, schema: Schema, sessions: list[Session]
) -> None:
    module = _draw(FieldEmbedding(schema, embed_dim=K)).requires_grad_(False)
    beside = _draw(FieldEmbedding(schema, embed_dim=1)).requires_grad_(False)
    for some in (sessions[:1], sessions):
        candidates = _own_candidates(schema, len(some), count)
        batch = encode(schema, some, candidates)
        found = spread(module.films(batch, beside), batch)
        assert found.shape == (len(some), count, len(ITEM_FIELDS), 1 + K)
        _close(found[..., 1:], module.catalogue()[candidates])
        _close(found[..., :1], beside.catalogue()[candidates])
        _close(module.user(batch, beside)[..., 1:], module.user(batch))
        _close(module.user(batch, beside)[..., :1], beside.user(batch))
        present = spread(module.films_present(batch), batch)
        assert torch.equal(present[..., 1], schema.genre_flags[candidates].any(-1))
        table = module.weight("movie")
        _close(spread(rows_for(batch, table), batch), table[candidates])


def test_dice_scores_and_learns_from_the_rows_that_count_as_from_these_alone() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 6, 3) * 2 + 1
    counts = torch.rand(4, 6) < 0.7
    ours, theirs = (_draw(Dice(3), seed=5).train() for _ in range(2))
    outer, plain = (_draw(nn.Linear(3, 1), seed=6) for _ in range(2))
    some, all_of_them = x.clone().requires_grad_(), x[counts].requires_grad_()
    found, wanted = ours.scores(some, counts, outer)[counts], plain(theirs(all_of_them))
    _close(found.detach(), wanted.detach())
    for name in ("running_mean", "running_var"):
        _close(getattr(ours.norm, name), getattr(theirs.norm, name))
    weights = torch.randn(wanted.shape)
    (found * weights).sum().backward()
    (wanted * weights).sum().backward()
    _close(some.grad[counts], all_of_them.grad)
    assert (some.grad[~counts] == 0).all()
    _close(ours.alpha.grad, theirs.alpha.grad)
    _close(outer.weight.grad, plain.weight.grad)
    _close(outer.bias.grad, plain.bias.grad)
    assert torch.equal(ours.eval().scores(x, counts, outer), outer(ours(x)))


def test_dice_s_gradient_is_that_of_small_differences() -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 3, dtype=torch.double, requires_grad=True)
    counts = torch.tensor([1, 1, 0, 1, 1, 1], dtype=torch.double)
    alpha, weight = (torch.randn(3, dtype=torch.double, requires_grad=True) for _ in range(2))

    def scores(x: Tensor, alpha: Tensor, weight: Tensor) -> Tensor:
        return _DiceScores.apply(x, counts, alpha, weight, 1e-8)[0] * counts

    assert torch.autograd.gradcheck(scores, (x, alpha, weight))


def test_dice_does_not_learn_from_a_single_row() -> None:
    dice, x, outer = Dice(2).train(), torch.randn(3, 2), nn.Linear(2, 1)
    found = dice.scores(x, torch.tensor([True, False, False]), outer)
    assert torch.equal(dice.norm.running_mean, torch.zeros(2))
    _close(found.detach(), outer(dice.eval()(x)).detach())
