"""One contract for the scores of every model: one by one or together, padded, saved and loaded, learned by every weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from batches import padded
from by_hand import close, scores_of, some_films
from small_models import USERS
from torch import Tensor, nn

from recdemo.checkpoints import open_folder
from recdemo.core.batch import Batch
from recdemo.core.protocols import AuxiliaryLoss, Solved, Staged
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

pytestmark = pytest.mark.usefixtures("toy")


def test_output_is_one_finite_float_a_row(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    logits = model(encode(schema, sessions, some_films(schema)))
    assert logits.shape == (len(sessions) * 7,)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert logits.view(len(sessions), 7)[0].std() > 1e-3  # films are told apart
    one = model(encode(schema, sessions[:1], some_films(schema)[:1]))
    assert one.shape == (1,)


def test_many_users_score_as_one_by_one(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = some_films(schema)
    alone = torch.cat([scores_of(model, schema, [session], films) for session in sessions])
    close(scores_of(model, schema, sessions, films), alone)


def test_many_candidates_score_as_one_by_one(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = some_films(schema, 150)
    together = scores_of(model, schema, sessions[3:8], films)
    some = [*range(0, 150, 13), 127, 128, 149]
    alone = [scores_of(model, schema, sessions[3:8], films[i : i + 1]) for i in some]
    close(together[:, some], torch.cat(alone, dim=1))


def test_each_user_may_have_candidates_of_their_own(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = some_films(schema, 3 * len(sessions)).view(-1, 3)
    alone = [scores_of(model, schema, [s], own) for s, own in zip(sessions, films, strict=True)]
    close(scores_of(model, schema, sessions, films), torch.cat(alone))


def test_extra_padding_changes_nothing(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    batch = encode(schema, sessions, some_films(schema))
    with torch.inference_mode():
        close(model(padded(batch)), model(batch))


def test_longer_histories_allowed_give_the_same_logits(
    key: str, model: nn.Module, schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    longer = Schema(schema.movies, history_length=15)
    other = make_model(key, longer, seed=1)
    other.load_state_dict(model.state_dict())
    short = [s for s in sessions if len(s.history) <= schema.history_length]
    films = some_films(schema)
    close(scores_of(other, longer, short, films), scores_of(model, schema, short, films))


def test_answers_repeat_whatever_was_asked_between(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    films = some_films(schema)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    kept = {name: set(vars(module)) for name, module in model.named_modules()}
    first = scores_of(model, schema, sessions, films)
    assert torch.equal(scores_of(model, schema, sessions, films), first)
    scores_of(model, schema, sessions[::-1], films.flip(0)[:3])
    torch.manual_seed(99)
    assert torch.equal(scores_of(model, schema, sessions, films), first)
    # A model is shared by all visitors and keeps nothing of them.
    assert {name: set(vars(module)) for name, module in model.named_modules()} == kept
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def _every_value(schema: Schema) -> tuple[list[Session], Tensor]:
    """Visitors and candidates that between them use every id of every vocabulary."""
    ids = [int(i) for i in schema.movie_ids]
    profiles = [("F", 1, 0), (None, None, None), ("M", 56, 20)]
    ages = [1, 18, 25, 35, 45, 50, 56]
    found = []
    for number in range(3 * len(ids)):
        gender, age, occupation = profiles[number % 3]
        if number % 5:
            age, occupation = ages[number % 7], number % 21
        liked = (True, False, None)[(number // len(ids)) % 3]
        # One film alone makes its genre the favourite; others fill the history.
        count = (1, 2, schema.history_length)[number % 3] if number >= len(ids) else 1
        films = [Watched(ids[(number + 5 * i) % len(ids)], liked) for i in range(count)]
        found.append(Session(gender, age, occupation, films))
    films = [
        [(step * number + step) % len(ids) + 1 for step in (1, 3, 7, 9, 11)]
        for number in range(len(found))
    ]
    return found, torch.tensor(films)


def _everything_learned(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Outputs of all stages in one row, and the loss of a second task: what `fit` learns from."""
    besides = torch.zeros(())
    if isinstance(model, AuxiliaryLoss):
        output, besides = model.joint(batch)
    else:
        output = model(batch)
    if isinstance(model, Staged):
        output = torch.cat([output, model.first_stage()(batch)])
    return output, besides


def test_gradients_reach_every_weight(key: str, schema: Schema, make_model: Callable) -> None:
    model = make_model(key, schema, std=0.2).train()
    named = dict(model.named_parameters())
    if isinstance(model, Solved):
        assert not any(value.requires_grad for value in named.values())
        return
    for name, parameter in named.items():
        if name.endswith("bias"):  # a dead unit passes nothing back
            nn.init.constant_(parameter, 0.5)
    visitors, films = _every_value(schema)
    batch = encode(schema, visitors, films)
    users = 1 + torch.arange(len(visitors)) % USERS
    torch.manual_seed(0)
    logits, besides = _everything_learned(model, replace(batch, user=users))
    truth = (torch.rand(len(logits)) < 0.5).float()
    (nn.functional.binary_cross_entropy_with_logits(logits, truth) + besides).backward()
    assert named
    for name, parameter in named.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):  # row 0 is padding or unknown, not used everywhere
            idle = (module.weight.grad[1:] == 0).all(1).nonzero().flatten() + 1
            assert not len(idle), f"rows {idle.tolist()} of {name} never learn"
            if module.padding_idx is not None:
                assert (module.weight.grad[module.padding_idx] == 0).all(), name


def test_saved_and_loaded_it_scores_the_same(
    key: str,
    model: nn.Module,
    schema: Schema,
    sessions: list[Session],
    tmp_path: Path,
    write_checkpoint: Callable,
) -> None:
    write_checkpoint(tmp_path / key / "like", key, model, schema)
    loaded = open_folder(tmp_path / key / "like", schema)
    films = some_films(schema)
    assert not loaded.model.training
    model.requires_grad_(False)  # as the loaded one; torch computes a GRU another way if not
    wanted = scores_of(model, schema, sessions, films)
    assert torch.equal(scores_of(loaded.model, loaded.schema, sessions, films), wanted)


def test_unknown_profile_and_empty_history_get_an_answer(
    model: nn.Module, schema: Schema, sessions: list[Session]
) -> None:
    nobody, no_history = Session(), Session(gender="M", age=56, occupation=20)
    no_profile = Session(history=sessions[-1].history)
    logits = scores_of(model, schema, [nobody, no_history, no_profile], some_films(schema))
    assert logits.isfinite().all()


def test_trains_on_users_without_any_history(
    key: str, schema: Schema, make_model: Callable
) -> None:
    model = make_model(key, schema).train()
    batch = encode(schema, [Session()] * 3, some_films(schema))
    logits, besides = _everything_learned(model, replace(batch, user=torch.tensor([1, 2, 3])))
    assert logits.isfinite().all()
    assert besides.isfinite()
    if logits.requires_grad:
        (logits.square().sum() + besides).backward()
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        assert all(grad.isfinite().all() for grad in grads)
