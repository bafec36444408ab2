"""torch-rechub on the common task."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from torch_rechub.basic.features import SequenceFeature, SparseFeature
from torch_rechub.models import ranking
from torch_rechub.trainers import CTRTrainer
from torch_rechub.utils.data import DataGenerator

from benchmarks.peers.task import LISTS, PARTS, SEQUENCE, SINGLE, ByEpoch, Task, main


class Rechub(ByEpoch):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        sequence = task.model in SEQUENCE
        data = {part: task.part(part) for part in PARTS}
        labels = {part: arrays.pop("label") for part, arrays in data.items()}
        if task.model == "dien":
            random = np.random.default_rng(task.seed)
            for arrays in data.values():
                drawn = random.integers(1, task.sizes["movie"], arrays["hist_movie"].shape)
                arrays["neg_hist_movie"] = drawn * (arrays["hist_movie"] != 0)
        wanted = {*SINGLE} | ({"hist_movie", "neg_hist_movie"} if sequence else {*LISTS})
        inputs = {
            part: {name: array for name, array in arrays.items() if name in wanted}
            for part, arrays in data.items()
        }
        train = DataGenerator(inputs["train"], labels["train"])
        self.train_data, *held_out = train.generate_dataloader(
            x_val=inputs["validation"],
            y_val=labels["validation"],
            x_test=inputs["test"],
            y_test=labels["test"],
            batch_size=task.batch_size,
        )
        self.held_out = dict(zip(("validation", "test"), held_out, strict=True))
        self.trainer = CTRTrainer(
            self._model(task),
            optimizer_params={"lr": task.learning_rate},
            loss_mode=task.model != "dien",
        )

    def _model(self, task: Task) -> torch.nn.Module:
        k, mlp = task.embed_dim, {"dims": task.hidden}

        def sequence(name: str) -> SequenceFeature:
            return SequenceFeature(
                name, task.sizes["movie"], k, "concat", shared_with="movie", padding_idx=0
            )

        features = [SparseFeature(name, task.sizes[name], k) for name in SINGLE]
        movie, rest = features[SINGLE.index("movie")], [f for f in features if f.name != "movie"]
        if task.model == "din":
            return ranking.DIN(
                rest, [sequence("hist_movie")], [movie], mlp, {"dims": [task.attention_dim]}
            )
        if task.model == "dien":
            return ranking.DIEN(
                *(rest, [sequence("hist_movie")], [sequence("neg_hist_movie")], [movie], mlp),
                alpha=0.5,
            )
        features += [
            SequenceFeature(name, task.sizes[name], k, "mean", padding_idx=0) for name in LISTS
        ]
        match task.model:
            case "deepfm":
                return ranking.DeepFM(features, features, mlp)
            case "wide_deep":
                return ranking.WideDeep(features, features, mlp)
            case "dcn":
                return ranking.DCN(features, 3, mlp)
            case "afm":
                return ranking.AFM(features, k, t=task.attention_dim)
        raise SystemExit(f"torch-rechub is not asked for {task.model}")

    def epoch(self) -> None:
        self.trainer.train_one_epoch(self.train_data)

    def predict(self, part: str) -> np.ndarray:
        return np.asarray(self.trainer.predict(self.trainer.model, self.held_out[part]))


if __name__ == "__main__":
    main(Rechub)
