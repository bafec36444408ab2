"""recdemo on the common task: its own loop over the same rows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.task import PARTS, SEQUENCE, Task, main
from recdemo.core.vocabulary import JUST_WATCHED
from recdemo.encoding.ratings import Ratings
from recdemo.models import CARDS
from recdemo.training.feed import InMemory
from recdemo.training.loop import fit
from recdemo.training.metrics import score_rows
from recdemo.training.opening import open_data
from recdemo.training.settings import Settings

FIRST = 1e-4  # deviation of the vectors' first values in DeepCTR-Torch and torch-rechub


class Ours:
    def __init__(self, task: Task) -> None:
        from recdemo import checkpoints

        dataset, schema = open_data("ml-1m", checkpoints.root())
        self.ratings = Ratings(dataset, schema)
        if task.model in SEQUENCE:  # the others are not told what was liked
            self.ratings.feedback.fill_(JUST_WATCHED)
        self.rows = {
            part: torch.from_numpy(np.load(task.folder / f"{part}_rows.npy")) for part in PARTS
        }
        part = torch.full((len(self.ratings),), 3)
        part[self.rows["train"]], part[self.rows["validation"]] = 0, 1
        self.part = part
        sizes = {"embed_dim": task.embed_dim}
        if task.model == "afm":
            sizes["attention_dim"] = task.attention_dim
        elif task.model != "fm":
            sizes |= {"hidden": task.hidden, "dropout": 0.0}
        if task.model == "din":
            sizes |= {"attention_hidden": task.attention_dim}
        self.model = CARDS[task.model].model(schema, **sizes)
        for table in self.model.modules():
            if isinstance(table, torch.nn.Embedding):
                with torch.no_grad():
                    table.weight.mul_(FIRST / table.weight.std().clamp(min=FIRST))
        self.settings = Settings(
            epochs=task.epochs,
            patience=task.epochs,
            batch_size=task.batch_size,
            optimizer="adam",
            learning_rate=task.learning_rate,
            weight_decay=0.0,
            forget=0.0,
            shorten=0.0,
            seed=task.seed,
        )

    def train(self) -> tuple[list[float], list[float]]:
        result = fit(self.model, InMemory(self.ratings, self.part), "like", self.settings)
        return [e.seconds for e in result.epochs], [e.metrics["auc"] for e in result.epochs]

    def predict(self, part: str) -> np.ndarray:
        return score_rows(self.model, self.ratings, self.rows[part]).numpy()


if __name__ == "__main__":
    main(Ours)
