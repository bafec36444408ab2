"""The models that read titles, each against its paper's formula in plain loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import by_hand
import numpy as np
import pandas as pd
import pytest
import torch
from by_hand import scores_of
from torch import Tensor, nn

from recdemo.blocks.mlp import SharedDropout, TwoSidedMLP
from recdemo.core.batch import Pieces, TitleText
from recdemo.core.session import Session
from recdemo.core.vocabulary import GENRES, LIKED
from recdemo.encoding.encode import encode
from recdemo.encoding.schema import Schema
from recdemo.encoding.words import words_of
from recdemo.models import CARDS

FILMS = [4, 29, 37]  # the last has no genre
_scores = partial(scores_of, films=FILMS)


@pytest.fixture(scope="module")
def titled(small_films: pd.DataFrame) -> Schema:
    """The small films under titles of 1 to 14 words, of which ten are read."""
    title = "Return of the Wild Amélie, Who's 12 Monkeys and One Last Summer in Texas"
    words = title.split()
    titles = [" ".join(words[n % 5 :][: n % 14 + 1]) for n in range(len(small_films))]
    return Schema(small_films.assign(title=titles), history_length=6)


def test_text_model_is_the_formula_over_sentence_vectors(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("dcn_text", schema, std=0.3)
    found = _scores(model, schema, sessions)
    w = by_hand.weights_of(model)
    sentences = w["sentences"]
    network = by_hand.weights_of(model, "network.")
    ids = schema.movie_ids.tolist()
    for u, session in enumerate(sessions):
        liked = [ids.index(film.movie_id) + 1 for film in session.history[-6:] if film.liked]
        user = np.zeros(sentences.shape[1])
        for film in liked:
            user += sentences[film] / len(liked)
        for c, film in enumerate(FILMS):
            wanted = by_hand.cross_and_deep([*user, *sentences[film]], network)
            assert float(found[u, c]) == pytest.approx(wanted, abs=2e-5, rel=2e-5)
    assert found.std() > 0.05


class Listing(nn.Module):
    """The rating model as document 000 prints it, for one visitor and film at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.gender, self.age, self.occupation = (nn.Embedding(n + 1, 32) for n in (2, 7, 21))
        self.user_fc = nn.Sequential(
            nn.Linear(32 * 3, 200),
            nn.BatchNorm1d(200),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(200, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Dropout(0.3),
        )
        self.genres = nn.Embedding(18 + 1, 32, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv2d(1, 64, (size, 50)) for size in (2, 3, 4))
        self.pool = nn.AdaptiveMaxPool2d((1, 1))
        self.title_fc = nn.Sequential(
            nn.Linear(64 * 3, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3)
        )
        self.movie_fc = nn.Sequential(
            nn.Linear(32 + 32, 128),
            nn.BatchNorm1d(128),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Dropout(0.3),
        )
        self.predictor = nn.Sequential(
            nn.Linear(256 * 3, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(128, 1),
        )

    def forward(self, profile: list[Tensor], genres: Tensor, title: Tensor, mean: bool) -> Tensor:
        user = self.user_fc(torch.cat(profile, dim=1))  # [1, 256]
        of_genre = self.genres(genres)  # [n, 32]
        pooled = of_genre.sum(0, keepdim=True)
        if mean:
            pooled = pooled / max(len(genres), 1)
        found = [self.pool(conv(title[None, None])).flatten(1) for conv in self.convs]
        text = self.title_fc(torch.cat(found, dim=1))
        film = self.movie_fc(torch.cat([pooled, text], dim=1))
        return self.predictor(torch.cat([user, film, user * film], dim=1)).squeeze()


def _listing_of(model: nn.Module) -> Listing:
    """The listing with a model's weights."""
    listing = Listing().eval()
    for name in ("gender", "age", "occupation"):
        getattr(listing, name).load_state_dict(model.profile.tables[name].state_dict())
    pairs = {"user_fc": "user", "genres": "genres", "title_fc": "title_head", "movie_fc": "film"}
    for theirs, ours in {**pairs, "predictor": "head"}.items():
        getattr(listing, theirs).load_state_dict(getattr(model, ours).state_dict())
    for conv, ours in zip(listing.convs, model.title.convolutions, strict=True):
        with torch.no_grad():
            conv.weight.copy_(ours.weight.transpose(1, 2).unsqueeze(1))  # [64, 1, size, 50]
            conv.bias.copy_(ours.bias)
    return listing


@pytest.mark.parametrize("genre_pool", ["sum", "mean"])
def test_rating_model_is_the_printed_one(
    genre_pool: str, titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_rating", titled, embed_dim=32, genre_pool=genre_pool).double()
    found = _scores(model, titled, sessions)
    listing = _listing_of(model).double()
    with torch.inference_mode():
        for u, session in enumerate(sessions):
            profile = [
                listing.gender(torch.tensor([" FM".index(session.gender or " ")])),
                listing.age(encode(titled, [session], torch.tensor([1])).age),
                listing.occupation(
                    torch.tensor([0 if session.occupation is None else session.occupation + 1])
                ),
            ]
            for c, film in enumerate(FILMS):
                row = titled.movies.iloc[film - 1]
                genres = torch.tensor([1 + GENRES.index(g) for g in row["genres"]]).long()
                title = torch.zeros(10, 50, dtype=torch.double)
                for place, word in enumerate(words_of(row["title"])):
                    title[place] = model.words[1 + titled.words.index(word)]
                title[len(words_of(row["title"])) :] = model.words[0]
                wanted = listing(profile, genres, title, genre_pool == "mean")
                assert float(found[u, c]) == pytest.approx(float(wanted), abs=1e-9)
    assert found.std() > 0.05


@pytest.mark.parametrize("key", ["textcnn_rating", "textcnn_history"])
def test_rating_model_learns_where_a_step_holds_one_film_or_one_profile(
    key: str, titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    """Otherwise each film and profile of a step is encoded once, and a single one has no variance."""
    model = make_model(key, titled).train()
    film = encode(titled, sessions, torch.tensor([2]))
    profile = encode(titled, [sessions[0]] * 2, torch.tensor([1, 2]))
    for batch in (film, profile, encode(titled, [sessions[0]] * 2, torch.tensor([2]))):
        model.zero_grad()
        model(batch).square().sum().backward()
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        assert model.head[0].weight.grad.abs().sum() > 0


def test_rating_model_drops_what_the_document_drops(schema: Schema) -> None:
    """Drops .3 everywhere, .4 before the last layer, if it is asked to."""
    model = CARDS["textcnn_rating"].model(schema, dropout=0.3)
    listing = Listing()
    for theirs, ours in (
        (listing.user_fc, model.user),
        (listing.title_fc, model.title_head),
        (listing.movie_fc, model.film),
        (listing.predictor, model.head),
    ):
        shares = [1 - module.kept / 256 for module in ours if isinstance(module, SharedDropout)]
        wanted = [module.p for module in theirs if isinstance(module, nn.Dropout)]
        assert shares == pytest.approx(wanted, abs=1 / 512)  # to the nearest 256th
    assert sum(p.numel() for p in model.parameters()) == sum(
        p.numel() for p in listing.parameters()
    )


def test_rating_model_with_history_reads_what_was_thought_of_each_film(
    titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_history", titled, embed_dim=8)
    found = _scores(model, titled, sessions)
    length = titled.history_length
    with torch.inference_mode():
        for u, session in enumerate(sessions):
            read = session.history[-length:]
            share, total = [0.0] * 3, torch.zeros(3, 8)
            for film in read:
                opinion = [None, False, True].index(film.liked)
                share[opinion] += 1 / len(read)
                vector = model.watched.weight[titled.index_of(film.movie_id)]
                total[opinion] += vector / len(read)
            batch = encode(titled, [session], torch.tensor([1]))
            profile = model.profile.user(batch).flatten()
            user = model.user(torch.cat([profile, torch.tensor(share), total.flatten()])[None])
            for c, film in enumerate(FILMS):
                q = model.film_vectors()[film][None]
                stars = model.head(torch.cat([user, q, user * q], dim=1))
                assert float(found[u, c]) == pytest.approx(float(stars), abs=2e-5, rel=2e-5)


def test_titles_may_be_encoded_part_by_part(
    titled: Schema, sessions: list[Session], make_model: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model("textcnn_rating", titled)
    batch = encode(titled, sessions, torch.randperm(titled.size) + 1)
    with torch.inference_mode():
        at_once = model(batch)
        for name in ("CHUNK", "ROWS"):
            monkeypatch.setattr(f"recdemo.models.textcnn_rating.{name}", 5)
            np.testing.assert_allclose(model(batch), at_once, atol=1e-5, rtol=1e-5)


def test_titles_encoded_once_for_all_answers_change_none(
    titled: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("textcnn_history", titled)
    before = _scores(model, titled, sessions)
    model.precompute()
    assert model.precomputed.shape == (titled.size + 1, 256)
    assert torch.equal(_scores(model, titled, sessions), before)
    model.precomputed += 1.0  # it is what answers
    assert not torch.equal(_scores(model, titled, sessions), before)
    model.train()  # weights may change from here on
    assert torch.equal(_scores(model.eval(), titled, sessions), before)


def test_candidates_may_be_joined_part_by_part(
    schema: Schema, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    head = TwoSidedMLP(5, 4, [6, 3]).eval()
    user, films = torch.randn(len(sessions), 5), torch.randn(schema.size + 1, 4)
    batch = encode(schema, sessions, torch.randperm(schema.size) + 1)
    with torch.inference_mode():
        at_once = head(user, films, batch)
        monkeypatch.setattr("recdemo.blocks.mlp.CELLS", 1)
        np.testing.assert_allclose(head(user, films, batch), at_once, atol=1e-6, rtol=1e-6)


def test_text_models_start_from_the_vectors_given(titled: Schema, sessions: list[Session]) -> None:
    generator = torch.Generator().manual_seed(0)
    text = TitleText(
        words=torch.randn(len(titled.words) + 1, 50, generator=generator),
        sentences=torch.randn(titled.size + 1, 64, generator=generator),
    )
    for key, name, wanted in (
        ("textcnn_rating", "words", text.words),
        ("dcn_text", "sentences", text.sentences[:, :16]),
    ):
        torch.manual_seed(0)
        more = {"text_dim": 16} if key == "dcn_text" else {}
        model = CARDS[key].model(titled, **more).eval()
        before = _scores(model, titled, sessions)
        model.start_from(text)
        assert torch.equal(getattr(model, name), wanted)
        assert (_scores(model, titled, sessions) - before).abs().max() > 1e-4
        assert name in model.state_dict()  # a checkpoint has them with it
        assert name not in dict(model.named_parameters())  # and training leaves them alone


@pytest.mark.parametrize(("key", "name"), [("textcnn_rating", "words"), ("dcn_text", "sentences")])
def test_text_models_keep_what_they_learned_of_titles(
    key: str, name: str, titled: Schema, sessions: list[Session]
) -> None:
    torch.manual_seed(0)
    model = CARDS[key].model(titled)
    fresh = set(model.state_dict())
    rows = len(getattr(model, name))
    pieces = Pieces(
        rows - 1,
        torch.arange(rows - 1),
        torch.ones(rows - 1),
        torch.arange(-1, rows - 1).clamp(min=0),
    )
    text = TitleText(
        torch.zeros(len(titled.words) + 1, 50), torch.zeros(titled.size + 1, 128), pieces, pieces
    )
    model.start_from(text)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    batch = encode(titled, sessions, torch.tensor(FILMS))
    before = model.learned.table.clone()
    model.train()(batch).square().sum().backward()
    optimizer.step()
    assert (model.learned.table != before).any()
    answers = _scores(model.eval(), titled, sessions)
    torch.testing.assert_close(getattr(model, name)[1:], model.learned.table)
    assert not getattr(model, name)[0].any()
    model.train()
    model.finish_text()
    assert set(model.state_dict()) == fresh
    assert torch.equal(_scores(model, titled, sessions), answers)


def test_films_nobody_liked_say_nothing_to_the_text_model(
    schema: Schema, sessions: list[Session], make_model: Callable
) -> None:
    model = make_model("dcn_text", schema)
    batch = encode(schema, sessions, torch.tensor(FILMS))
    without = replace(
        batch, history=batch.history * batch.liked, feedback=batch.feedback * batch.liked
    )
    assert (without.feedback[without.feedback != 0] == LIKED).all()
    with torch.inference_mode():
        assert torch.equal(model(batch), model(without))
