"""What each known trap of `recdemo.anatomy.traps` would do to a visitor's own answers, with a trained model's weights.

Each demonstration computes the trap and the right way from the same model, visitor and films. Where a trap is about a
chance, the model trained on "would they like it" is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding

from recdemo.answers.explain import titles_of, unwatched
from recdemo.answers.recommend import Recommender
from recdemo.blocks.embedding import gather
from recdemo.blocks.interaction import bi_interaction
from recdemo.blocks.mlp import Dice
from recdemo.blocks.transformer import MultiHeadAttention, causal, distance_from_end
from recdemo.core.batch import Batch
from recdemo.core.protocols import ShowsFields, ShowsHeads
from recdemo.core.session import Session, Watched
from recdemo.encoding.encode import encode
from recdemo.models.afm import AFM
from recdemo.models.bst import BST
from recdemo.models.dien import DIEN
from recdemo.models.din import DIN
from recdemo.models.embedding_cnn import EmbeddingCNN
from recdemo.models.recurrent import RNNJoint
from recdemo.models.textcnn_rating import TextCNNRating
from recdemo.models.transformer4rec import Transformer4Rec

FIXED_A = 0.1  # of the printed Dice
TITLES = 200  # put together one by one
EVERY = 10  # how many films of the catalogue one stands for, where all would take long


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What a trap does here.

    Args:
        finding: one sentence, made of the numbers.
        rows: what is measured, with the trap, and done right.
        note: how to read the rows, where that needs a word.
    """

    finding: str
    rows: tuple[tuple[str, str, str], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """A model, a visitor and the films asked about, as a demonstration needs them."""

    recommender: Recommender
    session: Session
    movie_ids: tuple[int, ...]

    @property
    def model(self) -> Any:
        return self.recommender.checkpoint.model

    @property
    def titles(self) -> tuple[str, ...]:
        return titles_of(self.recommender, self.movie_ids)

    @property
    def read(self) -> list[Watched]:
        """Films of the history that the model reads."""
        return list(self.session.history)[-self.recommender.checkpoint.schema.history_length :]

    @property
    def batch(self) -> Batch:
        """The films asked about, for the one visitor: U = 1, C films."""
        schema = self.recommender.checkpoint.schema
        films = torch.tensor([schema.index_of(movie) for movie in self.movie_ids])
        return encode(schema, [self.session], films)

    @property
    def like(self) -> Recommender:
        """The model that gives a chance of liking."""
        return self.recommender.liker or self.recommender

    def like_logits(self) -> Tensor:
        """Of the whole catalogue, [M]."""
        return torch.from_numpy(self.like.logits(self.session))

    def rows_of(self, logits: Tensor) -> Tensor:
        """Of the films asked about, out of the whole catalogue's."""
        return logits[self.batch.target_movie - 1]


def demonstrate(
    key: str, recommender: Recommender, session: Session, movie_ids: Sequence[int]
) -> Demonstration | None:
    """What a trap would do.

    Args:
        key: of `recdemo.anatomy.traps.TRAPS`.
        recommender: a model that the trap is known of.
        session: who asks; films asked about count as not yet watched.
        movie_ids: films asked about, one or more.

    Returns:
        None where there is nothing to compute: a trap of names only, or one that needs films watched.
    """
    if key not in _SHOWN:
        return None
    for movie in movie_ids:
        session = unwatched(session, movie)
    with torch.inference_mode():
        return _SHOWN[key](_Case(recommender, session, tuple(movie_ids)))


def _softmax_of_one(case: _Case) -> Demonstration:
    model = cast(AFM, case.model)
    pooled = bi_interaction(model.embedding(case.batch)).unsqueeze(1)  # [C, 1, k]
    printed = torch.softmax(model.outer(torch.relu(model.inner(pooled))), dim=1).flatten()  # [C]
    right = cast(Tensor, model.field_terms(case.batch).attention)  # [C, P]
    top, pairs = right.max(1).values, (right > 0).sum(1)
    rows = tuple(
        (f"Largest weight for {title}", f"{p:.3f} of 1 thing", f"{t:.3f} of {n} pairs")
        for title, p, t, n in zip(
            case.titles, printed.tolist(), top.tolist(), pairs.tolist(), strict=True
        )
    )
    even = 1 / int(pairs[0])
    return Demonstration(
        f"Printed, the only weight is {printed[0]:.3f} for every film; done right, the strongest pair of "
        f"{case.titles[0]} gets {top[0]:.3f}, {top[0] / even:.1f} times an even share.",
        rows,
    )


def _blind_attention(case: _Case) -> Demonstration | None:
    if not case.read:
        return None
    model, batch = cast(DIN, case.model), case.batch
    films = model.films.catalogue()
    history, query = model.films.watched(films, batch), gather(films, batch)
    right = model.history_weights(batch)[0, :, : len(case.read)]  # [C, L]
    blind = model.attention(history, batch.history_mask, torch.zeros_like(query))
    blind = blind[0, :, : len(case.read)]
    moved = right.max(0).values - right.min(0).values  # [L]
    watched = titles_of(case.recommender, [film.movie_id for film in case.read])
    most = moved.argsort(descending=True)[:4].tolist()
    rows = tuple((watched[i], _numbers(blind[:, i]), _numbers(right[:, i])) for i in most)
    note = (
        f"Each row is a film watched; its weights are for {', '.join(case.titles)}, in this order."
    )
    if len(case.movie_ids) == 1:
        return Demonstration(
            "With a second film asked about, the weights can be compared.", rows, note
        )
    spread = float((blind.max(0).values - blind.min(0).values).max())
    return Demonstration(
        f"From one film asked about to another the weight of {watched[most[0]]} moves by "
        f"{moved[most[0]]:.2f}; with the film asked about left out of the same unit, no weight moves by more "
        f"than {spread:.2f}.",
        rows,
        note,
    )


def _dice_on_logit(case: _Case) -> Demonstration:
    logits = case.like_logits()
    dice = Dice(1).eval()
    dice.alpha.fill_(FIXED_A)
    dice.norm.running_mean = logits.mean().unsqueeze(0)
    dice.norm.running_var = logits.var().unsqueeze(0)
    printed = torch.sigmoid(dice(logits.unsqueeze(1)).squeeze(1))
    right = torch.sigmoid(logits)
    few = (int((printed < 0.4).sum()), int((right < 0.4).sum()))
    return Demonstration(
        f"Printed, {few[0]:,} of {len(logits):,} films have a chance below 40 %; done right, {few[1]:,} have.",
        (
            *_chances(case, printed, right),
            ("Least of the catalogue", f"{printed.min():.1%}", f"{right.min():.1%}"),
            ("Films below 40 %", f"{few[0]:,}", f"{few[1]:,}"),
        ),
    )


def _softmax_over_steps(case: _Case) -> Demonstration | None:
    if len(case.read) < 2:
        return None
    model, batch = cast(DIEN, case.model), case.batch
    films = model.films.catalogue()
    states = model.extraction.states(model.films.watched(films, batch), batch.history_mask)
    scores = gather(films, batch) @ model.attention.inner(states).transpose(1, 2)  # [1, C, L]
    printed = torch.softmax(scores.unsqueeze(-1), dim=-1).squeeze(-1) * batch.history_mask
    right = model.history_weights(batch)
    rows = [
        (f"Sum of weights for {title}", f"{p:.2f}", f"{r:.2f}")
        for title, p, r in zip(
            case.titles, printed.sum(-1)[0].tolist(), right.sum(-1)[0].tolist(), strict=True
        )
    ]
    interest = [model.evolution(states, weights)[0] for weights in (printed, right)]  # [C, k] each
    apart = [float((one - one[:1]).abs().max()) for one in interest]
    rows.append(("Interests differ between films by", f"{apart[0]:.3f}", f"{apart[1]:.3f}"))
    return Demonstration(
        f"Printed, every weight is 1, and the evolved interest differs by {apart[0]:.3f} between the films asked "
        f"about; done right, by {apart[1]:.3f}.",
        tuple(rows),
    )


def _random_state(case: _Case) -> Demonstration | None:
    if not case.read:
        return None
    model, batch = cast(DIEN, case.model), case.batch
    films = model.films.catalogue()
    watched = model.films.watched(films, batch)
    query = gather(films, batch)

    def ask(seed: int | None) -> float:
        start = torch.zeros(1, 1, watched.shape[2])
        if seed is not None:
            start.normal_(generator=torch.Generator().manual_seed(seed))
        states, _ = model.extraction.layer(watched.transpose(0, 1), start)
        states = states.transpose(0, 1) * batch.history_mask.unsqueeze(-1)
        weights = model.attention(states, batch.history_mask, query)
        return float(model.head(model.evolution(states, weights), query, batch)[0])

    printed, right = [ask(seed) for seed in range(2)], [ask(None) for _ in range(2)]
    alone = "an answer"
    try:
        nn.BatchNorm1d(1)(torch.zeros(1, 1))
    except ValueError as error:
        alone = str(error).split(",")[0]
    calls = [
        (f"{case.titles[0]}, logit of the {place} call", f"{p:+.4f}", f"{r:+.4f}")
        for place, p, r in zip(("first", "second"), printed, right, strict=True)
    ]
    return Demonstration(
        f"Asked twice about {case.titles[0]}, the printed way moves by {abs(printed[0] - printed[1]):.4f}, "
        f"the right way by {abs(right[0] - right[1]):.4f}.",
        (*calls, ("One visitor, fresh batch normalisation", alone, "an answer")),
    )


def _softmax_over_batch(case: _Case) -> Demonstration | None:
    if len(case.read) < 2:
        return None
    base, batch = cast(RNNJoint, case.model).base, case.batch
    films = base.films.catalogue()
    states = base.recurrence.states(base.films.watched(films, batch), batch.history_mask)
    scores = states @ films[1:].T + base.film_bias.weight[1:, 0]  # [1, L, M]
    scores = scores[:, : len(case.read) - 1]
    following = batch.history[0, 1 : len(case.read)] - 1
    shares = torch.softmax(scores, dim=0)
    printed = float(cross_entropy(shares[0], following))
    right = float(cross_entropy(scores[0], following))
    chances = torch.softmax(scores[0], dim=-1)
    return Demonstration(
        f"Printed, each of {scores.shape[2]:,} films has the chance {shares.max():.2f} at every step, and the loss "
        f"is {printed:.2f} whatever is learned; done right it is {right:.2f} for this history.",
        (
            (
                "Chances of one step add up to",
                f"{shares[0, 0].sum():,.0f}",
                f"{chances[0].sum():.2f}",
            ),
            ("Greatest chance of any film", f"{shares.max():.3f}", f"{chances.max():.3f}"),
            ("Loss for this history", f"{printed:.3f}", f"{right:.3f}"),
        ),
    )


def _masked_diagonal(case: _Case) -> Demonstration | None:
    count = len(case.read)
    if count < 2:
        return None
    model, batch = cast(Transformer4Rec, case.model), case.batch
    watched = model.films.watched(model.films.catalogue(), batch)
    x = (watched + model.positions(distance_from_end(batch.history_mask)))[:, :count]
    own = cast(MultiHeadAttention, model.decoder[0].own)
    q, k = (
        layer(x).unflatten(-1, (own.heads, -1)).transpose(1, 2) for layer in (own.query, own.key)
    )
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # [1, H, L, L]
    before = torch.ones(count, count).tril(-1).bool()
    printed = torch.softmax(scores.masked_fill(~before, -1e9), dim=-1).mean((0, 1))
    right = torch.softmax(scores.masked_fill(~causal(count), float("-inf")), dim=-1).mean((0, 1))
    ahead = [float(weights[0, 1:].sum()) for weights in (printed, right)]
    itself = [float(weights.diagonal()[1:].mean()) for weights in (printed, right)]
    return Demonstration(
        f"Printed, the first of these {count} films spends {ahead[0]:.0%} of its attention on films that come "
        f"later; done right, {ahead[1]:.0%}.",
        (
            ("First film looks at later ones", f"{ahead[0]:.1%}", f"{ahead[1]:.1%}"),
            ("Other films look at themselves", f"{itself[0]:.1%}", f"{itself[1]:.1%}"),
        ),
    )


def _no_padding_mask(case: _Case) -> Demonstration:
    model = cast(BST, case.model)
    batch = _padded(case.batch, model.places - 1)  # as many places as training has
    films, mask = model.films.catalogue(), batch.history_mask
    history = model.films.watched(films, batch) + model.positions(distance_from_end(mask))
    query = gather(films + model.positions(torch.tensor(0)), batch)
    everywhere = torch.ones_like(mask)
    printed = model.encoder.attention.beside(query, history, everywhere)[1].mean((1, 2))[0]
    right = cast(ShowsHeads, model).head_weights(batch).mean((1, 2))[0]  # [L + 1]
    places = [*mask[0].tolist(), True]
    empty = [float(w[[not real for real in places]].sum()) for w in (printed, right)]
    own = [float(w[-1]) for w in (printed, right)]
    seen = [1 - e - o for e, o in zip(empty, own, strict=True)]
    count = places.count(False)
    finding = (
        f"Printed, {empty[0]:.0%} of the attention goes to {count} empty places; done right, {empty[1]:.0%}."
        if count
        else "This history fills every place, so there is nothing to mask: the trap shows with a shorter one."
    )
    names = ("On empty places", "On the films watched", "On the film asked about")
    pairs = zip(names, (empty, seen, own), strict=True)
    return Demonstration(finding, tuple((name, f"{p:.1%}", f"{r:.1%}") for name, (p, r) in pairs))


def _padded(batch: Batch, length: int) -> Batch:
    """The same batch, its histories padded to a length."""
    more = (0, length - batch.history.shape[1])
    history, feedback = (nn.functional.pad(x, more) for x in (batch.history, batch.feedback))
    return replace(batch, history=history, feedback=feedback)


def _loud_positions(case: _Case) -> Demonstration:
    model = cast("BST | Transformer4Rec", case.model)
    film = float(model.films.catalogue()[1:].norm(dim=1).mean())
    printed = float(model.positions.table.norm(dim=1).mean())
    right = printed * abs(float(model.positions.size))
    return Demonstration(
        f"At full size a position is {printed / film:.1f} times as long as a film's vector; with the size this model "
        f"learned, {right / film:.1f} times.",
        (
            ("Mean length of a film's vector", f"{film:.2f}", f"{film:.2f}"),
            ("Mean length of what a position adds", f"{printed:.2f}", f"{right:.2f}"),
        ),
    )


def _tanh_before_sigmoid(case: _Case) -> Demonstration:
    logits = case.like_logits()
    printed, right = torch.sigmoid(torch.tanh(logits)), torch.sigmoid(logits)
    outside = int(((right < printed.min()) | (right > printed.max())).sum())
    return Demonstration(
        f"Printed, this visitor's chances lie between {printed.min():.1%} and {printed.max():.1%}; done right, "
        f"{outside:,} of {len(logits):,} films lie outside of that.",
        (
            *_chances(case, printed, right),
            ("Least of the catalogue", f"{printed.min():.1%}", f"{right.min():.1%}"),
            ("Greatest of the catalogue", f"{printed.max():.1%}", f"{right.max():.1%}"),
        ),
    )


def _dropout_on_logit(case: _Case) -> Demonstration:
    logits = case.rows_of(case.like_logits())
    doubled, right = torch.sigmoid(2 * logits).tolist(), torch.sigmoid(logits).tolist()
    rows = tuple(
        (title, f"50.0% or {twice:.1%}", f"{once:.1%}")
        for title, twice, once in zip(case.titles, doubled, right, strict=True)
    )
    return Demonstration(
        f"Asked again and again about {case.titles[0]}, the printed way says 50.0% half of the time and "
        f"{doubled[0]:.1%} the other half; done right, always {right[0]:.1%}.",
        rows,
    )


def _two_sigmoids(case: _Case) -> Demonstration:
    model, schema = cast(ShowsFields, case.like.checkpoint.model), case.like.checkpoint.schema
    spread = torch.arange(1, schema.size + 1, EVERY)
    terms = model.field_terms(
        encode(schema, [case.session], torch.cat([case.batch.target_movie, spread]))
    )
    deep = cast(Tensor, terms.deep)
    pairs = terms.pairs.sum(1)
    printed = torch.sigmoid(pairs + torch.sigmoid(deep)).tolist()
    right = torch.sigmoid(terms.bias + terms.linear.sum(1) + pairs + deep).tolist()
    asked = zip(case.titles, printed, right, strict=False)
    deep = deep[len(case.titles) :]
    added = torch.sigmoid(deep)
    return Demonstration(
        f"Done right, the deep part lowers the logit of {int((deep < 0).sum()):,} of {len(deep):,} films spread over "
        f"the catalogue, by up to {max(0.0, -float(deep.min())):.2f}; printed, of none.",
        (
            *((title, f"{p:.1%}", f"{r:.1%}") for title, p, r in asked),
            (
                "Deep part adds to the logit",
                f"{added.min():+.2f} to {added.max():+.2f}",
                f"{deep.min():+.2f} to {deep.max():+.2f}",
            ),
        ),
    )


def _filter_over_dimensions(case: _Case) -> Demonstration:
    model = cast(EmbeddingCNN, case.model)
    fields = model.embedding(case.batch)[:1]  # [1, F, k]
    order = torch.randperm(fields.shape[2], generator=torch.Generator().manual_seed(0))
    filters = model.convolution.weight  # [maps, k, 3]
    along = torch.ones(1, fields.shape[1], 3) * torch.tensor([-1.0, 0.0, 1.0])
    printed = [
        float(torch.relu(torch.conv1d(x, along)).max()) for x in (fields, fields[:, :, order])
    ]
    right = [
        float(torch.relu(torch.conv1d(x.transpose(1, 2), w)).max())
        for x, w in ((fields, filters), (fields[:, :, order], filters[:, order]))
    ]
    change = abs(printed[1] / printed[0] - 1) if printed[0] else 0.0
    return Demonstration(
        f"Renumbering the {fields.shape[2]} dimensions changes the strongest answer of a filter along them by "
        f"{change:.0%}, and that of the filters along the fields by {abs(right[1] - right[0]):.4f}.",
        (
            ("Strongest answer", f"{printed[0]:.4f}", f"{right[0]:.4f}"),
            ("After renumbering", f"{printed[1]:.4f}", f"{right[1]:.4f}"),
        ),
    )


def _shared_rows(case: _Case) -> Demonstration:
    schema = case.recommender.checkpoint.schema
    years, flags = schema.year_ids[1:], schema.genre_flags[1:]  # [M], [M, 18]
    as_genre = embedding((years - 1).clamp(max=schema.genres - 1), torch.eye(schema.genres))
    clash = (flags * as_genre).sum(1).bool() & (years <= schema.genres)
    table = getattr(case.model, "machine", case.model).embedding
    common = min(schema.genres, schema.years)
    genre, year = (table.weight(name)[1 : common + 1] for name in ("genres", "year"))
    alike = float(nn.functional.cosine_similarity(genre, year).abs().mean())
    rows = [
        ("Numbers that mean a genre and a year", f"{common}", "0"),
        ("Films whose year has the row of one of their genres", f"{int(clash.sum()):,}", "0"),
        ("Mean absolute cosine of such a pair", "1.00", f"{alike:.2f}"),
    ]
    return Demonstration(
        f"In one table, {int(clash.sum()):,} of {len(years):,} films would read one row as genre and as year; "
        f"kept apart, this model's vectors of such pairs have a mean absolute cosine of {alike:.2f}.",
        tuple(rows),
    )


def _answer_in_history(case: _Case) -> Demonstration | None:
    if not case.read:
        return None
    schema = case.recommender.checkpoint.schema
    latest = range(len(case.read) - 1, max(-1, len(case.read) - 4), -1)
    asked = [replace(case.session, history=case.read[:i]) for i in latest]
    told = [replace(case.session, history=case.read[: i + 1]) for i in latest]
    everything = torch.arange(1, schema.size + 1)
    logits = case.model(encode(schema, [*told, *asked], everything)).view(2, len(asked), -1)
    ids = [case.read[i].movie_id for i in latest]
    own = torch.tensor([schema.index_of(movie) - 1 for movie in ids]).expand(2, -1).unsqueeze(-1)
    places = (logits > logits.gather(2, own)).sum(-1) + 1  # [2, N]
    titles = titles_of(case.recommender, ids)
    printed, right = places.tolist()
    most = int((places[1] - places[0]).abs().argmax())
    return Demonstration(
        f"{titles[most]} stands at place {right[most]:,} of the list made of what was watched before it, and at place "
        f"{printed[most]:,} once the history holds it.",
        tuple(
            (f"Place of {title}", f"{p:,}", f"{r:,}")
            for title, p, r in zip(titles, printed, right, strict=True)
        ),
    )


def _reciprocal_rank(case: _Case) -> Demonstration:
    rows = [(f"Place {n + 1}", f"{1 / n + 1:.3f}", f"{1 / (n + 1):.3f}") for n in (1, 2, 9)]
    first = ("Place 1", "division by zero", "1.000")
    if not case.read:
        return Demonstration(
            "Printed, the first place divides by zero and every other scores more than 1.",
            (first, *rows),
        )
    latest = case.read[-1].movie_id
    asked = unwatched(case.session, latest)
    index = case.recommender.checkpoint.schema.index_of(latest)
    logits = np.where(case.recommender.unseen(asked), case.recommender.logits(asked), -np.inf)
    n = int((logits > logits[index - 1]).sum())
    printed = "division by zero" if n == 0 else f"{1 / n + 1:.4f}"
    (title,) = titles_of(case.recommender, [latest])
    return Demonstration(
        f"{title} stands at place {n + 1:,} of the list without it: printed, that scores {printed}, "
        f"done right {1 / (n + 1):.4f}.",
        (first, *rows, (f"Place {n + 1:,}, {title}", printed, f"{1 / (n + 1):.4f}")),
    )


def _titles_again(case: _Case) -> Demonstration:
    model, card = cast(TextCNNRating, case.model), case.recommender.checkpoint.card
    titles = model.title_words[1 : TITLES + 1]
    glove = model.words
    started = time.perf_counter()
    for title in titles.tolist():
        torch.stack([glove[word] for word in title])
    printed = (time.perf_counter() - started) / len(titles)
    started = time.perf_counter()
    embedding(titles, glove)
    right = (time.perf_counter() - started) / len(titles)
    counts = case.recommender.catalogue["ratings"].to_numpy(dtype=float)
    step = int(card.settings["batch_size"])
    distinct = float((1 - (1 - counts / counts.sum()) ** step).sum())
    epoch = [each * card.data.ratings for each in (printed, right)]
    return Demonstration(
        f"Put together one by one, {len(titles)} titles took {1e3 * printed * len(titles):.0f} ms just now; looked "
        f"up in one go, {1e3 * right * len(titles):.1f} ms. For each of {card.data.ratings:,} ratings that is "
        f"{epoch[0]:,.0f} s an epoch, before any learning.",
        (
            ("Titles for one epoch", f"{epoch[0]:,.0f} s", f"{epoch[1]:,.1f} s"),
            (
                f"Titles that the filters read in a step of {step:,}",
                f"{step:,}",
                f"{distinct:,.0f}",
            ),
        ),
    )


_SHOWN: dict[str, Callable[[_Case], Demonstration | None]] = {
    "softmax_of_one": _softmax_of_one,
    "blind_attention": _blind_attention,
    "dice_on_logit": _dice_on_logit,
    "softmax_over_steps": _softmax_over_steps,
    "random_state": _random_state,
    "softmax_over_batch": _softmax_over_batch,
    "masked_diagonal": _masked_diagonal,
    "no_padding_mask": _no_padding_mask,
    "loud_positions": _loud_positions,
    "tanh_before_sigmoid": _tanh_before_sigmoid,
    "dropout_on_logit": _dropout_on_logit,
    "two_sigmoids": _two_sigmoids,
    "filter_over_dimensions": _filter_over_dimensions,
    "shared_rows": _shared_rows,
    "answer_in_history": _answer_in_history,
    "reciprocal_rank": _reciprocal_rank,
    "titles_again": _titles_again,
}


def _chances(case: _Case, printed: Tensor, right: Tensor) -> list[tuple[str, str, str]]:
    """Chances [M] of the films asked about."""
    pairs = zip(case.rows_of(printed).tolist(), case.rows_of(right).tolist(), strict=True)
    return [
        (title, f"{p:.1%}", f"{r:.1%}") for title, (p, r) in zip(case.titles, pairs, strict=True)
    ]


def _numbers(values: Tensor) -> str:
    return " · ".join(f"{value:+.2f}" for value in values.tolist())
