"""The head that DIN, DIEN and Transformer4Rec share, and what BST's has in common with it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import FieldEmbedding, film_biases
from recdemo.blocks.mlp import MLP, Dice
from recdemo.core.batch import Batch
from recdemo.core.recording import note, opened
from recdemo.core.vocabulary import PROFILE
from recdemo.encoding.schema import Schema

PROFILE_DIM = 8
HEAD_FIELDS = (*PROFILE, "favourite_genre")  # what a head reads of the visitor


class InterestHead(nn.Module):
    """MLP([interest, q, interest ⊙ q, profile]) + b_q.

    As in the authors' code of DIN, the network also reads interest ⊙ target, and each film has a bias.

    Args:
        schema: vocabularies.
        embed_dim: k.
        profile: also read gender, age, occupation and favourite genre.
        hidden: widths of the MLP's hidden layers, with the activation Dice.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int,
        profile: bool = True,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.profile = (
            FieldEmbedding(schema, embed_dim=PROFILE_DIM, fields=HEAD_FIELDS, init=0.05)
            if profile
            else None
        )
        width = 3 * embed_dim + (PROFILE_DIM * len(HEAD_FIELDS) if profile else 0)
        self.network = MLP(width, hidden, activation=Dice, dropout=dropout)
        self.film_bias = film_biases(schema)

    def forward(self, interest: Tensor, query: Tensor, batch: Batch) -> Tensor:
        """Logits [B].

        Args:
            interest: [U, C, k], or [U, 1, k] where it is the same for all candidates.
            query: [U, C, k] the candidates.
            batch: says who asks and which films the candidates are.
        """
        interest = interest.expand_as(query)
        both = note("both", interest * query, "product", interest, query)
        parts = [interest, query, both]
        if self.profile is not None:
            parts.append(beside_candidates(self.profile, batch))
        x = note("head_input", torch.cat(parts, dim=-1), "concat", *parts)
        logits = opened("head", self.network, x).flatten()
        return with_film_bias(logits, self.film_bias, batch)


def with_film_bias(logits: Tensor, table: nn.Embedding, batch: Batch) -> Tensor:
    """Logits [B] and each candidate's own number: [B]."""
    bias = note("film_bias", table(batch.target_movie).squeeze(-1), "lookup")
    return note("logit", logits + bias, "sum", logits, bias)


def beside_candidates(fields: FieldEmbedding, batch: Batch) -> Tensor:
    """The visitor's fields, the same beside each candidate: [U, C, k * fields]."""
    return fields.user(batch).flatten(1).unsqueeze(1).expand(-1, batch.candidates, -1)
