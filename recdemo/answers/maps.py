"""Maps of a model's films, made once and kept beside the weights: t-SNE and UMAP of the space ``film``.

    python -m recdemo maps      makes what is missing

t-SNE (van der Maaten and Hinton, 2008) and UMAP (McInnes, Healy and Melville, 2018) take half a minute, and UMAP a
library that only their making needs (the extra `maps`). PCA takes milliseconds and is computed where it is
shown. A file names the weights it was made from; beside other weights it is stale, and counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from recdemo import checkpoints
from recdemo.answers.spaces import spaces
from recdemo.core.errors import CheckpointError
from recdemo.core.files import draft_of
from recdemo.models import CARDS

FILE = "maps.safetensors"
MADE_FROM = "weights_sha256"
SEED = 0
NEIGHBOURS = 20  # that both look at for each film; UMAP counts the film itself
TSNE_STEPS, UMAP_EPOCHS = 500, 300
ANGLE = 0.7  # how coarsely t-SNE sums up what is far off: faster, and as trustworthy
Method = Literal["tsne", "umap"]
Maps = dict[tuple[Method, int], np.ndarray]  # [M, dimensions] by method and number of dimensions
MADE: tuple[tuple[Method, int], ...] = (("tsne", 2), ("umap", 2))


def read(folder: Path, weights_sha256: str, films: int) -> Maps:
    """The maps in a checkpoint's folder; empty where they are missing, damaged or of other weights.

    Args:
        folder: of the checkpoint.
        weights_sha256: as its card states it.
        films: M.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / FILE, framework="numpy") as file:
            if (file.metadata() or {}).get(MADE_FROM) != weights_sha256:
                return {}
            found: Maps = {
                (method, size): file.get_tensor(f"{method}_{size}d").astype(np.float32)
                for method, size in MADE
            }
    except (OSError, SafetensorError):
        return {}
    return found if all(found[key].shape == (films, key[1]) for key in MADE) else {}


def write(folder: Path, maps: Maps, weights_sha256: str) -> None:
    """Write maps in half precision, centred and cut to a size of one, which a map may be: it has no unit."""
    from safetensors.numpy import save_file

    packed = {f"{method}_{size}d": _scaled(places) for (method, size), places in maps.items()}
    with draft_of(folder / FILE) as draft:
        save_file(packed, draft, {MADE_FROM: weights_sha256})
        draft.chmod(0o644)


def make(directions: np.ndarray) -> Maps:
    """Both methods over vectors of length one, [M, k], where Euclid's distance orders as the cosine does.

    Raises:
        CheckpointError: UMAP is not installed.
    """
    from sklearn.manifold import TSNE
    from sklearn.neighbors import NearestNeighbors

    try:
        from umap import UMAP
    except ImportError:
        raise CheckpointError(
            "maps are made with umap-learn; install it with \"pip install 'recdemo[maps]'\""
        ) from None

    tsne = TSNE(
        perplexity=NEIGHBOURS,
        angle=ANGLE,
        init="pca",
        max_iter=TSNE_STEPS,
        random_state=SEED,
        n_jobs=1,
    )
    maps: Maps = {("tsne", 2): tsne.fit_transform(directions)}
    index = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(directions)
    distances, rows = index.kneighbors(directions)
    umap = UMAP(
        n_neighbors=NEIGHBOURS,
        n_epochs=UMAP_EPOCHS,
        precomputed_knn=(rows, distances),
        random_state=SEED,
        n_jobs=1,
    )
    maps["umap", 2] = umap.fit_transform(directions)
    return maps


def make_missing(
    base: Path | None = None,
    models: Iterable[str] = (),
    *,
    on_done: Callable[[str, float], None] = lambda model, seconds: None,
    build: Callable[[np.ndarray], Maps] = make,
) -> list[str]:
    """Make the maps that are missing or stale, one objective per model: the one asked by default.

    Args:
        base: folder of checkpoints; None for the shipped one.
        models: keys; empty for all.
        on_done: told each model and the seconds it took.
        build: makes the maps.

    Returns:
        Keys of the models whose maps were made. A model without vectors of films has none.
    """
    import time

    made = []
    for model in models or CARDS:
        objective = CARDS[model].default_objective
        if (model, objective) not in checkpoints.available(base):
            continue
        loaded = checkpoints.load(model, objective, base)
        space = spaces(loaded.model).get("film")
        sha = loaded.card.weights_sha256
        if space is None or read(loaded.folder, sha, loaded.schema.size):
            continue
        started = time.perf_counter()
        write(loaded.folder, build(space.directions()), sha)
        on_done(model, time.perf_counter() - started)
        made.append(model)
    return made


def _scaled(places: np.ndarray) -> np.ndarray:
    centred = places - places.mean(0)
    return (centred / max(np.abs(centred).max(), np.finfo(np.float32).tiny)).astype(np.float16)
