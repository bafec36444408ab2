"""RecBole on the common task."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
# This file is named as the library it asks.
sys.path = [str(ROOT), *(place for place in sys.path if Path(place) != Path(__file__).parent)]
warnings.simplefilter("ignore")

import torch  # noqa: E402

if not hasattr(np, "float_"):  # RecBole is written for older releases
    np.float_ = np.float64

from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset, data_preparation  # noqa: E402
from recbole.utils import get_model, get_trainer  # noqa: E402

from benchmarks.peers.task import LISTS, PARTS, SEQUENCE, SINGLE, ByEpoch, Task, main  # noqa: E402

NAMES = {
    "fm": "FM",
    "deepfm": "DeepFM",
    "wide_deep": "WideDeep",
    "dcn": "DCN",
    "afm": "AFM",
    "din": "DIN",
    "dien": "DIEN",
}


class RecBole(ByEpoch):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        sequence = task.model in SEQUENCE
        self.places = {part: np.arange(len(task.part(part)["label"])) for part in PARTS}
        fields = self._write(task, sequence)
        settings = {
            "data_path": str(task.folder / "recbole"),
            "benchmark_filename": list(PARTS),
            "load_col": {"inter": fields},
            "USER_ID_FIELD": "gender",
            "ITEM_ID_FIELD": "item_id",
            "LABEL_FIELD": "label",
            "train_neg_sample_args": None,
            "eval_args": {
                "split": {"RS": [8, 1, 1]},
                "order": "TO" if sequence else "RO",
                "mode": "labeled",
                "group_by": "none",
            },
            "metrics": ["AUC"],
            "valid_metric": "AUC",
            "embedding_size": task.embed_dim,
            "attention_size": task.attention_dim,
            "mlp_hidden_size": task.hidden,
            "cross_layer_num": 3,
            "dropout_prob": 0.0,
            "reg_weight": 0.0,
            "train_batch_size": task.batch_size,
            "eval_batch_size": 4096,
            "learning_rate": task.learning_rate,
            "seed": task.seed,
            "use_gpu": False,
            "show_progress": False,
            "state": "ERROR",
            "checkpoint_dir": str(task.folder / "recbole"),
            "log_wandb": False,
            "MAX_ITEM_LIST_LENGTH": 50,
            "ITEM_LIST_LENGTH_FIELD": "item_length",
            "LIST_SUFFIX": "_list",
            "alias_of_item_id": ["item_id_list"] if sequence else None,
            "numerical_features": [],
            "selected_features": [],
        }
        arguments, sys.argv = sys.argv, sys.argv[:1]  # RecBole reads the command line too
        with contextlib.redirect_stdout(io.StringIO()):
            config = Config(model=NAMES[task.model], dataset="ml", config_dict=settings)
            dataset = create_dataset(config)
            self.data = dict(zip(PARTS, data_preparation(config, dataset), strict=True))
        sys.argv = arguments
        torch.set_num_threads(task.threads)
        self.model = get_model(config["model"])(config, self.data["train"].dataset)
        self.trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, self.model)
        self.done = 0

    def _write(self, task: Task, sequence: bool) -> list[str]:
        place = task.folder / "recbole" / "ml"
        place.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            arrays = task.part(part)
            columns = {
                f"{name if name != 'movie' else 'item_id'}:token": arrays[name].astype(str)
                for name in SINGLE
            }
            lists = (
                {"item_id_list": arrays["hist_movie"]}
                if sequence
                else {n: arrays[n] for n in LISTS}
            )
            for name, values in lists.items():
                columns[f"{name}:token_seq"] = [" ".join(map(str, row[row != 0])) for row in values]
            columns["label:float"] = arrays["label"].astype(str)
            lines = ["\t".join(columns), *map("\t".join, zip(*columns.values(), strict=True))]
            (place / f"ml.{part}.inter").write_text("\n".join(lines) + "\n")
        return [name.split(":")[0] for name in columns]

    def epoch(self) -> None:
        self.trainer._train_epoch(self.data["train"], self.done)
        self.done += 1

    def predict(self, part: str) -> np.ndarray:
        self.model.eval()
        data = self.data[part]
        with torch.inference_mode():
            scores = [self.model.predict(self._interaction(batch)) for batch in data]
        return torch.cat(scores).numpy()

    @staticmethod
    def _interaction(batch: object) -> object:
        return batch[0] if isinstance(batch, (list, tuple)) else batch


if __name__ == "__main__":
    main(RecBole)
