"""Work that is shared or split changes nothing: answers, gradients and statistics are those of each candidate on its own.

Models encode a visitor once for all candidates, films once for all visitors, and go through much of it in pieces. Here every
model of the zoo is asked about all candidates of some visitors, in pieces as small as can be, and about one candidate after
the other, in one piece.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
import torch
from by_hand import normal, own_candidates
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from recdemo.blocks import attention, lookup, mlp, recurrent
from recdemo.core.batch import Batch
from recdemo.core.protocols import ShowsHistory, Solved
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS, textcnn_rating

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {key: (key, {}) for key in CARDS} | {
    f"{key}-{'-'.join(map(str, more.values()))}": (key, more)
    for key, more in (
        *(("din", {"attention": kind}) for kind in ("item", "user", "dot", "elementwise")),
        ("din", {"softmax": True}),
        ("bst", {"read": "mean"}),
        ("bst", {"read": "flatten"}),
        ("rnn", {"cell": "lstm"}),
        ("rnn_als", {"cell": "lstm"}),
        ("afm", {"attention_dim": 2}),  # few enough for W (v_i ⊙ v_j) to be made the other way
    )
}
every_model = pytest.mark.parametrize("variant", VARIANTS)
FEW, AS_MANY, MORE_THAN_FILMS = 2, 6, 45  # beside 12 visitors with six films each, of 38 films
counts = pytest.mark.parametrize("count", [FEW, AS_MANY, MORE_THAN_FILMS])


@dataclass(frozen=True)
class Found:
    """What came of one call, and of going back from it."""

    logits: Tensor
    gradients: dict[str, Tensor]
    statistics: dict[str, Tensor]  # of batch normalisation, after the call


def _pieces(patch: pytest.MonkeyPatch, size: int) -> None:
    """How much is done at once, wherever work is split."""
    for module, name in (
        (attention, "CELLS"),
        (mlp, "CELLS"),
        (recurrent, "CHUNK"),
        (lookup, "MANY_IDS"),
        (textcnn_rating, "CHUNK"),
        (textcnn_rating, "ROWS"),
    ):
        patch.setattr(module, name, size)
    patch.setattr(mlp, "_pieces", lambda x: size)


def _one_by_one(batch: Batch) -> Batch:
    """The same questions, each asked by a visitor of its own."""
    repeated = {
        field.name: getattr(batch, field.name).repeat_interleave(batch.candidates, dim=0)
        for field in fields(batch)
        if field.name != "target_movie"
    }
    return Batch(**repeated, target_movie=batch.target_movie)


def _ask(schema: Schema, sessions: list[Session], count: int) -> Batch:
    batch = encode(schema, sessions, own_candidates(schema, len(sessions), count))
    return replace(batch, user=torch.arange(1, len(sessions) + 1))


def _found(model: nn.Module, batch: Batch) -> Found:
    torch.manual_seed(5)
    logits = model(batch)
    learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    asked = (logits * normal(len(logits), seed=4)).sum()
    slopes = torch.autograd.grad(asked, list(learned.values()), materialize_grads=True)
    gradients = dict(zip(learned, slopes, strict=True))
    statistics = {
        name: value.clone()
        for name, value in model.named_buffers()
        # A visitor who stands for several questions has the variance of several, but of fewer rows: torch keeps n / (n − 1).
        if "running_" in name and not name.startswith("user.")
    }
    return Found(logits.detach(), gradients, statistics)


def _same(found: Found, wanted: Found) -> None:
    def close(one: Tensor, other: Tensor, what: str) -> None:
        torch.testing.assert_close(
            one, other, atol=1e-8, rtol=1e-6, msg=lambda text: f"{what}: {text}"
        )

    close(found.logits, wanted.logits, "logits")
    for part in ("gradients", "statistics"):
        for name, value in getattr(wanted, part).items():
            close(getattr(found, part)[name], value, f"{part} of {name}")


Make = Callable[[], nn.Module]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """So that nothing differs by rounding."""
    torch.set_default_dtype(torch.double)
    yield
    torch.set_default_dtype(torch.float)


@pytest.fixture
def schema(schema: Schema) -> Schema:
    """One of its own: what is made of the films in double precision is not for other tests."""
    return Schema(schema.movies, schema.history_length)


@pytest.fixture
def make(variant: str, schema: Schema, make_model: Callable) -> Make:
    """A small model of the variant, the same at every call."""
    key, more = VARIANTS[variant]

    def made(**others: Any) -> nn.Module:
        model: nn.Module = make_model(key, schema, **more | others)
        if isinstance(model, Solved):
            pytest.skip("is counted, not trained")
        return model

    return lambda **others: made(**others).double()


@counts
@pytest.mark.parametrize("training", [True, False], ids=["training", "answering"])
@every_model
def test_candidates_together_are_as_each_alone(
    training: bool,
    count: int,
    make: Make,
    schema: Schema,
    sessions: list[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = _ask(schema, sessions, count)
    _pieces(monkeypatch, 10**9)
    wanted = _found(make().train(training), _one_by_one(batch))
    _same(_found(make().train(training), batch), wanted)
    _pieces(monkeypatch, 1)
    _same(_found(make().train(training), batch), wanted)


@counts
@every_model
def test_training_without_chance_answers_as_it_does_later(
    count: int, make: Make, schema: Schema, sessions: list[Session]
) -> None:
    """What is looked up together, or film by film, in training only gives the same. Batch normalisation would not."""
    model = make()
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        pytest.skip("normalises a step by itself")
    batch = _ask(schema, sessions, count)
    _same(_found(model.train(), batch), _found(model.eval(), batch))


@pytest.fixture
def _unread_is_nan() -> Iterator[None]:
    """What torch hands out unfilled is NaN, so that whatever reads of it is found out."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(1).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("_unread_is_nan")
@every_model
def test_few_films_are_answered_as_among_all(
    variant: str, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    """Where a question names few of the films there are, only those are made."""
    key, more = VARIANTS[variant]
    model = make_model(key, schema, **more).double().eval()
    few = torch.tensor([3, 1, 8])
    for session in sessions[:4]:
        among_all = encode(schema, [session], torch.arange(1, schema.size + 1))
        asked = encode(schema, [session], few)
        torch.testing.assert_close(model(asked), model(among_all)[few - 1])
        if isinstance(model, ShowsHistory):
            weights = model.history_weights(among_all)[:, few - 1]
            torch.testing.assert_close(model.history_weights(asked), weights)


@pytest.mark.parametrize("count", [FEW, AS_MANY])
@every_model
def test_pieces_drop_the_same_units(
    count: int,
    variant: str,
    make: Make,
    schema: Schema,
    sessions: list[Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "dropout" not in inspect.signature(CARDS[VARIANTS[variant][0]].model).parameters:
        pytest.skip("drops nothing")
    batch = _ask(schema, sessions, count)
    _pieces(monkeypatch, 10**9)
    wanted = _found(make(dropout=0.4).train(), batch)
    _pieces(monkeypatch, 1)
    _same(_found(make(dropout=0.4).train(), batch), wanted)
    kept = _found(make().train(), batch)
    assert not torch.allclose(kept.logits, wanted.logits)
