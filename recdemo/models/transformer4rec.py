"""An encoder-decoder Transformer: the encoder's reading of the history answers for a candidate; in training the
decoder writes the rest of the history from its beginning.

Vaswani et al., "Attention Is All You Need", 2017; document fig. 3-38. Attention has no way to look ahead: the encoder
that the decoder looks at has read the first half of the history only, the decoder's input is its target shifted by one, and
its mask ends at the present film. The printed listing takes the decoder's queries from the encoder and feeds it its own
target.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recdemo.blocks.embedding import film_biases, gather
from recdemo.blocks.head import InterestHead
from recdemo.blocks.history import FilmEmbedding, next_film_loss
from recdemo.blocks.recurrent import last_of
from recdemo.blocks.transformer import (
    DecoderLayer,
    EncoderLayer,
    Positions,
    causal,
    distance_from_end,
    latest_weights,
)
from recdemo.core.batch import Batch
from recdemo.core.recording import note
from recdemo.encoding.schema import Schema


class Transformer4Rec(nn.Module):
    """MLP([z, q, z ⊙ q, profile]) + b_q, z = the latest film's place in Encoder(x_1, …, x_L).

    Second task: for a history cut in two, Decoder(second half shifted by one; Encoder(first half)) names
    each film of the second half.

    Args:
        schema: vocabularies.
        embed_dim: k.
        heads: H.
        layers: of the encoder, and of the decoder.
        feed_forward: width of the layers' hidden layer.
        alpha: weight of the second task.
        steps: most steps per batch that the second loss is taken at; every step costs a softmax over
            the catalogue.
        hidden: widths of the head's layers.
        dropout: share of units dropped in training.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        embed_dim: int = 32,
        heads: int = 4,
        layers: int = 1,
        feed_forward: int = 64,
        alpha: float = 0.5,
        steps: int = 1024,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.steps = steps
        self.films = FilmEmbedding(schema, embed_dim=embed_dim)
        self.positions = Positions(schema.history_length + 1, embed_dim)

        def stack(layer: type[EncoderLayer] | type[DecoderLayer]) -> nn.ModuleList:
            return nn.ModuleList(
                layer(embed_dim, heads=heads, feed_forward=feed_forward, dropout=dropout)
                for _ in range(layers)
            )

        self.encoder = stack(EncoderLayer)
        self.decoder = stack(DecoderLayer)
        self.film_bias = film_biases(schema)  # of the decoder's output
        self.head = InterestHead(schema, embed_dim=embed_dim, hidden=hidden, dropout=dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        films = self.films.catalogue(batch)
        return self._answer(films, self.films.watched(films, batch), batch)

    def joint(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [B], and α times the decoder's mean cross-entropy over the films of the second half."""
        films = self.films.catalogue()
        watched = self.films.watched(films, batch)
        return self._answer(films, watched, batch), self.alpha * self._rewrite(
            films, watched, batch
        )

    def _rewrite(self, films: Tensor, watched: Tensor, batch: Batch) -> Tensor:
        """The decoder's loss over the first users of the batch, as many as `steps` allows."""
        length = batch.history.shape[1]
        steps = max(1, length // 2)  # T: films of the second half
        users = max(1, self.steps // steps)
        watched, history = watched[:users], batch.history[:users]
        count = batch.history_mask[:users].sum(1, keepdim=True)  # [N, 1]
        half = (count + 1) // 2
        first_half = torch.arange(length) < half
        encoded, _ = self._encode(watched, first_half)
        # Step t reads the film at half - 1 + t and names the one after it.
        reads = half - 1 + torch.arange(steps)  # [N, T]
        real = reads + 1 < count
        inputs = watched.gather(
            1, reads.clamp(0, length - 1).unsqueeze(-1).expand(-1, -1, watched.shape[2])
        )
        x = inputs + self.positions(torch.arange(steps))
        allowed = causal(steps).expand(len(x), -1, -1)
        for layer in self.decoder:
            x = layer(x, allowed, encoded, first_half)
        following = history.gather(1, (reads + 1).clamp(0, length - 1))
        return next_film_loss(x, following, real, films, self.film_bias.weight, self.steps)

    def history_weights(self, batch: Batch) -> Tensor:
        """Where the place that answers, the latest film's, looks in the last layer: [U, C, L].

        The mean over heads, the same for every candidate. The latest film's own weight is its look at itself.
        """
        return latest_weights(self.encoder_weights(batch), batch)

    def encoder_weights(self, batch: Batch) -> Tensor:
        """Where each film watched looks, layer by layer and head by head: [U, layers, H, L, L]."""
        watched = self.films.watched(self.films.catalogue(batch), batch)
        return torch.stack(self._encode(watched, batch.history_mask)[1], dim=1)

    def _encode(self, watched: Tensor, mask: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[U, L, k] as read by the encoder, and the attention of each layer [U, H, L, L]."""
        places = self.positions(distance_from_end(mask))
        x = note("sequence", watched + places, "sum", watched, places)
        weights = []
        for layer in self.encoder:
            x, attention = layer(x, mask.unsqueeze(1))
            weights.append(attention)
        return x, weights

    def _answer(self, films: Tensor, watched: Tensor, batch: Batch) -> Tensor:
        """Logits [B]."""
        mask = batch.history_mask
        encoded, _ = self._encode(watched, mask)
        state = last_of(encoded, mask)  # [U, k]
        return self.head(state.unsqueeze(1), gather(films, batch), batch)
