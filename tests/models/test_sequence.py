"""What holds for all models that read a history, whatever their options."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from history_models import CELLS, FILMS, WAYS, K, close, make, score
from torch import Tensor

from recdemo.core.protocols import AuxiliaryLoss
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models.bst import BST
from recdemo.models.dien import DIEN
from recdemo.models.din import DIN
from recdemo.models.hstu import HSTU
from recdemo.models.pooling import AttentionPooling, Pooling
from recdemo.models.recurrent import RNN, RNNMF, RNNJoint
from recdemo.models.sasrec import SASRec
from recdemo.models.transformer4rec import Transformer4Rec

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
    (SASRec, {}),
    (HSTU, {}),
]
NAMES = ["-".join(map(str, (kind.__name__, *more.values()))) for kind, more in ALL]
every_model = pytest.mark.parametrize(("kind", "more"), ALL, ids=NAMES)
SECOND_TASK = [(RNNJoint, {}), (DIEN, {}), (Transformer4Rec, {})]
with_second_task = pytest.mark.parametrize(
    ("kind", "more"), SECOND_TASK, ids=[kind.__name__ for kind, _ in SECOND_TASK]
)


# What holds for all


@every_model
def test_visitors_do_not_change_each_other(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    together = score(model, schema, sessions)
    alone = torch.cat([score(model, schema, [session]) for session in sessions])
    close(together, alone)
    by_film = torch.cat([score(model, schema, sessions, films=[film]) for film in FILMS], dim=1)
    close(together, by_film)
    assert together.std() > 0.01


@pytest.mark.parametrize(("kind", "more"), [m for m in ALL if m != (BST, {"read": "flatten"})])
def test_a_longer_window_changes_nothing(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    """But for BST that flattens all places: its network is as wide as the window."""
    model = make(kind, schema, **more)
    wide = Schema(schema.movies, history_length=schema.history_length + 4)
    same = make(kind, wide, **more)
    same.load_state_dict(model.state_dict())
    short = [s for s in sessions if len(s.history) <= schema.history_length]
    close(score(same, wide, short), score(model, schema, short))


@every_model
def test_what_stands_at_padding_is_never_read(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    torch.manual_seed(3)
    before = [model(batch), *(model.joint(batch) if isinstance(model, AuxiliaryLoss) else ())]
    films = getattr(model, "base", model).films
    with torch.no_grad():
        films.fields.weight("movie")[0] = 30.0
        films.feedback.weight[0] = 30.0
    torch.manual_seed(3)
    after = [model(batch), *(model.joint(batch) if isinstance(model, AuxiliaryLoss) else ())]
    for first, second in zip(before, after, strict=True):
        close(second, first)


@every_model
def test_order_matters_to_those_that_read_in_order(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    some = [s for s in sessions if 2 <= len(s.history) <= schema.history_length]
    turned = [
        Session(s.gender, s.age, s.occupation, tuple(reversed(list(s.history)))) for s in some
    ]
    gap = (score(model, schema, turned) - score(model, schema, some)).abs().amax(1)
    if kind in (Pooling, AttentionPooling, DIN):
        assert (gap < 1e-4).all()
    else:
        assert (gap > 2e-4).all()


@every_model
def test_answers_are_the_same_every_time(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, dropout=0.5, **more)
    first = score(model, schema, sessions)
    torch.manual_seed(99)
    assert torch.equal(score(model, schema, sessions), first)
    model.train()
    with torch.no_grad():
        batch = encode(schema, sessions, torch.tensor(FILMS))
        assert not torch.equal(model(batch), model(batch))  # dropout was there to be turned off


@every_model
def test_every_weight_learns(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    """Gradients are finite, visitors without a history included, and no layer is left out."""
    model = make(kind, schema, **more).train()
    batch = encode(schema, sessions, torch.tensor(FILMS))
    if isinstance(model, AuxiliaryLoss):
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


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        (Pooling, {"pool": "max"}, "'max'.*sum or mean"),
        *((kind, {"cell": "gruu"}, "'gruu'.*rnn gru lstm") for kind in (RNN, RNNMF, RNNJoint)),
        (DIN, {"attention": "general"}, "'general'.*item user dot"),
        (BST, {"read": "last"}, "'last'.*target, mean or flatten"),
        (BST, {"heads": 3}, "dim 8 .*heads 3"),
        (Transformer4Rec, {"heads": 3}, "dim 8 .*heads 3"),
        (SASRec, {"heads": 3}, "dim 8 .*heads 3"),
        (HSTU, {"heads": 3}, "dim 8 .*heads 3"),
    ],
)
def test_unknown_options_are_refused_by_name(
    kind: type, more: dict, message: str, schema: Schema
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(schema, embed_dim=K, **more)


# Second tasks


@with_second_task
def test_second_task_leaves_the_answer_alone(
    kind: type, more: dict, schema: Schema, sessions: list[Session]
) -> None:
    model = make(kind, schema, **more)
    assert isinstance(model, AuxiliaryLoss)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    logits, loss = model.joint(batch)
    close(logits, model(batch), tolerance=1e-6)
    assert loss.shape == ()
    assert loss > 0.01
    model.alpha = 0.0
    assert model.joint(batch)[1] == 0


@with_second_task
@pytest.mark.parametrize("films", [0, 1], ids=["none", "one"])
def test_second_task_of_too_short_a_history_is_nothing(
    films: int, kind: type, more: dict, schema: Schema
) -> None:
    model = make(kind, schema, **more).train()
    history = [Watched(int(schema.movie_ids[3]), True)][:films]
    logits, loss = model.joint(encode(schema, [Session(history=history)] * 3, torch.tensor(FILMS)))
    assert loss == 0
    (logits.sum() + loss).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
