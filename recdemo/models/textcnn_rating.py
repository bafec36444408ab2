"""The TextCNN rating model: who somebody is, a film's genres and the words of its title, and the stars.

Document 000. It knows neither users nor films by id, so it is limited to what a profile and a title can
tell; the improved variant also reads the history. The document encodes profile and title again for every rating; here
each film of a step, and each profile where nothing else is read, is encoded once, so its batch normalisation sees it once
too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from recdemo.blocks.embedding import HISTORY_FIELDS, FieldEmbedding
from recdemo.blocks.mlp import SharedDropout, through
from recdemo.blocks.text import LearnedText, TextCNN
from recdemo.core.batch import Batch, TitleText
from recdemo.core.recording import again, folded, note, opened, same, unrecorded
from recdemo.core.vocabulary import PROFILE
from recdemo.encoding.schema import Schema

WORD_DIM = 50  # GloVe 6B, 50 dimensions
WORD_SIZE = 0.4 * WORD_DIM**0.5  # about the length of GloVe's
OPINIONS = 3  # just watched, disliked, liked
CHUNK = 512  # titles encoded at once when answering
ROWS = 4096  # and films scored


class TextCNNRating(nn.Module):
    """MLP([u, q, u ⊙ q]) with u = MLP(profile) and q = MLP([genres, TextCNN(title)]), in stars.

    With `history`, u = MLP([profile, h]): for the films just watched, the disliked and the liked, h holds their share
    in the history, and the sum of their vectors divided by its length.

    Args:
        schema: vocabularies.
        embed_dim: width of each profile and genre embedding, and of the encoded title.
        genre_pool: ``sum`` or ``mean`` of a film's genres.
        history: also read the films watched.
        dropout: share of hidden units dropped in training; the last layer drops 0.1 more.
        mean: stars that a fresh model gives to everything.

    Raises:
        ValueError: `genre_pool` is unknown.
    """

    film_meaning = "what a network makes of the film's genres and of the words of its title"
    title_words: Tensor
    genre_flags: Tensor
    words: Tensor

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        genre_pool: Literal["sum", "mean"] = "sum",
        history: bool = False,
        dropout: float = 0.3,
        mean: float = 3.58,
    ) -> None:
        super().__init__()
        if genre_pool not in ("sum", "mean"):
            raise ValueError(f"genre_pool {genre_pool!r} is unknown; use sum or mean")
        self.genre_pool, self.needs_histories = genre_pool, history
        self.register_buffer("title_words", schema.title_words, persistent=False)
        self.register_buffer("genre_flags", schema.genre_flags, persistent=False)
        self.register_buffer("words", torch.zeros(len(schema.words) + 1, WORD_DIM))
        nn.init.normal_(self.words[1:], std=0.4)  # until `start_from`
        self.learned: LearnedText | None = None  # while it trains on words without vectors
        self.profile = FieldEmbedding(schema, embed_dim=embed_dim, fields=PROFILE, init=1.0)
        ages, occupations = schema.ages + 1, schema.occupations + 1
        self.places = [ages * occupations, occupations, 1]  # of a profile's ids in one number
        self.watched = nn.Embedding(schema.size + 1, embed_dim, padding_idx=0) if history else None
        width = len(PROFILE) * embed_dim + (OPINIONS * (1 + embed_dim) if history else 0)
        self.user = nn.Sequential(
            *_layer(width, 200, nn.Tanh, dropout), *_layer(200, 256, nn.ReLU, dropout)
        )
        self.genres = nn.Embedding(schema.genres + 1, embed_dim, padding_idx=0)
        self.title = TextCNN(WORD_DIM)
        self.title_head = nn.Sequential(*_layer(192, embed_dim, nn.ReLU, dropout))
        self.film = nn.Sequential(
            *_layer(2 * embed_dim, 128, nn.Tanh, dropout), *_layer(128, 256, nn.ReLU, dropout)
        )
        last = nn.Linear(128, 1)
        nn.init.constant_(last.bias, mean)
        self.head = nn.Sequential(*_layer(3 * 256, 128, nn.ReLU, dropout + 0.1), last)
        self.precomputed: Tensor | None = None  # [M + 1, 256] q of every film, see `precompute`

    def start_from(self, text: TitleText) -> None:
        """Take over GloVe's vectors of the titles' words; learn those of other words."""
        self.words.copy_(text.words)
        if text.word_pieces:
            self.learned = LearnedText(self.words.clone(), text.word_pieces, size=WORD_SIZE)

    def finish_text(self) -> None:
        """Keep the words' vectors as they are now."""
        self.eval()
        self.learned = None

    def forward(self, batch: Batch) -> Tensor:
        """Stars [B]."""
        if self.training:  # each film of the step once
            films, place = _apart(batch.target_movie)
            film = self._encode(films)  # [N, 256]
        else:
            film = self.film_vectors() if self.precomputed is None else self.precomputed
            place = batch.target_movie
            again(partial(self._encode, batch.target_movie))
        profiles, whose = self._users(batch)  # [P, 256], [U]
        # W [u, q, u ⊙ q] + b piece by piece: the first once per profile, the second once per film.
        first, *rest = self.head
        w_user, w_film, w_both = cast(nn.Linear, first).weight.chunk(3, dim=1)
        user = same(embedding(whose, profiles), profiles).unsqueeze(1)  # [U, 1, 256]
        from_user = profiles @ w_user.T + cast(Tensor, first.bias)  # [P, 128]
        from_user = embedding(whose, from_user).unsqueeze(1)  # [U, 1, 128]
        from_film = film @ w_film.T  # [N, 128]
        stars = []
        for part in place.view(batch.users, -1).split(self._at_once(batch), dim=1):
            both = user * embedding(part, film)
            note("visitor_film", both, "product", user, "film")
            with folded("head"):
                hidden = from_user + embedding(part, from_film) + both @ w_both.T  # [U, C, 128]
                note("layer", hidden, "layer", user, "film", both, by=first)
                stars.append(through(rest, hidden.flatten(0, 1)).view(part.shape))
        found = torch.cat(stars, dim=1).flatten()
        return note("head", found, "network", user, "film", "visitor_film")

    def precompute(self) -> None:
        """Encode every film once, for a model whose weights no longer change; `train` and `eval` undo it."""
        with torch.no_grad():
            self.precomputed = self.film_vectors()

    def train(self, mode: bool = True) -> Self:
        """See `torch.nn.Module.train`; whoever answers reads the words' vectors learned so far."""
        self.precomputed = None
        if self.learned and not mode:
            with torch.no_grad():
                self.words.copy_(self.learned())
        return super().train(mode)

    def _at_once(self, batch: Batch) -> int:
        """Candidates of each visitor whose hidden layer is made at once."""
        # Batch normalisation has to see all rows of a training step at once.
        return batch.candidates if self.training else max(1, ROWS // batch.users)

    def _users(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """u of every different visitor, [P, 256], and which of them each is, [U]."""
        if self.watched is not None:
            visitor = self._visitor(batch, self.watched)
            return opened("visitor", self._read, visitor), torch.arange(batch.users)
        ids = torch.stack([getattr(batch, name) for name in PROFILE], dim=1)
        alike, whose = _apart(ids @ torch.tensor(self.places))
        one_of = torch.zeros_like(alike).scatter(0, whose, torch.arange(len(ids)))
        ids = ids[one_of]  # each profile once
        fields = [embedding(ids[:, i], self.profile.weight(n)) for i, n in enumerate(PROFILE)]
        both = torch.cat(fields, dim=1)
        note(
            "visitor_fields",
            lambda: both.unflatten(1, (len(PROFILE), -1)),
            "lookup",
            labels=PROFILE,
        )
        return opened("visitor", self._read, both), whose

    def _read(self, visitor: Tensor) -> Tensor:
        """[N, width] → [N, 256]"""
        return through(self.user, visitor)

    def _visitor(self, batch: Batch, watched: nn.Embedding) -> Tensor:
        """Profile and history, [U, width]."""
        profile = self.profile.user(batch).flatten(1)
        # Row f of a history's flags: which films it holds with feedback f; as shares, [U, 3, L].
        flags = nn.functional.one_hot(batch.feedback, 1 + OPINIONS)[..., 1:].transpose(1, 2)
        shares = flags / batch.history_mask.sum(1).clamp(min=1).view(-1, 1, 1)
        note("opinions", shares, "input", labels=HISTORY_FIELDS)
        vectors = note("watched_films", watched(batch.history), "lookup")
        films = note(
            "opinion_vectors", shares @ vectors, "weighted_sum", shares, vectors
        )  # [U, 3, k]
        counts = note("opinion_shares", shares.sum(2), "sum", shares)
        parts = [profile, counts, films.flatten(1)]
        return note("visitor_input", torch.cat(parts, dim=1), "concat", *parts)

    def film_vectors(self) -> Tensor:
        """q of every film, [M + 1, 256]."""
        parts = torch.arange(len(self.title_words)).split(CHUNK)
        with unrecorded():
            return torch.cat([self._encode(part) for part in parts])

    def _encode(self, films: Tensor) -> Tensor:
        """Films [N] → [N, 256]."""
        flags = self.genre_flags[films]  # [N, G]
        if self.genre_pool == "mean":
            flags = flags / flags.sum(1, keepdim=True).clamp(min=1)
        genres = flags @ self.genres.weight[1:]  # [N, k]
        note("genres", flags, "input")
        note("genre_vector", genres, "layer", flags, weight=self.genres.weight[1:].T)
        vectors = self.learned() if self.learned and self.training else self.words
        words = embedding(self.title_words[films], vectors)  # [N, 10, 50]
        note("words", words, "lookup")
        title = opened("title", partial(through, self.title_head), self.title(words))  # [N, k]
        both = note("film_input", torch.cat([genres, title], dim=1), "concat", genres, title)
        return opened("film", partial(through, self.film), both)


def _apart(values: Tensor) -> tuple[Tensor, Tensor]:
    """The different values, and which of them each of `values` [n] is, [n].

    If they are all alike, each stands for itself: batch normalisation has nothing to learn from a single row.
    """
    different, place = values.unique(return_inverse=True)
    return (values, torch.arange(len(values))) if len(different) == 1 else (different, place)


def _layer(
    in_dim: int, out_dim: int, activation: Callable[[], nn.Module], dropout: float
) -> list[nn.Module]:
    return [
        nn.Linear(in_dim, out_dim),
        nn.BatchNorm1d(out_dim),
        activation(),
        SharedDropout(dropout),
    ]
