"""The TextCNN rating model trained by recdemo and the way document 000 trains it, side by side.

    python benchmarks/textcnn.py [--rows N] [--repeats N]

The document's way is one dictionary of tensors per rating from a data set, joined to batches of 64 by a `DataLoader`, a
network that encodes every rating's title anew, and Adam. Ours is what `python -m recdemo train textcnn_rating` runs.
Both read the same ratings with one thread, and take turns. Prints samples per second (median over repeats) and the ratio
of the two, turn by turn. Needs MovieLens-1M, see the README.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from recdemo import checkpoints
from recdemo.core.vocabulary import PROFILE
from recdemo.data import TRAIN, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.encoding.text_vectors import title_text
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.opening import open_data
from recdemo.training.settings import settings_for

BATCH, RATE = 64, 1.5e-3  # the document's
HELD_OUT = 1000  # ratings that our loop validates on, outside the time measured


class Rows(Dataset):
    """Ratings one by one."""

    def __init__(self, ratings: Ratings, rows: Tensor, words: Tensor) -> None:
        schema, film = ratings.schema, ratings.movie[rows].long()
        self.profile = ratings.profile[ratings.user[rows].long()]
        self.genres = schema.genre_flags * torch.arange(1, schema.genres + 1)
        self.titles = nn.functional.embedding(schema.title_words, words)
        self.film, self.stars = film, ratings.stars[rows]

    def __len__(self) -> int:
        return len(self.film)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        film = self.film[row]
        return {
            **dict(zip(PROFILE, self.profile[row], strict=True)),
            "genres": self.genres[film].long(),
            "title": self.titles[film],
            "stars": self.stars[row],
        }


def dense(*widths: int, last: type[nn.Module]) -> list[nn.Module]:
    """Linear layers, each with batch normalisation, an activation and dropout."""
    layers: list[nn.Module] = []
    for before, width in itertools.pairwise(widths):
        activation = last() if width == widths[-1] else nn.Tanh()
        layers += [nn.Linear(before, width), nn.BatchNorm1d(width), activation, nn.Dropout(0.3)]
    return layers


class Plain(nn.Module):
    """The document's network as it describes it, a rating at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.profile = nn.ModuleDict(
            {
                name: nn.Embedding(size + 1, 32)
                for name, size in zip(PROFILE, (2, 7, 21), strict=True)
            }
        )
        self.user = nn.Sequential(*dense(96, 200, 256, last=nn.ReLU))
        self.genre = nn.Embedding(19, 32, padding_idx=0)
        self.windows = nn.ModuleList(nn.Conv2d(1, 64, (size, 50)) for size in (2, 3, 4))
        self.title = nn.Sequential(*dense(192, 32, last=nn.ReLU))
        self.film = nn.Sequential(*dense(64, 128, 256, last=nn.ReLU))
        self.head = nn.Sequential(*dense(768, 128, last=nn.ReLU), nn.Linear(128, 1))

    def forward(self, given: dict[str, Tensor]) -> Tensor:
        """Stars [B]."""
        user = self.user(torch.cat([self.profile[name](given[name]) for name in PROFILE], 1))
        image = given["title"].unsqueeze(1)  # [B, 1, words, 50]
        seen = torch.cat([window(image).amax((2, 3)) for window in self.windows], 1)
        film = self.film(torch.cat([self.genre(given["genres"]).sum(1), self.title(seen)], 1))
        return self.head(torch.cat([user, film, user * film], 1)).squeeze(1)


def plainly(ratings: Ratings, rows: Tensor, words: Tensor) -> float:
    """Samples per second of the document's way."""
    model = Plain()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    loader = DataLoader(Rows(ratings, rows, words), batch_size=BATCH, shuffle=True)
    started = time.perf_counter()
    for given in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(given), given["stars"]).backward()
        optimizer.step()
    return len(rows) / (time.perf_counter() - started)


def ours(ratings: Ratings, part: Tensor, text: Any) -> float:
    """Samples per second of recdemo."""
    model = CARDS["textcnn_rating"].model(ratings.schema)
    model.start_from(text)
    settings = settings_for("textcnn_rating", "rating", epochs=1)
    return fit(model, InMemory(ratings, part), "rating", settings).epochs[0].samples_per_second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="of the document's way")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    dataset, schema = open_data("ml-1m", checkpoints.root())
    ratings, text = Ratings(dataset, schema), title_text(schema)
    order = torch.randperm(len(ratings))
    part = torch.full((len(ratings),), -1)
    part[order[: 10 * chosen.rows]] = TRAIN  # an epoch of ours is over sooner
    part[order[-HELD_OUT:]] = VALIDATION
    turns = [
        (ours(ratings, part, text), plainly(ratings, order[: chosen.rows], text.words))
        for _ in range(chosen.repeats)
    ]
    fast, slow = (statistics.median(side) for side in zip(*turns, strict=True))
    table = Table("way", "batch", "samples/s", title="textcnn_rating, one thread")
    table.add_row(
        "recdemo", f"{settings_for('textcnn_rating', 'rating').batch_size:,}", f"{fast:,.0f}"
    )
    table.add_row("document 000", f"{BATCH}", f"{slow:,.0f}")
    console = Console()
    console.print(table)
    console.print(f"recdemo is faster by {statistics.median(a / b for a, b in turns):.1f}×")


if __name__ == "__main__":
    main()
