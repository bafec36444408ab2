"""Traps of what becomes of the last number on its way to a chance."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from recdemo.anatomy.trap_demos.case import Case, Demonstration, chances
from recdemo.blocks.mlp import Dice
from recdemo.core.protocols import ShowsFields
from recdemo.encoding.encode import encode

FIXED_A = 0.1  # of the printed Dice
EVERY = 10  # how many films of the catalogue one stands for, where all would take long


def dice_on_logit(case: Case) -> Demonstration:
    logits = case.like_logits()
    dice = Dice(1).eval()
    dice.alpha.fill_(FIXED_A)
    dice.norm.running_mean = logits.mean().unsqueeze(0)
    dice.norm.running_var = logits.var().unsqueeze(0)
    printed = torch.sigmoid(dice(logits.unsqueeze(1)).squeeze(1))
    right = torch.sigmoid(logits)
    few = (int((printed < 0.4).sum()), int((right < 0.4).sum()))
    return Demonstration(
        f"Printed, {few[0]:,} of {len(logits):,} films have a chance below 40%; done right, {few[1]:,} have.",
        (
            *chances(case, printed, right),
            ("Least of the catalogue", f"{printed.min():.1%}", f"{right.min():.1%}"),
            ("Films below 40%", f"{few[0]:,}", f"{few[1]:,}"),
        ),
    )


def tanh_before_sigmoid(case: Case) -> Demonstration:
    logits = case.like_logits()
    printed, right = torch.sigmoid(torch.tanh(logits)), torch.sigmoid(logits)
    outside = int(((right < printed.min()) | (right > printed.max())).sum())
    return Demonstration(
        f"Printed, this visitor's chances lie between {printed.min():.1%} and {printed.max():.1%}; done right, "
        f"{outside:,} of {len(logits):,} films lie outside of that.",
        (
            *chances(case, printed, right),
            ("Least of the catalogue", f"{printed.min():.1%}", f"{right.min():.1%}"),
            ("Greatest of the catalogue", f"{printed.max():.1%}", f"{right.max():.1%}"),
        ),
    )


def dropout_on_logit(case: Case) -> Demonstration:
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


def two_sigmoids(case: Case) -> Demonstration:
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
