"""The diagram is the model as it ran: shapes and arrows known beforehand, and a model left as it was."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from conftest import MakeModel
from torch import Tensor, nn

from recdemo.anatomy.describe import describe, words_of
from recdemo.anatomy.diagram import (
    OUTPUT,
    Box,
    Diagram,
    Edge,
    Layer,
    parts_of,
    trace,
    unused_parts,
    where_parameters_are,
)
from recdemo.blocks.mlp import MLP, TwoSidedMLP
from recdemo.charts.diagram import dot
from recdemo.core.batch import Batch
from recdemo.core.session import Session
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.models import CARDS

LENGTH, FILMS, K = 6, 38, 8  # of the small schema and models


@pytest.fixture
def batch(schema: Schema, sessions: list[Session]) -> Batch:
    """One visitor with six films read, and the whole catalogue."""
    return encode(schema, [sessions[-1]], torch.arange(1, schema.size + 1))


def drawn(make_model: MakeModel, schema: Schema, batch: Batch, key: str, **more: Any) -> Diagram:
    return trace(make_model(key, schema, **more), batch)


def shapes(diagram: Diagram) -> dict[tuple[str, str], set[tuple[int, ...]]]:
    return {(e.source, e.target): set(e.shapes) for e in diagram.edges if not e.weights}


def layer(diagram: Diagram, path: str) -> Layer:
    (found,) = [layer for layer in diagram.layers if layer.path == path]
    return found


def test_din_s_tensors_have_the_shapes_of_its_formula(
    make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    diagram = drawn(make_model, schema, batch, "din")
    profile = 4 * 8  # four fields, eight numbers each
    assert shapes(diagram) == {
        ("(history)", "films"): {(1, LENGTH)},
        ("(candidates)", "films"): {(FILMS,)},
        ("(history)", "attention"): {(1, LENGTH)},
        ("films", "attention"): {(1, LENGTH, K), (1, FILMS, K)},
        ("attention", "head.network"): {(1, FILMS, LENGTH)},
        ("films", "head.network"): {(1, LENGTH, K), (1, FILMS, K)},
        ("(profile)", "head.profile"): {(1,)},
        ("(taste)", "head.profile"): {(1,)},
        ("head.profile", "head.network"): {(1, profile)},
        ("(candidates)", "head.film_bias"): {(FILMS,)},
        ("head.network", OUTPUT): {(FILMS,)},
        ("head.film_bias", OUTPUT): {(FILMS,)},
    }
    first = layer(diagram, "head.network.layers.0")
    assert (first.inputs, first.outputs) == (((1, FILMS, 3 * K + profile),), ((1, FILMS, 7),))
    assert layer(diagram, "attention").outputs == ((1, FILMS, LENGTH),)
    assert diagram.frames == {"head": "interest head"}


def test_fm_s_tensors_have_the_shapes_of_its_formula(
    make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    diagram = drawn(make_model, schema, batch, "fm")
    found = shapes(diagram)
    for part in ("linear", "embedding"):
        for source, shape in (
            ("(profile)", {(1,)}),
            ("(taste)", {(1,), (1, 5)}),
            ("(history)", {(1, LENGTH)}),
            ("(candidates)", {(FILMS,)}),
        ):
            assert found.pop((source, f"machine.{part}")) == shape
    # Sums over the visitor's own fields [1], Σ v of the visitor [1, k], and of each film, beside Σ v of each.
    assert found == {
        ("machine.bias", OUTPUT): {()},
        ("machine.linear", OUTPUT): {(1,), (FILMS,)},
        ("machine.embedding", OUTPUT): {(1,), (1, K), (FILMS,), (FILMS, K)},
    }
    assert layer(diagram, "machine.embedding").calls == 2  # visitor's fields, and all films'
    assert diagram.frames == {"machine": "factorization machine"}
    assert not any(
        edge.weights for edge in diagram.edges
    )  # what both parts know of genres is nobody's


def test_one_film_makes_other_shapes(
    make_model: MakeModel, schema: Schema, sessions: list[Session]
) -> None:
    one = encode(schema, [sessions[-1]], torch.tensor([5]))
    found = shapes(drawn(make_model, schema, one, "din"))
    assert found["attention", "head.network"] == {(1, 1, LENGTH)}


@pytest.mark.parametrize("key", CARDS)
def test_every_model_is_drawn_whole_and_answers_as_ever(
    key: str, make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    model = make_model(key, schema)
    with torch.inference_mode():
        expected = model(batch)
    diagram = trace(model, batch)
    assert torch.equal(diagram.logits, expected)
    count = sum(p.numel() for p in model.parameters())
    assert diagram.parameters == count
    assert (
        sum(found.parameters for found in diagram.layers)
        + sum(p.numel() for p in model.parameters(recurse=False))
        == count
    )
    ends = {end for edge in diagram.edges for end in (edge.source, edge.target)}
    assert ends == {box.path for box in diagram.drawn}
    assert any(edge.target == OUTPUT for edge in diagram.edges)
    assert len(diagram.drawn) <= 16  # digestible
    reachable = {OUTPUT}
    for _ in diagram.edges:
        reachable |= {edge.source for edge in diagram.edges if edge.target in reachable}
    assert reachable == ends, "something is drawn that the answer does not come from"


@pytest.mark.parametrize("key", ["din", "mf", "dien", "textcnn_rating"])
def test_the_model_is_left_as_it_was(
    key: str, make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    model = make_model(key, schema)
    before = [(module, dict(vars(module))) for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    trace(model, batch)
    for module, attributes in before:
        assert vars(module).keys() == attributes.keys()
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])


def test_visitors_may_draw_one_model_at_the_same_time(
    make_model: MakeModel, schema: Schema, sessions: list[Session]
) -> None:
    model = make_model("din", schema)
    films = torch.arange(1, schema.size + 1)
    batches = [encode(schema, [session], films) for session in sessions]
    alone = [trace(model, batch) for batch in batches]
    together: list[Diagram | None] = [None] * len(batches)

    def draw(number: int) -> None:
        together[number] = trace(model, batches[number])

    threads = [threading.Thread(target=draw, args=(i,)) for i in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert other is not None
        assert other.edges == one.edges
        assert torch.equal(other.logits, one.logits)


def test_what_only_training_needs_is_not_drawn(
    make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    diagram = drawn(make_model, schema, batch, "transformer4rec")
    unused = {box.path for box in diagram.boxes if not box.used}
    assert unused >= {"decoder.0.own", "film_bias"}
    assert not any(path.startswith(("encoder", "head", "films")) for path in unused)


def test_a_fit_through_other_parts_is_told_from_what_passes(
    make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    diagram = drawn(make_model, schema, batch, "two_tower")
    through = {(edge.source, edge.target) for edge in diagram.edges if edge.weights}
    assert through == {("films", "users"), ("film_tower", "users"), ("user_tower", "users")}
    assert shapes(diagram)["users", "user_tower"] == {(1, K)}
    assert ("films", "users") not in shapes(diagram)


class Scaled(nn.Module):
    """Times a weight, and times how many rows another tensor has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return x * self.weight * other.shape[0]


class Wired(nn.Module):
    """a and b read different inputs; c reads a's answer added to b's; d is a table of its own; e reads c's."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = MLP(2, [], 3), MLP(2, [], 3), MLP(3, [], 1)
        self.idle, self.e = MLP(2, [], 3), Scaled()
        self.d = nn.Parameter(torch.ones(4, 1))

    def forward(self, batch: Batch) -> Tensor:
        user = torch.stack([batch.gender, batch.gender], dim=1).float()  # [U, 2]
        film = torch.stack([batch.target_movie, batch.target_movie], dim=1).float()  # [B, 2]
        both = self.a(user) + self.b(film)  # [B, 3]
        shape = user.new_zeros(user.shape)  # a shape read is no arrow
        answer = (self.c(both) * self.d[batch.target_movie % 4]).squeeze(1) + shape.sum()
        return self.e(answer, batch.history) + self.e(answer[:1], user).sum()


def test_arrows_follow_the_tensors(batch: Batch) -> None:
    diagram = trace(Wired().eval(), batch)
    assert shapes(diagram) == {
        ("(profile)", "a"): {(1, 2)},
        ("(candidates)", "b"): {(FILMS, 2)},
        ("a", "c"): {(1, 3)},
        ("b", "c"): {(FILMS, 3)},
        ("(candidates)", "d"): {(FILMS,)},
        ("c", "e"): {(FILMS, 1)},
        ("d", "e"): {(FILMS, 1)},
        ("e", OUTPUT): {(FILMS,), ()},
    }
    scaled = layer(diagram, "e")  # the larger of two calls
    assert (scaled.calls, scaled.outputs) == (2, ((FILMS,),))
    assert [box.path for box in diagram.boxes if not box.used] == ["idle"]
    assert diagram.parameters == 2 * (2 * 3 + 3) + (3 + 1) + (2 * 3 + 3) + 4 + 1


@pytest.mark.parametrize("key", CARDS)
def test_the_text_names_each_box_and_arrow_once(
    key: str, make_model: MakeModel, schema: Schema, batch: Batch
) -> None:
    diagram = drawn(make_model, schema, batch, key)
    text = dot(diagram)
    assert text.count("{") == text.count("}")
    assert text.count("->") == len(diagram.edges)
    assert text.count("style=dashed") == sum(edge.weights for edge in diagram.edges)
    for box in diagram.drawn:
        assert sum(line.startswith(f'"{box.path}" [') for line in text.splitlines()) == 1
    for box in diagram.boxes:
        if not box.used:
            assert f'"{box.path}"' not in text


def test_quotes_do_not_break_the_text() -> None:
    boxes = (Box('a"b', "block", 'quo"te', "x → y", 1), Box(OUTPUT, "output", "Answer", "[1]"))
    edges = (Edge('a"b', OUTPUT, ((1, 2), (3,), (4,))),)
    text = dot(Diagram(boxes, edges, (), {}, torch.zeros(1)))
    assert r'"a\"b" -> "(answer)"' in text
    assert r'label="quo\"te\nx → y\n1 parameter"' in text
    assert r"[1, 2]\l [3]\l …\l" in text


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Linear(3, 4), "linear 3 → 4"),
        (nn.Embedding(1200, 5), "table 1,200 × 5"),
        (MLP(6, [5, 4], 2), "MLP 6 → 5 → 4 → 2"),
        (TwoSidedMLP(6, 7, [5, 4]), "MLP 13 → 5 → 4 → 1"),
        (nn.LayerNorm(3), "layer norm"),
    ],
)
def test_blocks_say_what_they_are(module: nn.Module, words: str) -> None:
    assert describe(module) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ActivationUnit", "activation unit"),
        ("MLP", "MLP"),
        ("RNNMF", "RNNMF"),
        ("BatchNorm1d", "batch norm 1d"),
        ("UserTable", "user table"),
    ],
)
def test_class_names_become_words(name: str, words: str) -> None:
    assert words_of(name) == words


def planted(*boxes: Box) -> Diagram:
    return Diagram(boxes, (), (), {}, torch.zeros(1))


def test_where_parameters_are_and_what_an_answer_did_not_need() -> None:
    drawn = planted(
        Box("(user)", "input", "User", "[1]"),
        Box("film_bias", "table", "film bias", "[30]", 30, used=False),
        Box("head.network", "block", "network", "an MLP", 60),
        Box("head.spare", "block", "spare", "another", 10, used=False),
        Box("decoder.0", "block", "0", "a layer", 0, used=False),
        Box("decoder.1", "block", "1", "a layer", 0, used=False),
    )
    parts = parts_of(drawn)
    assert parts["part"].tolist()[:3] == ["head.network", "film bias", "head.spare"]
    assert parts["share"].tolist()[:3] == [0.6, 0.3, 0.1]
    assert where_parameters_are(drawn) == "60% of the 100 parameters are in “head.network”, an MLP."
    assert unused_parts(drawn) == ["film bias", "head.spare", "decoder"]
    assert "counted" in where_parameters_are(planted(Box("a", "block", "a", "b")))
