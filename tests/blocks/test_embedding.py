"""The fields of visitors and films as vectors: each against its loop, and what they learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from by_hand import close, draw, own_candidates, tables_of

from recdemo.blocks import lookup
from recdemo.blocks.embedding import (
    FIELDS,
    HISTORY_FIELDS,
    ITEM_FIELDS,
    USER_FIELDS,
    FieldEmbedding,
    gather,
    history_shares,
    rows_for,
    spread,
)
from recdemo.blocks.lookup import MANY_IDS, rows
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema

K = 5


# Fields


@pytest.mark.parametrize("field", FIELDS)
def test_field_is_what_its_loop_says(
    field: str, schema: Schema, sessions: list[Session], vectors_by_hand: Callable
) -> None:
    module = draw(FieldEmbedding(schema, embed_dim=K))
    candidates = own_candidates(schema, len(sessions), 4)
    found = module(encode(schema, sessions, candidates))[:, module.fields.index(field)]
    table = {field: tables_of(module, "")[field]}
    wanted = [
        vectors_by_hand(table, schema.movies, 6, session, int(film))[field]
        for session, films in zip(sessions, candidates, strict=True)
        for film in films
    ]
    close(found, wanted)
    assert found.abs().max() > 0.1


def test_fields_stand_in_the_order_of_their_names(schema: Schema, sessions: list[Session]) -> None:
    module = draw(FieldEmbedding(schema, embed_dim=K))
    assert module.fields == FIELDS == USER_FIELDS + ITEM_FIELDS
    batch = encode(schema, sessions, torch.tensor([3, 9]))
    both = module(batch)
    assert both.shape == (2 * len(sessions), len(FIELDS), K)
    torch.testing.assert_close(both[::2, : len(USER_FIELDS)], module.user(batch))
    torch.testing.assert_close(both[0, len(USER_FIELDS) :], module.catalogue()[3])


def test_genres_are_their_mean_for_every_film(schema: Schema) -> None:
    module = draw(FieldEmbedding(schema, embed_dim=K, fields=["genres"]))
    table = tables_of(module, "")["genres"]
    wanted = np.zeros((schema.size + 1, 1, K))
    for film in range(1, schema.size + 1):
        flags = schema.genre_flags[film].tolist()
        for genre, flag in enumerate(flags, start=1):
            wanted[film, 0] += flag * table[genre] / max(sum(flags), 1)
    close(module.catalogue(), wanted)


def test_history_fields_keep_the_share_that_was_liked(schema: Schema) -> None:
    """Two of four films liked give half the vector that the same two alone would."""
    module = draw(FieldEmbedding(schema, embed_dim=K))
    ids = [int(i) for i in schema.movie_ids[:4]]
    liked = [Watched(i, True) for i in ids[:2]]
    both = [*liked, *(Watched(i, False) for i in ids[2:])]
    batch = encode(schema, [Session(history=liked), Session(history=both)], torch.tensor([1]))
    alone, among = module.user(batch)[:, USER_FIELDS.index("liked")]
    assert alone.abs().max() > 0.1
    torch.testing.assert_close(among, alone / 2)


@pytest.mark.parametrize("prior", [0.0, 2.5])
@pytest.mark.parametrize("norm", [0, 1, 2])
@pytest.mark.parametrize("recency", [None, 3.0])
def test_shares_of_a_history_are_a_mean_a_root_or_a_sum(
    recency: float | None, norm: int, prior: float, schema: Schema, sessions: list[Session]
) -> None:
    found = history_shares(encode(schema, sessions, torch.tensor([1])), recency, norm, prior)
    for u, session in enumerate(sessions):
        ages = reversed(range(len(session.history[-6:])))
        weights = [np.exp(-age / recency) if recency else 1.0 for age in ages]
        root = np.sqrt(sum(weight**2 for weight in weights))
        whole = {0: 1, 1: sum(weights) + prior, 2: root + prior}[norm]
        wanted = [weight / whole for weight in weights]
        close(found[u], wanted + [0.0] * (6 - len(wanted)))


def test_a_film_watched_stands_in_the_history_with_its_genres_and_year(
    schema: Schema, sessions: list[Session]
) -> None:
    module = draw(FieldEmbedding(schema, embed_dim=K, content=True, norm=2))
    state = {name: value.double().numpy() for name, value in module.state_dict().items()}
    batch = encode(schema, sessions, torch.tensor([1]))
    wanted = np.zeros((len(sessions), 3, K))
    for u in range(len(sessions)):
        count = int(batch.history_mask[u].sum())
        for film, kind in zip(batch.history[u].tolist(), batch.feedback[u].tolist(), strict=True):
            if not kind:
                continue
            name = HISTORY_FIELDS[kind - 1]
            vector = state[f"tables.{name}.weight"][film]
            vector = vector + state[f"contents.{name}_year.weight"][int(schema.year_ids[film])]
            genres = [g for g, flag in enumerate(schema.genre_flags[film].tolist(), 1) if flag]
            for genre in genres:
                vector = vector + state[f"contents.{name}_genres.weight"][genre] / len(genres)
            wanted[u, kind - 1] += vector / np.sqrt(count)
    close(module.user(batch)[:, -3:], wanted)


def test_with_a_prior_a_short_history_says_less(schema: Schema) -> None:
    """One film speaks for 1 / (1 + 3) of the history, four for 4 / (4 + 3)."""
    module = draw(FieldEmbedding(schema, embed_dim=K, prior=3.0))
    plain = draw(FieldEmbedding(schema, embed_dim=K))
    plain.load_state_dict(module.state_dict())
    films = [Watched(int(i), True) for i in schema.movie_ids[:4]]
    visitors = [Session(history=films[:count]) for count in (1, 4)]
    batch = encode(schema, visitors, torch.tensor([1]))
    found, wanted = (each.user(batch)[:, USER_FIELDS.index("liked")] for each in (module, plain))
    torch.testing.assert_close(found, wanted * torch.tensor([[1 / 4], [4 / 7]]))


@pytest.mark.parametrize("prior", [-1.0, float("nan")])
def test_a_prior_is_not_below_zero(prior: float, schema: Schema) -> None:
    with pytest.raises(ValueError, match=f"prior {prior} is below 0"):
        FieldEmbedding(schema, embed_dim=K, prior=prior)


def test_an_unknown_norm_is_refused(schema: Schema) -> None:
    with pytest.raises(ValueError, match="norm 3"):
        FieldEmbedding(schema, embed_dim=K, norm=3)


@pytest.mark.parametrize("fields", [["movie", "gender"], ["gender", "director"]])
def test_fields_out_of_order_or_unknown_are_refused(fields: list[str], schema: Schema) -> None:
    with pytest.raises(ValueError, match=fields[-1]):
        FieldEmbedding(schema, embed_dim=K, fields=fields)


@pytest.mark.parametrize("many", [1, 1000])  # ids from which on they are sorted
def test_history_fields_learn_what_their_formula_does(
    many: int, schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MANY_IDS", many)
    module = draw(FieldEmbedding(schema, embed_dim=K)).double()
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
    module = draw(FieldEmbedding(schema, embed_dim=K)).requires_grad_(False)
    beside = draw(FieldEmbedding(schema, embed_dim=1)).requires_grad_(False)
    for some in (sessions[:1], sessions):
        candidates = own_candidates(schema, len(some), count)
        batch = encode(schema, some, candidates)
        found = spread(module.films(batch, beside), batch)
        assert found.shape == (len(some), count, len(ITEM_FIELDS), 1 + K)
        close(found[..., 1:], module.catalogue()[candidates])
        close(found[..., :1], beside.catalogue()[candidates])
        close(module.user(batch, beside)[..., 1:], module.user(batch))
        close(module.user(batch, beside)[..., :1], beside.user(batch))
        present = spread(module.films_present(batch), batch)
        assert torch.equal(present[..., 1], schema.genre_flags[candidates].any(-1))
        table = module.weight("movie")
        close(spread(rows_for(batch, table), batch), table[candidates])


# Rows of tables


def test_gather_gives_each_row_its_film(schema: Schema, sessions: list[Session]) -> None:
    candidates = own_candidates(schema, len(sessions), 3)
    table = torch.randn(schema.size + 1, 2, K)
    found = gather(table, encode(schema, sessions, candidates))
    assert found.shape == (len(sessions), 3, 2, K)
    for user, films in enumerate(candidates.tolist()):
        for place, film in enumerate(films):
            assert torch.equal(found[user, place], table[film])


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
