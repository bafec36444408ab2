"""RecBole's SASRec on the common task.

RecBole makes one sample of each film and the films before it. An epoch learns the same films as ours, but reads a history again for
each of them, which takes hours on a core. So it learns for `NextTask.seconds`, in its own loop and at the end of a step, and what an
epoch would take is worked out from its steps. As in ours: width, layers, heads, hidden layer, its ReLU, dropout and where it is.
RecBole's own: norms after the branches, learned places, films that are vectors alone, first weights, Adam without decay, a rate
that stays as it is.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
# A file beside this one is named as the library it asks.
sys.path = [str(ROOT), *(place for place in sys.path if Path(place) != Path(__file__).parent)]
warnings.simplefilter("ignore")

import torch  # noqa: E402

if not hasattr(np, "float_"):  # RecBole is written for older releases
    np.float_ = np.float64

from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset  # noqa: E402
from recbole.data.dataloader import TrainDataLoader  # noqa: E402
from recbole.model.sequential_recommender import SASRec  # noqa: E402
from recbole.utils import get_trainer, init_seed  # noqa: E402

from benchmarks.peers.next_task import Epochs, NextTask, best_unseen, main  # noqa: E402

ASKED_AT_ONCE = 128  # users


def fit(task: NextTask) -> Epochs:
    torch.set_num_threads(task.threads)
    config = settings(task)
    write(task)
    samples, _, _ = create_dataset(config).build()
    data = TrainDataLoader(config, samples, None, shuffle=True)
    init_seed(task.seed, reproducibility=False)
    model = SASRec(config, samples)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    steps, began = 0, time.perf_counter()

    def batches() -> Iterator[object]:
        nonlocal steps
        while True:
            for batch in data:
                yield batch
                steps += 1
                if time.perf_counter() - began >= task.seconds:
                    return

    trainer._train_epoch(batches(), 0)
    took = time.perf_counter() - began
    print(f"{steps} of {len(data)} steps in {took:.1f} s")
    yield took / steps * len(data), lambda: lists(model, samples.field2id_token["film"], task)


def settings(task: NextTask) -> Config:
    """RecBole's, which reads the command line too."""
    chosen = {
        "data_path": str(task.folder / "recbole_next"),
        "checkpoint_dir": str(task.folder / "recbole_next"),
        "load_col": {"inter": ["user", "film", "place"]},
        "USER_ID_FIELD": "user",
        "ITEM_ID_FIELD": "film",
        "TIME_FIELD": "place",
        "MAX_ITEM_LIST_LENGTH": task.length,
        "unused_col": {"inter": ["place", "place_list"]},  # once they have put films in order
        "eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "mode": "full", "group_by": None},
        "n_layers": 2,
        "n_heads": 2,
        "hidden_size": task.embed_dim,
        "inner_size": 2 * task.embed_dim,
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.3,
        "attn_dropout_prob": 0.0,
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "learner": "adam",
        "learning_rate": task.learning_rate,
        "train_batch_size": task.prefixes,
        "seed": task.seed,
        "use_gpu": False,
        "state": "ERROR",
    }
    arguments, sys.argv = sys.argv, sys.argv[:1]
    with contextlib.redirect_stdout(io.StringIO()):
        config = Config(model="SASRec", dataset="ml", config_dict=chosen)
    sys.argv = arguments
    return config


def write(task: NextTask) -> None:
    """Who watched what; places stand for times."""
    folder = task.folder / "recbole_next" / "ml"
    folder.mkdir(parents=True, exist_ok=True)
    user, film = task.watched()
    rows = np.stack([user, film, np.arange(len(user))], axis=1)
    head = "user:token\tfilm:token\tplace:float"
    np.savetxt(folder / "ml.inter", rows, "%d", "\t", header=head, comments="")


def lists(model: SASRec, films: np.ndarray, task: NextTask) -> np.ndarray:
    """[users, 10] after each user's latest films.

    Args:
        films: [ids] our number of each film that RecBole has an id for, as a word; the first id is padding.
    """
    known = films[1:].astype(np.int64)
    ids = np.zeros(task.films, np.int64)
    ids[known] = np.arange(1, len(films))
    user, film = task.watched()
    sizes = np.bincount(user, minlength=task.users)
    latest = [torch.from_numpy(ids[x[-task.length :]]) for x in np.split(film, sizes.cumsum()[:-1])]
    count = torch.tensor([len(x) for x in latest])
    latest[0] = torch.nn.functional.pad(latest[0], (0, task.length - len(latest[0])))
    histories = torch.nn.utils.rnn.pad_sequence(latest, batch_first=True)  # [users, length]
    scores = np.full((task.users, task.films), -np.inf, np.float32)
    model.eval()
    with torch.inference_mode():
        for some in torch.arange(task.users).split(ASKED_AT_ONCE):
            asked = {model.ITEM_SEQ: histories[some], model.ITEM_SEQ_LEN: count[some]}
            scores[np.ix_(some, known)] = model.full_sort_predict(asked)[:, 1:]
    return best_unseen(scores, task)


if __name__ == "__main__":
    main(fit)
