"""The same numbers as another library's layers give: deepctr-torch, by the authors of DeepCTR."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from by_hand import close, draw, mask_of, normal
from torch import Tensor, nn

from recdemo.blocks.attention import ActivationUnit
from recdemo.blocks.cross_layers import CrossNetwork
from recdemo.blocks.interaction import FactorizationMachine, bi_interaction
from recdemo.blocks.recurrent import AUGRU
from recdemo.core.batch import Batch
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

FILMS = torch.arange(1, 37)  # every one has a genre
U, L, IN, H = 4, 5, 3, 4


@pytest.fixture(scope="module")
def layers() -> Any:
    """deepctr_torch.layers. Importing the package asks the internet for its latest version; ours does not."""
    with pytest.MonkeyPatch.context() as patch:
        quiet = SimpleNamespace(check_version=lambda version: None)
        patch.setitem(sys.modules, "deepctr_torch.utils", quiet)
        import deepctr_torch.layers

        return deepctr_torch.layers


@pytest.fixture
def batch(schema: Schema) -> Batch:
    """Visitors without an empty field: deepctr's attention knows of none."""
    visitors = [
        Session(
            "FM"[number % 2],
            25,
            number,
            [Watched(5 * (7 * number + i) % 190 + 2, (True, False, None)[i % 3]) for i in range(6)],
        )
        for number in range(5)
    ]
    return encode(schema, visitors, FILMS)


def _close(found: Tensor, wanted: Tensor) -> None:
    close(found, wanted)
    assert found.std() > 0.05


@pytest.mark.parametrize("depth", [1, 3])
def test_cross_network(depth: int, layers: Any, schema: Schema, batch: Batch) -> None:
    torch.manual_seed(depth)
    ours, theirs = CrossNetwork(6, depth), layers.CrossNet(6, depth)
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.4)
    theirs.load_state_dict({"kernels": ours.weights.unsqueeze(2), "bias": ours.biases.unsqueeze(2)})
    user, film = torch.randn(batch.users, 4), torch.randn(schema.size + 1, 2)
    x = torch.cat([user.repeat_interleave(len(FILMS), dim=0), film[batch.target_movie]], dim=1)
    with torch.inference_mode():
        _close(ours(user, film, batch).flatten(), ours.head(theirs(x)).squeeze(1))


def test_attention_over_pairs(layers: Any, schema: Schema, batch: Batch, make_model: Any) -> None:
    ours = make_model("afm", schema, std=0.8)
    theirs = layers.AFMLayer(8, attention_factor=5)
    theirs.load_state_dict(
        {
            "attention_W": ours.inner.weight.T,
            "attention_b": ours.inner.bias,
            "projection_h": ours.outer.weight.T,
            "projection_p": ours.projection.unsqueeze(1),
        }
    )
    with torch.inference_mode():
        fields = ours.embedding(batch)
        assert (fields.abs().sum(2) > 0).all()  # no field is empty
        rest = ours.bias + ours.linear(batch).sum((1, 2))
        attended = theirs(list(fields.split(1, dim=1))).squeeze(1)
        _close(ours(batch) - rest, attended)
        shown = ours.field_terms(batch).attention
    _close(shown * 55, theirs.normalized_att_score.squeeze(2) * 55)


def test_factorisation_machine(layers: Any, schema: Schema, batch: Batch) -> None:
    torch.manual_seed(0)
    ours = FactorizationMachine(schema, embed_dim=8)
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.4)
    with torch.inference_mode():
        fields = ours.embedding(batch)
        pairs = layers.FM()(fields).squeeze(1)
        wanted = ours.bias + ours.linear(batch).sum((1, 2)) + pairs
        _close(ours(ours.fields(batch), batch).flatten(), wanted)
        _close(bi_interaction(fields), layers.BiInteractionPooling()(fields).squeeze(1))


def test_augru_is_that_of_deepctr(layers: Any) -> None:
    block = draw(AUGRU(IN, H), std=1.0)
    cell = layers.sequence.AUGRUCell(IN, H)
    # Set one by one: as it is made, one tensor of theirs stands under the names of both biases.
    cell.weight_ih, cell.bias_ih = block.from_input.weight, block.from_input.bias
    cell.weight_hh, cell.bias_hh = block.from_state.weight, block.from_state.bias
    x, mask = normal(U, L, IN), mask_of((5, 2, 0, 1), L).unsqueeze(1)
    attention = torch.rand(U, 3, L, generator=torch.Generator().manual_seed(8)) * mask
    found = block(x, attention)
    for c in range(3):
        state = torch.zeros(U, H)
        for t in range(L):
            state = cell(x[:, t], state, attention[:, c, t])
        close(found[:, c], state)


@pytest.mark.parametrize("candidates", [3, 40])
def test_activation_unit_is_that_of_deepctr(candidates: int, layers: Any) -> None:
    """Theirs reads [q, x, q − x, q ⊙ x], ours [x, q, x − q, x ⊙ q]."""
    unit = draw(ActivationUnit(IN, hidden=6))
    unit.dice.norm.running_mean.normal_()
    unit.dice.norm.running_var.uniform_(0.5, 2.0)
    theirs = layers.core.LocalActivationUnit((6,), IN, activation="dice").eval()
    w_x, w_q, w_minus, w_times = unit.inner.weight.detach().chunk(4, dim=1)
    dice = theirs.dnn.activation_layers[0]
    with torch.no_grad():
        theirs.dnn.linears[0].weight.copy_(torch.cat([w_q, w_x, -w_minus, w_times], dim=1))
        theirs.dnn.linears[0].bias.copy_(unit.inner.bias)
        dice.alpha.copy_(unit.dice.alpha.unsqueeze(1))
        dice.bn.running_mean.copy_(unit.dice.norm.running_mean)
        dice.bn.running_var.copy_(unit.dice.norm.running_var)
    theirs.dense.load_state_dict(unit.outer.state_dict())
    history, query = normal(U, L, IN), normal(U, candidates, IN, seed=2)
    found = unit(history, torch.ones(U, L, dtype=torch.bool), query)
    for c in range(candidates):
        close(found[:, c], theirs(query[:, c : c + 1], history).squeeze(-1), 3e-5)
