"""The pages' other answers from a shell: the library's own figures, and wrong requests named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from shell import SESSION, VISITOR, answer, run
from shipped import load

import recdemo
from recdemo import RequestError, Session, Watched
from recdemo.answers.compare import default_models, overlaps, rank
from recdemo.answers.counterfactual import Change, rank_changes
from recdemo.answers.drop import what_it_takes
from recdemo.answers.embeddings import analogy, film_analogy
from recdemo.answers.spaces import spaces
from recdemo.charts.picture import picture
from recdemo.charts.report import handout
from recdemo.models import CARDS


def test_recommend_keeps_films_of_the_years_asked() -> None:
    rows = answer(f"recommend --model fm {VISITOR} -k 5 --years 1950-1969 --genre Drama --json")
    table = load("fm").recommend(SESSION, 5, genres=["Drama"], years=(1950, 1969))
    assert [row["movie_id"] for row in rows] == table["movie_id"].tolist()
    assert all(1950 <= row["year"] <= 1969 for row in rows)
    (only,) = answer(f"recommend --model fm {VISITOR} -k 1 --years 1927-1927 --json")
    assert only["year"] == 1927


def test_compare_prints_every_model_s_ranks_and_their_overlap() -> None:
    found = answer(f"compare -m mf -m rating_mlp -m fm --objective like {VISITOR} -k 4 --json")
    pairs = [("mf", "like"), ("rating_mlp", "rating"), ("fm", "like")]
    assert [(row["model"], row["objective"]) for row in found["models"]] == pairs
    models = [load(*pair) for pair in pairs]  # type: ignore[arg-type]
    tables = [model.recommend(SESSION, 5000).set_index("movie_id") for model in models]
    assert {film["movie_id"] for film in found["films"]} == {
        movie for table in tables for movie in table.index[:4]
    }
    for film in found["films"]:
        ranks = [table["rank"][film["movie_id"]] for table in tables]
        assert [film[model] for model, _ in pairs] == ranks
        assert film["lists"] == sum(place <= 4 for place in ranks)
        assert film["title"].startswith(tables[0]["title"][film["movie_id"]])
    expected = overlaps([rank(model, SESSION) for model in models])
    assert found["overlap"] == expected.tolist()
    assert 0 < found["overlap"][0][2] < 1


def test_compare_shows_lists_in_columns_and_has_models_to_begin_with() -> None:
    done = run(f"compare -m din -m popularity {VISITOR} -k 2", COLUMNS="200")
    assert done.returncode == 0
    for model in ("din", "popularity"):
        assert load(model).recommend(SESSION, 2)["title"][1] in done.stdout
    assert [row["model"] for row in answer(f"compare {VISITOR} --json")["models"]] == list(
        default_models(CARDS, "din")
    )


def test_what_if_prints_the_library_s_ranks() -> None:
    change = Change("M", "-", 0, (260,), Watched(1210, False))
    words = "--to-gender M --to-age - --to-occupation 0 --drop 260 --add-dislike 1210"
    found = answer(f"what-if --model fm {VISITOR} {words} -k 60 --json")
    expected = rank_changes(load("fm"), SESSION, change.of(SESSION), 60)
    assert found["stay"] == expected.stay
    assert found["same_scores"] is False
    assert len(found["films"]) == len(expected.films)
    for film, row in zip(found["films"], expected.films.itertuples(), strict=True):
        assert film["movie_id"] == row.movie_id
        for side in ("before", "after"):
            place, score = getattr(row, f"rank_{side}"), getattr(row, f"score_{side}")
            assert film[f"rank_{side}"] == (None if pd.isna(place) else place)
            assert film[f"score_{side}"] == (None if pd.isna(score) else pytest.approx(score))
    watched = {film["movie_id"]: film for film in found["films"]}
    assert watched[260]["rank_before"] is None, "watched before the change only"
    assert watched[1210]["rank_after"] is None, "watched after it only"


@pytest.mark.parametrize(
    ("option", "liked"), [("--add-like", True), ("--add-dislike", False), ("--add-watched", None)]
)
def test_what_if_adds_a_film_with_its_opinion(option: str, liked: bool | None) -> None:
    found = answer(f"what-if --model fm {VISITOR} {option} 589 -k 3 --json")
    after = replace(SESSION, history=[*SESSION.history, Watched(589, liked)])
    table = load("fm").recommend(after, 3)
    by_rank = {film["rank_after"]: film["score_after"] for film in found["films"]}
    assert [by_rank[place] for place in (1, 2, 3)] == pytest.approx(table["score"].tolist())


def test_what_if_tells_a_change_that_a_model_does_not_read() -> None:
    done = run(f"what-if --model popularity {VISITOR} --to-gender M", COLUMNS="200")
    assert done.returncode == 0
    assert "No score moves" in done.stdout
    assert "No score moves" not in run(f"what-if --model fm {VISITOR} --to-gender M").stdout
    assert answer(f"what-if --model popularity {VISITOR} --to-gender M --json")["same_scores"]


def test_what_it_takes_is_the_library_s_answer() -> None:
    model = load("fm")
    for movie in model.recommend(SESSION, 10)["movie_id"]:
        expected = what_it_takes(model, SESSION, movie, 10)
        if expected.films:
            break
    found = answer(f"what-if --model fm {VISITOR} --movie {movie} --json")
    assert found["films"] == list(expected.films) != []
    assert (found["rank"], found["rank_after"]) == (expected.rank, expected.rank_after)
    assert found["margin"] == pytest.approx(expected.margin)
    assert [film for film, _ in found["alone"]] == [film for film, _ in expected.alone]
    assert found["smallest"] is expected.smallest


def test_what_it_takes_is_said_in_a_sentence_whatever_the_answer() -> None:
    model = load("fm")
    table = model.recommend(SESSION, 20)
    fallen = next(m for m in table["movie_id"][:10] if what_it_takes(model, SESSION, m).films)
    for words, said in {
        f"{VISITOR} --movie {fallen}": "falls from rank",
        f"{VISITOR} --movie {table['movie_id'][19]}": "it has rank 20",
        f"{VISITOR} --movie 260": "has been watched, so it is on no list",
        "--movie 2858 -k 5000": "without any history",
    }.items():
        done = run(f"what-if --model fm {words}")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    # With more places than films nothing can fall: the lead has no end, and JSON has no word for that.
    assert answer(f"what-if --model fm {VISITOR} --movie {fallen} -k 5000 --json")["margin"] is None


def test_analogy_prints_the_library_s_films() -> None:
    words = "analogy 1200 1214 1240 --model fm --objective like --space liked -k 4 --json"
    rows = answer(words)
    model = load("fm", "like")
    schema = model.checkpoint.schema
    directions = spaces(model.checkpoint.model)["liked"].directions()
    expected = analogy(directions, *(schema.index[movie] - 1 for movie in (1200, 1214, 1240)), k=4)
    assert [schema.index[row["movie_id"]] - 1 for row in rows] == expected.rows.tolist()
    assert [row["cosine"] for row in rows] == pytest.approx(expected.cosines.tolist())
    assert [row["alone"] for row in rows] == expected.alone.tolist()
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert run(words.replace("--json", "")).returncode == 0
    with pytest.raises(RequestError, match="91"):
        film_analogy(model, 1200, 91, 1240)


def test_report_writes_the_library_s_page(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    words = (
        f"report --model fm --objective like {VISITOR} --movie 1210 --movie 589 --beside mf -k 3"
    )
    assert answer(f"{words} --out {file} --json") == {"file": str(file)}
    models = [load(key, "like") for key in ("fm", "mf")]
    others = {CARDS["mf"].title: models[1]}
    expected = handout(models[0], SESSION, others=others, targets=[1210, 589], k=3)
    written = file.read_text(encoding="utf-8")
    assert _timeless(written) == _timeless(expected)
    drawn = tmp_path / "card.png"
    assert answer(f"{words} --out {drawn} --json") == {"file": str(drawn)}
    assert drawn.read_bytes() == picture(models[0], SESSION)
    missing = tmp_path / "nowhere" / "page.html"
    done = run(f"{words} --out {missing}")
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def _timeless(page: str) -> list[str]:
    """Lines without the date and without the charts, whose ids are drawn at random."""
    return [line for line in page.splitlines() if " UTC" not in line and "plotly" not in line]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("recommend --years 1999 --json", "1999"),
        ("recommend --years 1999-1990 --json", "1999-1990"),
        ("recommend --years old-new --json", "old-new"),
        ("compare -m din --json", "din"),
        ("compare -m din -m fm -m din --json", "din fm din"),
        ("compare -m din -m nope --json", "nope"),
        ("compare --like 91 --json", "91"),
        ("compare -k 0 --json", "not 0"),
        ("what-if --json", "nothing"),
        ("what-if --to-gender X --json", "X"),
        ("what-if --to-age 26 --json", "26"),
        ("what-if --to-age old --json", "old"),
        ("what-if --to-occupation 21 --json", "21"),
        ("what-if --like 260 --drop 2571 --json", "2571"),
        ("what-if --add-like 91 --json", "91"),
        ("what-if --add-like 1 --add-watched 589 --json", "589"),
        ("what-if --to-gender F --movie 1210 --json", "1210"),
        ("what-if --movie 91 --json", "91"),
        ("what-if --to-age - -k -3 --json", "not -3"),
        ("analogy 1 2 91 --json", "91"),
        ("analogy 1 2 3 --model popularity --json", "popularity"),
        ("analogy 1 2 3 --space year --json", "year"),
        ("report --out {file} --movie 91", "91"),
        ("report --out {file} --beside nope", "nope"),
        ("report", "--out"),
    ],
)
def test_a_bad_request_is_exit_status_2_and_named(
    arguments: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    done = run(arguments.format(file=file))
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not file.exists()


def test_a_history_from_a_file_goes_before_films_given_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("Alien (1979) 1/5\nFargo (1996) 5/5\nInception (2010)\nLes Miserables (1997)\n")
    asked = f"recommend --model fm --history {file} --dislike 608 --like 260 -k 3 --json"
    done = run(asked)
    visitor = Session(history=[Watched(1214, False), Watched(608, False), Watched(260, True)])
    wanted = load("fm").recommend(visitor, k=3)
    assert [row["movie_id"] for row in json.loads(done.stdout)] == wanted["movie_id"].tolist()
    assert "Inception (2010)" in done.stderr
    assert "could be more than one" in done.stderr
    assert run(f"recommend --history {tmp_path / 'none.csv'}").returncode == 1


def test_a_model_of_the_other_world() -> None:
    found = answer("recommend --model ease@2018 --like 79132 --like 58559 -k 20 --json")
    assert len(found) == 20
    assert max(film["year"] for film in found) > 2000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("recommend --model din@1890 --like 260", "names a world that does not exist"),
        ("compare -m ease@2018 -m ease --like 2571", "name models of one world"),
        ("maps --world 1890", "there is no world '1890'"),
    ],
)
def test_worlds_that_cannot_be_asked_are_refused(words: str, said: str) -> None:
    done = run(words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_films_are_found_by_words_typed_as_people_do() -> None:
    found = answer("films star wars 5 --json")
    assert [(film["movie_id"], film["near"]) for film in found] == [(1196, False)]
    keys = ["movie_id", "title", "year", "genres", "ratings", "likes", "near"]
    assert list(found[0]) == keys == list(recdemo.find_films("star wars 5"))
    assert "Les Misérables" in run("films miserables").stdout
    near = run("films matrx")
    assert "The Matrix" in near.stdout
    assert "“matrx”" in near.stderr
    assert [film["near"] for film in answer("films matrx --json")] == [True]


def test_what_the_catalogue_does_not_have_is_said() -> None:
    done = run("films inception")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No film of these 3,883 is called “inception”: they end in 2000." in done.stderr
    assert "“Films to 2018” has Inception (2010)." in done.stderr
    assert [film["movie_id"] for film in answer("films inception --world 2018 --json")] == [79132]
    assert recdemo.find_films("inception", "2018")["movie_id"].tolist() == [79132]
    assert answer("films inception --json") == []
    assert recdemo.find_films("inception").empty
    done = run("films ?!")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'?!' has no word" in done.stderr
