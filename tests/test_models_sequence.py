"""The models that read a history in order or with attention, against their formulas visitor by visitor.

What is computed by hand here reads each visitor's own films alone, without padding and without a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recdemo.contracts import DISLIKED, JUST_WATCHED, LIKED, Batch, LearnsBesides, Session, Watched
from recdemo.features import Schema, encode
from recdemo.models import dien as dien_file
from recdemo.models import recurrent as recurrent_file
from recdemo.models import transformer4rec as transformer_file
from recdemo.models.bst import BST
from recdemo.models.dien import DIEN
from recdemo.models.din import DIN
from recdemo.models.pooling import AttentionPooling, Pooling
from recdemo.models.recurrent import RNN, RNNMF, RNNJoint
from recdemo.models.transformer4rec import Transformer4Rec

K, HEADS = 8, 2
CELLS = ("rnn", "gru", "lstm")
WAYS = ("unit", "item", "user", "dot", "bilinear", "elementwise")
FILMS = [4, 29, 11]

SMALL: dict[type, dict[str, Any]] = {
    Pooling: {"hidden": (7, 5)},
    AttentionPooling: {"hidden": (7, 5), "attention_hidden": 6},
    RNN: {"hidden": (7,), "state": 6},
    RNNMF: {},
    RNNJoint: {},
    DIN: {"hidden": (7, 5), "attention_hidden": 6},
    DIEN: {"hidden": (7, 5)},
    BST: {"hidden": (7, 5), "heads": HEADS, "feed_forward": 6},
    Transformer4Rec: {"hidden": (7, 5), "heads": HEADS, "feed_forward": 6},
}
# Every model with the options that change what it computes.
ALL: list[tuple[type, dict[str, Any]]] = [
    (Pooling, {"pool": "mean"}),
    (Pooling, {"pool": "sum"}),
    (AttentionPooling, {}),
    *((kind, {"cell": cell}) for kind in (RNN, RNNMF, RNNJoint) for cell in CELLS),
    *((DIN, {"attention": way, "softmax": way != "unit"}) for way in WAYS),
    (DIEN, {}),
    *((BST, {"read": read}) for read in ("target", "mean", "flatten")),
    (Transformer4Rec, {}),
    (Transformer4Rec, {"layers": 2}),
]
NAMES = ["-".join(map(str, (kind.__name__, *more.values()))) for kind, more in ALL]
every_model = pytest.mark.parametrize(("kind", "more"), ALL, ids=NAMES)
SECOND_TASK = [(RNNJoint, {}), (DIEN, {}), (Transformer4Rec, {})]
with_second_task = pytest.mark.parametrize(
    ("kind", "more"), SECOND_TASK, ids=[kind.__name__ for kind, _ in SECOND_TASK]
)


def _make(kind: type, schema: Schema, *, seed: int = 0, std: float = 0.5, **more: Any) -> Any:
    """A small model in evaluation mode, its weights drawn anew and far from zero."""
    torch.manual_seed(seed)
    model = kind(schema, **({"embed_dim": K, "dropout": 0.0} | SMALL[kind] | more))
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        elif value.is_floating_point():
            value.normal_(std=std)
    return model.eval()


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def _close(found: Tensor, wanted: Any, tolerance: float = 3e-5) -> None:
    if not isinstance(wanted, Tensor):
        wanted = torch.as_tensor(np.asarray(wanted), dtype=torch.float32)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found.detach(), wanted.detach(), atol=tolerance, rtol=tolerance)


def _score(model: nn.Module, schema: Schema, sessions: list[Session], films: Any = FILMS) -> Tensor:
    """[U, C]."""
    with torch.inference_mode():
        return model(encode(schema, sessions, torch.as_tensor(films))).view(len(sessions), -1)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softmax(scores: list[float]) -> list[float]:
    powers = [math.exp(s) for s in scores]
    return [p / sum(powers) for p in powers]


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _linear(layer: nn.Linear, x: Any) -> np.ndarray:
    bias = 0 if layer.bias is None else _numbers(layer.bias)
    return _numbers(layer.weight) @ np.asarray(x) + bias


def _dice(dice: nn.Module, x: np.ndarray) -> np.ndarray:
    norm = dice.norm
    scaled = (x - _numbers(norm.running_mean)) / np.sqrt(_numbers(norm.running_var) + 1e-8)
    p = _sigmoid(scaled)
    return p * x + (1 - p) * _numbers(dice.alpha) * x


def _mlp(layers: nn.Module, x: Any, activation: Callable[[Any, np.ndarray], np.ndarray]) -> float:
    """Linear layers with an activation between them; one number comes out."""
    layers = list(layers)
    places = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    for place in places:
        x = _linear(layers[place], x)
        if place != places[-1]:
            x = activation(layers[place + 1], x)
    assert len(x) == 1
    return float(x[0])


@dataclass
class Visitor:
    """A visitor's films as vectors: what every formula starts from."""

    films: np.ndarray  # [M + 1, k], row 0 never read
    ids: list[int]  # films watched, oldest first, the latest `history_length`
    watched: np.ndarray  # [n, k] with what was thought of them
    profile: Callable[[nn.Module, tuple[str, ...]], list[float]]

    def tensor(self) -> Tensor:
        """[1, n, k]"""
        return torch.as_tensor(self.watched, dtype=torch.float32).view(1, -1, K)


@pytest.fixture
def visitors(schema: Schema, sessions: list[Session], vectors_by_hand: Callable) -> Callable:
    """``visitors(films)``: each of `sessions` by hand, from a `FilmEmbedding`."""

    def made(embedding: nn.Module, length: int = schema.history_length) -> list[Visitor]:

        def vectors(module: nn.Module, names: Any, session: Session, film: int) -> list:
            tables = {name: _numbers(module.weight(name)) for name in names}
            return list(vectors_by_hand(tables, schema.movies, length, session, film).values())

        films = np.array(
            [np.full(K, np.nan)]
            + [
                sum(vectors(embedding.fields, embedding.fields.fields, Session(), film))
                for film in range(1, schema.size + 1)
            ]
        )
        feedback = _numbers(embedding.feedback.weight)
        kinds = {None: JUST_WATCHED, False: DISLIKED, True: LIKED}
        found = []
        for session in sessions:
            seen = session.history[-length:]
            ids = [schema.index[w.movie_id] for w in seen]
            watched = [films[i] + feedback[kinds[w.liked]] for i, w in zip(ids, seen, strict=True)]

            def profile(
                module: nn.Module, names: tuple[str, ...], session: Session = session
            ) -> list[float]:
                return [v for vector in vectors(module, names, session, 1) for v in vector]

            found.append(Visitor(films, ids, np.array(watched).reshape(-1, K), profile))
        return found

    return made


PROFILE = ("gender", "age", "occupation", "favourite_genre")


def _interest_head(
    head: nn.Module, visitor: Visitor, interest: np.ndarray, film: int, profile: bool = True
) -> float:
    q = visitor.films[film]
    x = [*interest, *q, *(interest * q)]
    if profile:
        x += visitor.profile(head.profile, PROFILE)
    bias = float(_numbers(head.film_bias.weight)[film, 0])
    return _mlp(head.network.layers, x, _dice) + bias


def _two_sided(head: nn.Module, interest: np.ndarray, q: np.ndarray) -> float:
    """The MLP over [interest, q]."""
    first = np.concatenate([_numbers(head.user.weight), _numbers(head.film.weight)], axis=1)
    x = _relu(first @ np.concatenate([interest, q]) + _numbers(head.film.bias))
    return _mlp(head.rest[2].layers, x, lambda _, v: _relu(v))


def _by_hand(visitors: list[Visitor], logit: Callable[[Visitor, int], float]) -> list[list[float]]:
    return [[logit(visitor, film) for film in FILMS] for visitor in visitors]


# Pooling


@pytest.mark.parametrize("pool", ["sum", "mean"])
def test_pooling_is_its_formula(
    pool: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(Pooling, schema, pool=pool)

    def logit(visitor: Visitor, film: int) -> float:
        interest = sum(visitor.watched, np.zeros(K))
        if pool == "mean" and visitor.ids:
            interest = interest / len(visitor.ids)
        return _two_sided(model.head, interest, visitor.films[film])

    _close(_score(model, schema, sessions), _by_hand(visitors(model.films), logit))


def test_attention_pooling_is_its_formula(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(AttentionPooling, schema)

    def weights(visitor: Visitor) -> list[float]:
        outer = _numbers(model.attention.outer.weight)[0]
        return _softmax(
            [outer @ _sigmoid(_linear(model.attention.inner, x)) for x in visitor.watched]
        )

    def logit(visitor: Visitor, film: int) -> float:
        pairs = zip(weights(visitor), visitor.watched, strict=True)
        interest = sum((a * x for a, x in pairs), np.zeros(K))
        return _two_sided(model.head, interest, visitor.films[film])

    by_hand = visitors(model.films)
    _close(_score(model, schema, sessions), _by_hand(by_hand, logit))
    shown = model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))
    assert shown.shape == (len(sessions), len(FILMS), schema.history_length)
    for u, visitor in enumerate(by_hand):
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        _close(shown[u], [[*weights(visitor), *rest]] * len(FILMS))


# Recurrence


def _torch_cell(layer: nn.RNNBase) -> nn.RNNBase:
    """A fresh network of torch with the weights of `layer`."""
    fresh = type(layer)(layer.input_size, layer.hidden_size, batch_first=True)
    fresh.load_state_dict(layer.state_dict())
    return fresh


def _states(layer: nn.RNNBase, x: np.ndarray) -> np.ndarray:
    """States [n, h] after each row of x."""
    if len(x) == 0:
        return np.zeros((0, layer.hidden_size))
    with torch.no_grad():
        out, _ = _torch_cell(layer)(torch.as_tensor(x, dtype=torch.float32).unsqueeze(0))
    return _numbers(out[0])


def _last_state(layer: nn.RNNBase, x: np.ndarray) -> np.ndarray:
    return np.vstack([np.zeros(layer.hidden_size), _states(layer, x)])[-1]


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_reads_the_candidate_last(
    cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(RNN, schema, cell=cell)
    assert type(model.recurrence.layer).__name__.lower() == cell

    def logit(visitor: Visitor, film: int) -> float:
        sequence = np.vstack([visitor.watched, visitor.films[film]])
        state = _states(model.recurrence.layer, sequence)[-1]
        return _mlp(model.head.layers, state, lambda _, v: _relu(v))

    _close(_score(model, schema, sessions), _by_hand(visitors(model.films), logit))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [RNNMF, RNNJoint])
def test_rnn_als_is_the_last_state_times_the_film(
    kind: type, cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(kind, schema, cell=cell)
    base = model.base if kind is RNNJoint else model
    assert type(base.recurrence.layer).__name__.lower() == cell

    def logit(visitor: Visitor, film: int) -> float:
        state = _last_state(base.recurrence.layer, visitor.watched)
        bias = float(_numbers(base.film_bias.weight)[film, 0]) + base.bias.item()
        return sum(h * q for h, q in zip(state, visitor.films[film], strict=True)) + bias

    _close(_score(model, schema, sessions), _by_hand(visitors(base.films), logit))


def _cross_entropy(scores: np.ndarray, place: int) -> float:
    return math.log(sum(math.exp(s - scores[place]) for s in scores))


def _catalogue_loss(state: np.ndarray, films: np.ndarray, bias: np.ndarray, film: int) -> float:
    """Cross-entropy of state · film + bias over films 1 to M."""
    return _cross_entropy(films[1:] @ state + bias[1:], film - 1)


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_joint_names_the_next_film_at_every_step(
    cell: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(RNNJoint, schema, cell=cell, alpha=0.7)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    _close(logits, model(batch), 1e-6)
    losses = []
    for visitor in visitors(model.base.films):
        states = _states(model.base.recurrence.layer, visitor.watched)
        bias = _numbers(model.base.film_bias.weight)[:, 0]
        for t in range(len(visitor.ids) - 1):
            losses.append(_catalogue_loss(states[t], visitor.films, bias, visitor.ids[t + 1]))
    assert len(losses) > 20
    _close(loss, 0.7 * np.mean(losses))


def test_rnn_joint_draws_steps_where_there_are_many(
    schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, torch.tensor(FILMS))
    model = _make(RNNJoint, schema, steps=1)
    torch.manual_seed(0)
    few = {round(model.joint(batch)[1].item(), 4) for _ in range(30)}
    assert len(few) > 5  # one step at a time, drawn anew
    model = _make(RNNJoint, schema)
    assert len({model.joint(batch)[1].item() for _ in range(3)}) == 1


@dataclass
class Caught:
    """What a model gave to `next_film_loss`."""

    states: Tensor
    following: Tensor
    mask: Tensor


def _catch(monkeypatch: pytest.MonkeyPatch, file: Any, model: nn.Module, batch: Batch) -> Caught:
    caught: list[Caught] = []

    def instead(states: Tensor, following: Tensor, mask: Tensor, *_: Any) -> Tensor:
        caught.append(Caught(states.detach(), following, mask))
        return states.sum() * 0

    with monkeypatch.context() as patch:
        patch.setattr(file, "next_film_loss", instead)
        model.joint(batch)
    assert len(caught) == 1
    return caught[0]


def _other_film(batch: Batch, place: int) -> Batch:
    """The film at one place of each history exchanged for another, its feedback too."""
    history, feedback = batch.history.clone(), batch.feedback.clone()
    real = history[:, place] != 0
    history[:, place] = torch.where(real, history[:, place] % 37 + 1, 0)
    feedback[:, place] = torch.where(real, feedback[:, place] % 3 + 1, 0)
    return replace(batch, history=history, feedback=feedback)


@pytest.mark.parametrize("cell", CELLS)
def test_rnn_joint_sees_no_film_before_it_names_it(
    cell: str, schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _make(RNNJoint, schema, cell=cell)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    before = _catch(monkeypatch, recurrent_file, model, batch)
    for place in range(1, schema.history_length):
        after = _catch(monkeypatch, recurrent_file, model, _other_film(batch, place))
        names = batch.history[:, place] != 0  # step place − 1 names the film at `place`
        assert torch.equal(before.following[names, place - 1], batch.history[names, place])
        assert before.mask[names, place - 1].all()
        assert torch.equal(before.states[:, :place], after.states[:, :place])
        reads = before.mask[:, place:].any(1)
        moved = (before.states - after.states)[reads, place:].abs().amax(-1)
        assert (moved[:, :1] > 1e-3).all()
    assert before.mask.sum() == (batch.history_mask.sum(1) - 1).clamp(min=0).sum()


# Attention that looks at the candidate


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("user_fields", "item_fields"), [(True, True), (True, False), (False, True)]
)
def test_din_is_its_formula_whichever_way_it_attends(
    way: str,
    softmax: bool,
    user_fields: bool,
    item_fields: bool,
    schema: Schema,
    sessions: list[Session],
    visitors: Callable,
) -> None:
    model = _make(
        DIN,
        schema,
        attention=way,
        softmax=softmax,
        user_fields=user_fields,
        item_fields=item_fields,
    )
    assert model.films.fields.fields == (("movie", "genres", "year") if item_fields else ("movie",))
    attention = model.attention

    def score(x: np.ndarray, q: np.ndarray, visitor: Visitor) -> float:
        if way == "unit":
            hidden = _dice(attention.dice, _linear(attention.inner, [*x, *q, *(x - q), *(x * q)]))
            return float(_linear(attention.outer, hidden)[0])
        if way == "dot":
            return float(x @ q)
        if way == "bilinear":
            return float(q @ _linear(attention.inner, x))
        if way == "user":
            profile = visitor.profile(model.user_fields, ("gender", "age", "occupation"))
            inputs = x * _linear(model.user, profile)
        else:
            inputs = x if way == "item" else x * q
        return float(_linear(attention.outer, _sigmoid(_linear(attention.inner, inputs)))[0])

    def weights(visitor: Visitor, film: int) -> list[float]:
        scores = [score(x, visitor.films[film], visitor) for x in visitor.watched]
        return _softmax(scores) if softmax else scores

    def logit(visitor: Visitor, film: int) -> float:
        pairs = zip(weights(visitor, film), visitor.watched, strict=True)
        interest = sum((a * x for a, x in pairs), np.zeros(K))
        return _interest_head(model.head, visitor, interest, film, user_fields)

    by_hand = visitors(model.films)
    _close(_score(model, schema, sessions), _by_hand(by_hand, logit), 1e-4)
    shown = model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))
    assert shown.shape == (len(sessions), len(FILMS), schema.history_length)
    for u, visitor in enumerate(by_hand):
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        _close(shown[u], [[*weights(visitor, film), *rest] for film in FILMS], 1e-4)
    same = torch.allclose(shown, shown[:, :1].expand_as(shown))
    assert same == (way in ("item", "user"))  # these two do not look at the candidate


# Interest that evolves


def _augru(block: nn.Module, states: np.ndarray, attention: list[float]) -> tuple[np.ndarray, list]:
    """The last state, and how far each film moved it."""
    w_x, b_x = _numbers(block.from_input.weight), _numbers(block.from_input.bias)
    w_h, b_h = _numbers(block.from_state.weight), _numbers(block.from_state.bias)
    state, moved = np.zeros(K), []
    for x, weight in zip(states, attention, strict=True):
        given, kept = (w_x @ x + b_x).reshape(3, K), (w_h @ state + b_h).reshape(3, K)
        r, u = _sigmoid(given[0] + kept[0]), _sigmoid(given[1] + kept[1])
        new = np.tanh(given[2] + r * kept[2])
        state = (1 - weight * u) * state + weight * u * new
        moved.append(float(np.mean(weight * u)))
    return state, moved


def test_dien_is_its_formula(schema: Schema, sessions: list[Session], visitors: Callable) -> None:
    model = _make(DIEN, schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    shown, gates = model.history_weights(batch), model.update_gates(batch)
    over_time = model.logits_over_time(batch)
    w = _numbers(model.attention.inner.weight)
    found = _score(model, schema, sessions)
    for u, visitor in enumerate(visitors(model.films)):
        states = _states(model.extraction.layer, visitor.watched)
        rest = [0.0] * (schema.history_length - len(visitor.ids))
        for c, film in enumerate(FILMS):
            attention = _softmax([float(visitor.films[film] @ w @ h) for h in states])
            interest, moved = _augru(model.evolution, states, attention)
            logit = _interest_head(model.head, visitor, interest, film)
            assert float(found[u, c]) == pytest.approx(logit, abs=3e-5, rel=1e-4)
            _close(shown[u, c], [*attention, *rest])
            _close(gates[u, c], [*moved, *rest])
            for t in range(len(states)):
                interest, _ = _augru(model.evolution, states[: t + 1], attention[: t + 1])
                logit = _interest_head(model.head, visitor, interest, film)
                assert float(over_time[u, c, t]) == pytest.approx(logit, abs=3e-5, rel=1e-4)
    assert (shown[-1, 0] - shown[-1, 1]).abs().max() > 0.01  # the candidate decides


def test_dien_tells_the_film_that_followed_from_one_drawn(
    schema: Schema,
    sessions: list[Session],
    visitors: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = _make(DIEN, schema, alpha=0.3)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    drawn: list[Tensor] = []

    def draw(*args: Any, **more: Any) -> Tensor:
        drawn.append(randint(*args, **more))
        return drawn[-1]

    randint = torch.randint
    monkeypatch.setattr(dien_file.torch, "randint", draw)
    for _ in range(60):
        logits, loss = model.joint(batch)
    _close(logits, model(batch), 1e-6)
    assert {int(film) for films in drawn for film in films.flatten()} == set(
        range(1, schema.size + 1)
    )
    losses = []
    for u, visitor in enumerate(visitors(model.films)):
        states = _states(model.extraction.layer, visitor.watched)
        for t in range(len(visitor.ids) - 1):
            followed = float(states[t] @ visitor.films[visitor.ids[t + 1]])
            instead = float(states[t] @ visitor.films[drawn[-1][u, t]])
            losses.append(-math.log(_sigmoid(followed)) - math.log(1 - _sigmoid(instead)))
    _close(loss, 0.3 * np.mean(losses))


# The candidate among the films watched, in a Transformer


def _encoder_layer(layer: nn.Module) -> nn.TransformerEncoderLayer:
    """Torch's own layer with the same weights."""
    attention = layer.attention
    parts = (attention.query, attention.key, attention.value)
    made = nn.TransformerEncoderLayer(
        K, attention.heads, layer.feed[0].out_features, dropout=0.0, batch_first=True
    )
    weights = {
        "self_attn.in_proj_weight": torch.cat([part.weight for part in parts]),
        "self_attn.in_proj_bias": torch.cat([part.bias for part in parts]),
    }
    for name, module in {
        "self_attn.out_proj": attention.out,
        "norm1": layer.after_attention,
        "linear1": layer.feed[0],
        "linear2": layer.feed[2],
        "norm2": layer.after_feed,
    }.items():
        weights |= {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    made.load_state_dict(weights)
    return made


def _decoder_layer(layer: nn.Module) -> nn.TransformerDecoderLayer:
    cross = layer.cross
    made = nn.TransformerDecoderLayer(
        K, cross.attention.heads, cross.feed[0].out_features, dropout=0.0, batch_first=True
    )
    weights = {}
    for name, attention in {"self_attn": layer.own, "multihead_attn": cross.attention}.items():
        parts = (attention.query, attention.key, attention.value)
        weights |= {
            f"{name}.in_proj_weight": torch.cat([part.weight for part in parts]),
            f"{name}.in_proj_bias": torch.cat([part.bias for part in parts]),
            f"{name}.out_proj.weight": attention.out.weight,
            f"{name}.out_proj.bias": attention.out.bias,
        }
    for name, module in {
        "norm1": layer.after_own,
        "norm2": cross.after_attention,
        "linear1": cross.feed[0],
        "linear2": cross.feed[2],
        "norm3": cross.after_feed,
    }.items():
        weights |= {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    made.load_state_dict(weights)
    return made


def _wave(place: int) -> np.ndarray:
    """The sinusoidal position of one place."""
    return np.array(
        [
            (math.cos if column % 2 else math.sin)(place / 10_000 ** (2 * (column // 2) / K))
            for column in range(K)
        ]
    )


def _placed(x: np.ndarray, places: Any, size: float) -> Tensor:
    """[1, n, k] with positions."""
    rows = [row + size * _wave(p) for row, p in zip(x, places, strict=True)]
    return torch.as_tensor(np.array(rows), dtype=torch.float32).unsqueeze(0)


@pytest.mark.parametrize("read", ["target", "mean", "flatten"])
def test_bst_is_its_formula(
    read: str, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(BST, schema, read=read)
    layer, size = _encoder_layer(model.encoder), model.positions.size.item()
    length = schema.history_length

    def logit(visitor: Visitor, film: int) -> float:
        count = len(visitor.ids)
        sequence = np.vstack([visitor.watched, visitor.films[film]])
        with torch.no_grad():
            encoded = layer(_placed(sequence, range(count, -1, -1), size))[0]
        encoded = _numbers(encoded)  # [n + 1, k]
        if read == "target":
            x = encoded[-1]
        elif read == "mean":
            x = sum(encoded) / (count + 1)
        else:
            gap = np.zeros((length - count, K))
            x = np.vstack([encoded[:-1], gap, encoded[-1:]]).ravel()
        x = [*x, *visitor.profile(model.profile, PROFILE)]
        bias = float(_numbers(model.film_bias.weight)[film, 0])
        return _mlp(model.head.layers, x, lambda _, v: np.where(v > 0, v, 0.01 * v)) + bias

    _close(_score(model, schema, sessions), _by_hand(visitors(model.films), logit))


def test_bst_shows_where_the_candidate_looks(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(BST, schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    shown, mean = model.head_weights(batch), model.history_weights(batch)
    length = schema.history_length
    assert shown.shape == (len(sessions), HEADS, len(FILMS), length + 1)
    attention = model.encoder.attention
    part = K // HEADS
    for u, visitor in enumerate(visitors(model.films)):
        count = len(visitor.ids)
        rest = [0.0] * (length - count)
        for c, film in enumerate(FILMS):
            sequence = np.vstack([visitor.watched, visitor.films[film]])
            x = _numbers(_placed(sequence, range(count, -1, -1), model.positions.size.item())[0])
            keys = [_linear(attention.key, row) for row in x]
            query = _linear(attention.query, x[-1])
            by_head = []
            for h in range(HEADS):
                of = slice(h * part, (h + 1) * part)
                weights = _softmax([float(query[of] @ key[of]) / math.sqrt(part) for key in keys])
                by_head.append([*weights[:-1], *rest, weights[-1]])
            _close(shown[u, :, c], by_head)
            _close(mean[u, c], np.mean(by_head, axis=0)[:-1])
    _close(shown.sum(-1), torch.ones(shown.shape[:-1]))
    assert (mean[0] == 0).all()  # no history, nothing to look at but itself


# An encoder that answers, a decoder that writes on


@pytest.mark.parametrize("layers", [1, 2])
def test_transformer4rec_is_its_formula(
    layers: int, schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(Transformer4Rec, schema, layers=layers)
    assert len(model.encoder) == len(model.decoder) == layers
    stack = [_encoder_layer(layer) for layer in model.encoder]

    def logit(visitor: Visitor, film: int) -> float:
        count = len(visitor.ids)
        if not count:
            return _interest_head(model.head, visitor, np.zeros(K), film)
        x = _placed(visitor.watched, range(count, 0, -1), model.positions.size.item())
        with torch.no_grad():
            for layer in stack:
                x = layer(x)
        return _interest_head(model.head, visitor, _numbers(x[0, -1]), film)

    _close(_score(model, schema, sessions), _by_hand(visitors(model.films), logit))


@pytest.mark.parametrize("length", [6, 7])
@pytest.mark.parametrize("layers", [1, 2])
def test_transformer4rec_writes_the_second_half_from_the_first(
    layers: int, length: int, small_films: Any, sessions: list[Session], visitors: Callable
) -> None:
    """By hand: torch's encoder over the first half, torch's decoder fed the films shifted by one."""
    schema = Schema(small_films, history_length=length)
    model = _make(Transformer4Rec, schema, layers=layers, alpha=0.6)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    _close(logits, model(batch), 1e-6)
    encoder = [_encoder_layer(layer) for layer in model.encoder]
    decoder = [_decoder_layer(layer) for layer in model.decoder]
    size = model.positions.size.item()
    bias = _numbers(model.film_bias.weight)[:, 0]
    losses = []
    for visitor in visitors(model.films, length):
        count = len(visitor.ids)
        half = math.ceil(count / 2)
        if count < 2:
            continue
        first, inputs = visitor.watched[:half], visitor.watched[half - 1 : count - 1]
        names = visitor.ids[half:]
        assert len(inputs) == len(names)
        x, memory = (
            _placed(inputs, range(len(inputs)), size),
            _placed(first, range(half, 0, -1), size),
        )
        ahead = torch.ones(len(inputs), len(inputs), dtype=torch.bool).triu(1)
        with torch.no_grad():
            for layer in encoder:
                memory = layer(memory)
            for layer in decoder:
                x = layer(x, memory, tgt_mask=ahead)
        for state, film in zip(_numbers(x[0]), names, strict=True):
            losses.append(_catalogue_loss(state, visitor.films, bias, film))
    assert len(losses) > 15
    _close(loss, 0.6 * np.mean(losses))


def test_transformer4rec_never_looks_ahead(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever film of the second half changes, no step that names it or an earlier one moves."""
    model = _make(Transformer4Rec, schema, layers=2)
    full = [s for s in sessions if len(s.history) >= schema.history_length]
    batch = encode(schema, full, torch.tensor(FILMS))
    half = schema.history_length // 2
    before = _catch(monkeypatch, transformer_file, model, batch)
    assert before.mask.all()
    assert torch.equal(before.following, batch.history[:, half:])
    for place in range(half, schema.history_length):
        after = _catch(monkeypatch, transformer_file, model, _other_film(batch, place))
        step = place - half  # names the film at `place`
        assert torch.equal(after.states[:, : step + 1], before.states[:, : step + 1])
        moved = (after.states - before.states)[:, step + 1 :].abs().amax(-1)
        assert (moved > 1e-4).all()
    for place in range(half):  # the beginning is read by every step
        after = _catch(monkeypatch, transformer_file, model, _other_film(batch, place))
        assert ((after.states - before.states).abs().amax(-1) > 1e-5).all()


def test_transformer4rec_writes_for_as_many_users_as_it_may(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = encode(schema, sessions, torch.tensor(FILMS))
    for steps, users in ((1, 1), (3, 1), (7, 2), (1000, len(sessions))):
        model = _make(Transformer4Rec, schema, steps=steps)
        caught = _catch(monkeypatch, transformer_file, model, batch)
        assert caught.states.shape == (users, schema.history_length // 2, K)
        assert caught.following.shape == caught.mask.shape == caught.states.shape[:2]


def test_transformer4rec_shows_where_each_film_looks(
    schema: Schema, sessions: list[Session], visitors: Callable
) -> None:
    model = _make(Transformer4Rec, schema, layers=2)
    shown = model.encoder_weights(encode(schema, sessions, torch.tensor(FILMS)))
    length = schema.history_length
    assert shown.shape == (len(sessions), 2, HEADS, length, length)
    for u, visitor in enumerate(visitors(model.films)):
        count = len(visitor.ids)
        if not count:
            assert (shown[u] == 0).all()
            continue
        x = _placed(visitor.watched, range(count, 0, -1), model.positions.size.item())
        for number, layer in enumerate(model.encoder):
            reference = _encoder_layer(layer)
            with torch.no_grad():
                _, wanted = reference.self_attn(x, x, x, average_attn_weights=False)
                x = reference(x)
            _close(shown[u, number, :, :count, :count], wanted[0])
        assert (shown[u, ..., count:] == 0).all()
        answers = shown[u, -1, :, count - 1].mean(0)  # the latest film's place, in the last layer
        _close(model.history_weights(encode(schema, sessions, torch.tensor(FILMS)))[u, 0], answers)


# Second tasks


@with_second_task
def test_second_task_leaves_the_answer_alone(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = _make(kind, schema, **more)
    assert isinstance(model, LearnsBesides)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    _close(logits, model(batch), 1e-6)
    assert loss.shape == ()
    assert loss > 0.01
    model.alpha = 0.0
    assert model.joint(batch)[1] == 0


@with_second_task
@pytest.mark.parametrize("films", [0, 1], ids=["none", "one"])
def test_second_task_of_too_short_a_history_is_nothing(
    films: int, kind: type, more: dict, schema: Schema
) -> None:
    model = _make(kind, schema, **more).train()
    history = [Watched(int(schema.movie_ids[3]), True)][:films]
    logits, loss = model.joint(encode(schema, [Session(history=history)] * 3, torch.tensor(FILMS)))
    assert loss == 0
    (logits.sum() + loss).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@every_model
def test_every_weight_learns(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    """Gradients are finite, visitors without a history included, and no layer is left out."""
    model = _make(kind, schema, **more).train()
    batch = encode(schema, sessions, torch.tensor(FILMS))
    if isinstance(model, LearnsBesides):
        logits, loss = model.joint(batch)
    else:
        logits, loss = model(batch), 0.0
    (logits * torch.randn(len(logits), generator=torch.Generator().manual_seed(1))).sum().backward(
        retain_graph=True
    )
    if isinstance(loss, Tensor):
        loss.backward()
    for name, value in model.named_parameters():
        assert value.grad is not None, name
        assert value.grad.isfinite().all(), name
        assert value.grad.abs().sum() > 0, name


# What holds for all


@every_model
def test_visitors_do_not_change_each_other(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = _make(kind, schema, **more)
    together = _score(model, schema, sessions)
    alone = torch.cat([_score(model, schema, [session]) for session in sessions])
    _close(together, alone)
    by_film = torch.cat([_score(model, schema, sessions, [film]) for film in FILMS], dim=1)
    _close(together, by_film)
    assert together.std() > 0.01


@every_model
def test_a_longer_window_changes_nothing(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    if more.get("read") == "flatten":
        return  # its network is as wide as the window
    model = _make(kind, schema, **more)
    wide = Schema(schema.movies, history_length=schema.history_length + 4)
    same = _make(kind, wide, **more)
    same.load_state_dict(model.state_dict())
    short = [s for s in sessions if len(s.history) <= schema.history_length]
    _close(_score(same, wide, short), _score(model, schema, short))


@every_model
def test_what_stands_at_padding_is_never_read(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = _make(kind, schema, **more)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    torch.manual_seed(3)
    before = [model(batch), *(model.joint(batch) if isinstance(model, LearnsBesides) else ())]
    films = model.base.films if kind is RNNJoint else model.films
    with torch.no_grad():
        films.fields.weight("movie")[0] = 30.0
        films.feedback.weight[0] = 30.0
    torch.manual_seed(3)
    after = [model(batch), *(model.joint(batch) if isinstance(model, LearnsBesides) else ())]
    for first, second in zip(before, after, strict=True):
        _close(second, first)


@every_model
def test_order_matters_to_those_that_read_in_order(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = _make(kind, schema, **more)
    some = [s for s in sessions if 2 <= len(s.history) <= schema.history_length]
    turned = [
        Session(s.gender, s.age, s.occupation, tuple(reversed(list(s.history)))) for s in some
    ]
    gap = (_score(model, schema, turned) - _score(model, schema, some)).abs().amax(1)
    if kind in (Pooling, AttentionPooling, DIN):
        assert (gap < 1e-4).all()
    else:
        assert (gap > 2e-4).all()


@every_model
def test_answers_are_the_same_every_time(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = _make(kind, schema, dropout=0.5, **more)
    first = _score(model, schema, sessions)
    torch.manual_seed(99)
    assert torch.equal(_score(model, schema, sessions), first)
    model.train()
    with torch.no_grad():
        batch = encode(schema, sessions, torch.tensor(FILMS))
        assert not torch.equal(model(batch), model(batch))  # dropout was there to be turned off


NOTHING_KEPT = 1 - 1e-7


@pytest.mark.parametrize("kind", [RNNMF, RNNJoint])
def test_rnn_als_drops_units_of_its_states(
    kind: type, schema: Schema, sessions: list[Session]
) -> None:
    """Where nothing of a state is kept, its biases alone are left, in both tasks."""
    model = _make(kind, schema, dropout=NOTHING_KEPT)
    base = model.base if kind is RNNJoint else model
    batch = encode(schema, sessions, torch.tensor(FILMS))
    bias = base.film_bias.weight[:, 0]
    _close(model.train()(batch), bias[batch.target_movie] + base.bias)
    if kind is RNNJoint:
        following = batch.history[:, 1:][batch.history_mask[:, 1:]]
        _close(model.joint(batch)[1], -bias[1:].log_softmax(0)[following - 1].mean())


@pytest.mark.parametrize("read", ["target", "mean"])
def test_bst_drops_units_of_its_branches(
    read: str, schema: Schema, sessions: list[Session]
) -> None:
    """Where nothing of them is kept, the candidate goes through the encoder's norms as it is."""
    model = _make(BST, schema, dropout=NOTHING_KEPT, read=read).train()
    given: list[Tensor] = []
    model.head.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    nobody = [session for session in sessions if not session.history]
    model(encode(schema, nobody, torch.tensor(FILMS)))
    query = model.films.catalogue()[FILMS] + model.positions(torch.tensor(0))
    wanted = model.encoder.after_feed(model.encoder.after_attention(query))
    _close(given[0][..., :K], wanted.expand(len(nobody), -1, -1))


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        (Pooling, {"pool": "max"}, "'max'.*sum or mean"),
        *((kind, {"cell": "gruu"}, "'gruu'.*rnn gru lstm") for kind in (RNN, RNNMF, RNNJoint)),
        (DIN, {"attention": "general"}, "'general'.*item user dot"),
        (BST, {"read": "last"}, "'last'.*target, mean or flatten"),
        (BST, {"heads": 3}, "dim 8 .*heads 3"),
        (Transformer4Rec, {"heads": 3}, "dim 8 .*heads 3"),
    ],
)
def test_unknown_options_are_refused_by_name(
    kind: type, more: dict, message: str, schema: Schema
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(schema, embed_dim=K, **more)
