"""modern-fm on the common task, by Adam: a list is its ids with a weight each, which add up to one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy import sparse

ROOT = Path(__file__).resolve().parents[2]
# This file is named as the library it asks.
sys.path = [str(ROOT), *(place for place in sys.path if Path(place) != Path(__file__).parent)]

from modern_fm import FMClassifier  # noqa: E402

from benchmarks.peers.task import LISTS, PARTS, SINGLE, ByEpoch, Task, main  # noqa: E402


class ModernFM(ByEpoch):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.labels, self.inputs = {}, {}
        for part in PARTS:
            arrays = task.part(part)
            self.labels[part] = arrays["label"]
            columns = [one_of(arrays[name][:, None], task.sizes[name]) for name in SINGLE]
            columns += [one_of(arrays[name], task.sizes[name]) for name in LISTS]
            self.inputs[part] = sparse.hstack(columns, format="csr")
        self.model = FMClassifier(
            n_factors=task.embed_dim,
            optimizer="adam",
            learning_rate=task.learning_rate,
            l2_linear=0.0,
            l2_factors=0.0,
            init_scale=1e-4,
            max_iter=1,
            batch_size=task.batch_size,
            n_jobs=task.threads,
            warm_start=True,
            random_state=task.seed,
        )

    def epoch(self) -> None:
        self.model.fit(self.inputs["train"], self.labels["train"])

    def predict(self, part: str) -> np.ndarray:
        return np.asarray(self.model.predict_proba(self.inputs[part])[:, 1])


def one_of(ids: np.ndarray, size: int) -> sparse.csr_matrix:
    """[N, size] each row a mean of its ids; 0 is none."""
    rows, places = np.nonzero(ids)
    lengths = (ids != 0).sum(1)
    weights = 1.0 / lengths[rows]
    return sparse.csr_matrix((weights, (rows, ids[rows, places])), shape=(len(ids), size))


if __name__ == "__main__":
    main(ModernFM)
