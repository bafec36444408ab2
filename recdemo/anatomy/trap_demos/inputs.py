"""Traps of what is read, and of how a list is measured."""

from __future__ import annotations

import time
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding

from recdemo.anatomy.trap_demos.case import Case, Demonstration
from recdemo.answers.explain import titles_of, unwatched
from recdemo.models.embedding_cnn import EmbeddingCNN
from recdemo.models.textcnn_rating import TextCNNRating

TITLES = 200  # put together one by one


def filter_over_dimensions(case: Case) -> Demonstration:
    model = cast(EmbeddingCNN, case.model)
    fields = model.embedding(case.batch)[:1]  # [1, F, k]
    order = torch.randperm(fields.shape[2], generator=torch.Generator().manual_seed(0))
    filters = model.convolution.weight  # [maps, k, 3]
    along = torch.ones(1, fields.shape[1], 3)  # adds up three neighbours
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


def shared_rows(case: Case) -> Demonstration:
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


def reciprocal_rank(case: Case) -> Demonstration:
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


def titles_again(case: Case) -> Demonstration:
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
