"""DeepCTR-Torch on the common task."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.task import LISTS, PARTS, SEQUENCE, SINGLE, ByEpoch, Task, main

# Importing the package asks the internet for its latest version.
quiet = ModuleType("deepctr_torch.utils")
quiet.check_version = Mock()  # type: ignore[attr-defined]
sys.modules["deepctr_torch.utils"] = quiet

from deepctr_torch import models  # noqa: E402
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat  # noqa: E402


class DeepCTR(ByEpoch):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        sequence = task.model in SEQUENCE
        data = {part: task.part(part) for part in PARTS}
        self.labels = {part: arrays.pop("label") for part, arrays in data.items()}

        def single(name: str, size: str, table: str = "") -> SparseFeat:
            return SparseFeat(name, task.sizes[size], task.embed_dim, embedding_name=table or name)

        columns = [single(name, name) for name in SINGLE]
        lists = ("hist_movie",) if sequence else LISTS
        for name in lists:
            length = data["train"][name].shape[1]
            table = "movie" if name == "hist_movie" else name
            feature = single(name, table, table)
            columns.append(VarLenSparseFeat(feature, length, "mean", f"{name}_length"))
            for arrays in data.values():
                # A list of length 0 has no mean here; its one padding counts instead.
                arrays[f"{name}_length"] = np.maximum((arrays[name] != 0).sum(1), 1)
        if task.model == "dien":
            length = data["train"]["hist_movie"].shape[1]
            feature = single("neg_hist_movie", "movie", "movie")
            columns.append(VarLenSparseFeat(feature, length, "mean", "hist_movie_length"))
            random = np.random.default_rng(task.seed)
            for arrays in data.values():
                drawn = random.integers(1, task.sizes["movie"], arrays["hist_movie"].shape)
                arrays["neg_hist_movie"] = drawn * (arrays["hist_movie"] != 0)
        used = {c.name for c in columns} | {f"{name}_length" for name in lists}
        self.inputs = {
            part: {name: array for name, array in arrays.items() if name in used}
            for part, arrays in data.items()
        }
        self.model = self._model(task, columns)
        self.model.compile(
            torch.optim.Adam(self.model.parameters(), lr=task.learning_rate), "binary_crossentropy"
        )

    def _model(self, task: Task, columns: list) -> torch.nn.Module:
        plain = {"l2_reg_embedding": 0.0, "seed": task.seed}
        deep = {"dnn_hidden_units": task.hidden, **plain}
        match task.model:
            case "fm":  # it has none by itself
                return models.DeepFM(
                    columns, columns, l2_reg_linear=0.0, dnn_hidden_units=(), **plain
                )
            case "deepfm":
                return models.DeepFM(columns, columns, l2_reg_linear=0.0, **deep)
            case "wide_deep":
                return models.WDL(columns, columns, l2_reg_linear=0.0, **deep)
            case "dcn":
                return models.DCN(
                    columns, columns, cross_num=3, l2_reg_linear=0.0, l2_reg_cross=0.0, **deep
                )
            case "afm":
                return models.AFM(
                    columns,
                    columns,
                    attention_factor=task.attention_dim,
                    l2_reg_linear=0.0,
                    l2_reg_att=0.0,
                    **plain,
                )
            case "din":
                return models.DIN(columns, ["movie"], att_hidden_size=(task.attention_dim,), **deep)
            case "dien":
                return models.DIEN(
                    columns,
                    ["movie"],
                    gru_type="AUGRU",
                    use_negsampling=True,
                    alpha=0.5,
                    att_hidden_units=(task.attention_dim,),
                    **deep,
                )
        raise SystemExit(f"DeepCTR-Torch is not asked for {task.model}")

    def epoch(self) -> None:
        self.model.fit(
            self.inputs["train"],
            self.labels["train"],
            batch_size=self.task.batch_size,
            epochs=1,
            verbose=0,
        )

    def predict(self, part: str) -> np.ndarray:
        return np.asarray(self.model.predict(self.inputs[part], 4096)).ravel()


if __name__ == "__main__":
    main(DeepCTR)
