"""Traps of histories read step by step: how they start, end, and are told from each other."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from recdemo.anatomy.trap_demos.case import Case, Demonstration
from recdemo.answers.explain import titles_of
from recdemo.blocks.embedding import gather
from recdemo.encoding.encode import encode
from recdemo.models.dien import DIEN
from recdemo.models.recurrent import RNNJoint


def random_state(case: Case) -> Demonstration | None:
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


def softmax_over_batch(case: Case) -> Demonstration | None:
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


def answer_in_history(case: Case) -> Demonstration | None:
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
