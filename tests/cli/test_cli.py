"""The command line as scripts use it: one JSON value, exit codes, order of films; and the same numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from shell import SESSION, VISITOR, answer, run
from shipped import load

from recdemo import Session, Watched, checkpoints
from recdemo.data import save_dataset, simulate
from recdemo.data.catalogue import read_catalogue
from recdemo.models.cards import CARDS, as_markdown
from recdemo.training.opening import open_test_part

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder for checkpoints: the catalogue, and no model yet."""
    shipped = checkpoints.root() / checkpoints.CATALOGUE
    (tmp_path / checkpoints.CATALOGUE).write_bytes(shipped.read_bytes())
    return tmp_path


def test_a_process_of_its_own_answers_alike() -> None:
    arguments = f"recommend --model fm {VISITOR} -k 5 --json"
    command = [sys.executable, "-m", "recdemo", *arguments.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == answer(arguments)
    wrong = subprocess.run(
        [*command, "--age", "26"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "26" in wrong.stderr


def test_recommend_prints_the_library_s_list() -> None:
    rows = answer(f"recommend --model din --objective next {VISITOR} -k 5 --json")
    table = load("din", objective="next").recommend(SESSION, 5)
    assert [list(row) for row in rows] == [
        ["rank", "movie_id", "title", "year", "genres", "score", "p_like"]
    ] * 5
    assert [row["movie_id"] for row in rows] == table["movie_id"].tolist()
    assert [row["score"] for row in rows] == pytest.approx(table["score"].tolist())
    assert [row["p_like"] for row in rows] == pytest.approx(table["p_like"].tolist())
    assert rows[0]["genres"] == list(table["genres"][0])


def test_films_keep_the_order_they_were_typed_in() -> None:
    first = answer(
        "recommend --model rnn_als --dislike 1 --like 260 --watched=2571 --like 589 -k 3 --json"
    )
    films = [Watched(1, False), Watched(260, True), Watched(2571), Watched(589, True)]
    expected = load("rnn_als").recommend(Session(history=films), 3)
    assert [row["score"] for row in first] == pytest.approx(expected["score"].tolist(), rel=1e-6)
    swapped = Session(history=[films[1], films[3], films[0], films[2]])
    other = load("rnn_als").recommend(swapped, 3)
    assert expected["score"].tolist() != pytest.approx(other["score"].tolist(), rel=1e-3)


def test_explain_prints_the_library_s_explanation() -> None:
    value = answer(f"explain --model afm --objective like {VISITOR} --movie 1210 --json")
    explanation = load("afm", objective="like").explain(SESSION, 1210)
    assert value["logit"] == pytest.approx(explanation.logit, abs=1e-5)
    assert sum(term["value"] for term in value["terms"]) == pytest.approx(value["logit"], abs=1e-4)


def test_models_lists_every_card() -> None:
    rows = answer("models --json")
    assert [row["key"] for row in rows] == list(CARDS)
    assert set(rows[0]) == {"key", "title", "family", "source", "objectives", "explains"}
    explains = {row["key"]: row["explains"] for row in rows}
    assert explains["afm"] == ["fields"]
    assert explains["din"] == ["history"]
    assert explains["popularity"] == []


def test_the_readme_s_table_of_models_can_be_printed() -> None:
    assert run("models --markdown").stdout == f"{as_markdown()}\n"


def test_films_are_found_by_words() -> None:
    assert [film["movie_id"] for film in answer("films matrix --json")] == [2571]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("recommend --model nope --json", "nope"),
        ("recommend --age 26 --json", "26"),
        ("recommend --gender X --json", "X"),
        ("recommend --occupation 21 --json", "21"),
        ("recommend --objective buy --json", "buy"),
        ("recommend --like 91 --json", "91"),
        ("recommend --like 260 --dislike 260 --json", "260"),
        ("recommend -k 0 --json", "0"),
        ("recommend --genre Sport --json", "Sport"),
        ("explain --movie 91 --json", "91"),
        ("train nope", "nope"),
        ("train fm --objective rating", "rating"),
        ("recommend --model textcnn_rating --objective next", "rating"),
        ("train rnn --data simulated --out {folder} --argument cell=cnn", "cnn"),
        ("train rnn --data simulated --out {folder} --argument cell", "NAME=VALUE"),
        ("train rnn --data simulated --out {folder} --argument depth=3", "depth"),
        ("train fm --split future", "future"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_bad_request_is_exit_status_2_and_named_on_standard_error(
    arguments: str, named: str, tmp_path: Path
) -> None:
    done = run(arguments.format(folder=tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        ("data info nowhere.zip", {}, "nowhere.zip"),
        ("train fm --data nowhere.zip", {}, "nowhere.zip"),
        ("evaluate fm --data nowhere.zip", {}, "nowhere.zip"),
        ("data fetch ml-5m", {}, "ml-5m"),
    ],
)
def test_what_cannot_be_done_is_exit_status_1(arguments: str, environment, named: str) -> None:
    done = run(arguments, **environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_checkpoint_is_exit_status_1_and_says_how_to_train_it(bare: Path) -> None:
    done = run("recommend --model fm --json", RECDEMO_CHECKPOINTS=str(bare))
    assert done.returncode == 1
    assert "python -m recdemo train fm --objective next" in done.stderr


def test_help_teaches_without_loading_a_model() -> None:
    commands = "recommend explain analogy compare what-if report train evaluate models films"
    for command in ("", *commands.split(), "data fetch"):
        done = run(f"{command} --help")
        assert done.returncode == 0
        assert len(done.stdout) > 300


def test_train_then_evaluate_agree_on_simulated_data(bare: Path, few_ratings: Path) -> None:
    card = answer(
        f"train fm --objective like --data {few_ratings} --epochs 3 --seed 3 --out {bare} --json"
    )
    assert card["data"]["simulated"] is True
    assert card["seed"] == 3
    command = (
        f"python -m recdemo train fm --objective like --data {few_ratings} --seed 3 --epochs 3"
    )
    assert card["command"] == command
    measured = answer(
        f"evaluate fm --objective like --data {few_ratings} --json", RECDEMO_CHECKPOINTS=str(bare)
    )
    assert measured["test"] == pytest.approx(card["metrics"]["test"], abs=1e-6)
    assert measured["test"]["auc"] > 0.6

    # A card from before a metric was thought of.
    path = bare / "fm" / "like" / checkpoints.CARD
    older = json.loads(path.read_text())
    del older["metrics"]["test"]["log_loss"]
    path.write_text(json.dumps(older))
    done = run(f"evaluate fm --objective like --data {few_ratings}", RECDEMO_CHECKPOINTS=str(bare))
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if "log_loss" in line]
    assert "–" in row


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    """A table without titles, of columns that no guess finds, on a scale of 0 to 7, with a row that cannot be read."""
    rows = [
        f"p{user},t{film},{(user + film) % 2 * 90 + 5}" for user in range(30) for film in range(12)
    ]
    path = tmp_path / "tales.csv"
    path.write_text("\n".join(["a,b,c", *rows, ",t1,5"]))
    return path


def test_every_choice_that_a_refusal_recommends_is_an_option(tales: Path, tmp_path: Path) -> None:
    """Step by step, by what standard error says next."""
    words = f"data info {tales} --json"
    for said, option in {
        "--map user=COLUMN": "--map user=a --map movie_id=b --map rating=c",
        "--own-films": "--own-films",
        "--leave-out": "--leave-out",
    }.items():
        done = run(words)
        assert done.returncode == 1
        assert said in done.stderr
        words += f" {option}"
    assert answer(words)["ratings"] == 360
    assert answer(words)["films"] == 12
    choices = words.removeprefix(f"data info {tales} --json")
    out = tmp_path / "out"
    card = answer(
        f"train fm --objective like --data {tales}{choices} --epochs 1 --out {out} --json"
    )
    assert card["data"]["films"] == 12
    assert card["command"] == (
        f"python -m recdemo train fm --objective like --data {tales} --seed 0 --map user=a --map movie_id=b "
        "--map rating=c --own-films --leave-out --epochs 1"
    )
    measured = answer(
        f"evaluate fm --objective like --data {tales}{choices} --json", RECDEMO_CHECKPOINTS=str(out)
    )
    assert measured["test"] == pytest.approx(card["metrics"]["test"], abs=1e-6)
    found = answer(
        f"search fm --vary learning_rate=[0.01] --set epochs=1 --objective like --data {tales}{choices} --json"
    )
    assert len(found) == 1


def test_other_choices_of_a_file(tales: Path) -> None:
    base = f"data info {tales} --json --own-films --leave-out --map user=a --map movie_id=b --map rating=c"
    assert answer(f"{base} --scale listed")["mean_rating"] == 5
    assert "the most is 12" in run(f"{base} --fewest 13").stderr
    assert answer(f"{base} --map rating=")["mean_rating"] == 5  # there is none
    for wrong in ("--map mood=c", "--map user", "--scale 0-7", "--ids ml-5m", "--fewest 0"):
        assert run(f"{base} {wrong}").returncode == 2
    assert "--own-films says nothing of it" in run("data info simulated --own-films").stderr


def test_evaluate_measures_again_how_far_attention_can_be_trusted(bare: Path) -> None:
    catalogue = read_catalogue(bare / checkpoints.CATALOGUE)
    few = save_dataset(simulate(catalogue, users=40, seed=9), bare / "few.zip")
    arguments = f"--objective like --data {few}"
    card = answer(f"train attention_pooling {arguments} --epochs 1 --out {bare} --json")
    stated = card["report"]["faithfulness"]
    assert set(stated) == {"weights"}
    environment = {"RECDEMO_CHECKPOINTS": str(bare)}
    found = answer(f"evaluate attention_pooling {arguments} --json", **environment)
    assert found["faithfulness"]["weights"] == pytest.approx(stated["weights"]["mean"], abs=1e-4)
    printed = run(f"evaluate attention_pooling {arguments}", **environment).stdout
    assert "attention tells: weights" in " ".join(printed.split())


def test_users_of_other_data_are_strangers_to_a_model_that_knows_users(
    bare: Path, few_ratings: Path
) -> None:
    catalogue = read_catalogue(bare / checkpoints.CATALOGUE)
    card = answer(f"train mf --objective like --data {few_ratings} --epochs 1 --out {bare} --json")
    others = save_dataset(simulate(catalogue, users=40, seed=9), bare / "others.zip")
    environment = {"RECDEMO_CHECKPOINTS": str(bare)}
    own = answer(f"evaluate mf --objective like --data {few_ratings} --json", **environment)
    assert own["test"] == pytest.approx(card["metrics"]["test"], abs=1e-6)
    loaded = checkpoints.load("mf", "like", bare)
    for data, strangers in ((few_ratings, False), (others, True)):
        _, ratings, test = open_test_part(loaded, str(data))
        assert ((ratings.batch(torch.nonzero(test).squeeze(1)).user == 0) == strangers).all()
    found = answer(f"evaluate mf --objective like --data {others} --json", **environment)
    assert 0 < found["test"]["log_loss"] < 1


def test_train_replaces_only_what_it_would_make_again(bare: Path, few_ratings: Path) -> None:
    words = f"train fm --objective like --epochs 1 --out {bare} --json"
    answer(f"{words} --data {few_ratings}")
    card = checkpoints.folder_of("fm", "like", bare) / checkpoints.CARD
    first = card.read_bytes()
    for other in (
        f"--data {few_ratings} --seed 1",
        f"--data {few_ratings} --split last",
        "--data ml-1m",
    ):
        done = run(f"{words} {other}")
        assert done.returncode == 2
        assert "split order, seed 0; choose another folder with --out" in " ".join(
            done.stderr.split()
        )
        assert card.read_bytes() == first
    assert answer(f"{words} --data {few_ratings} --epochs 2")["settings"]["epochs"] == 2
    assert answer(f"{words} --data {few_ratings} --seed 1 --force")["seed"] == 1


def test_a_variant_is_trained_by_its_argument_and_another_split(
    tmp_path: Path, few_ratings: Path
) -> None:
    arguments = f"--objective like --data {few_ratings} --epochs 1 --share 0.5 --split random"
    card = answer(
        f"train rnn {arguments} --argument cell=lstm --argument state=8 --out {tmp_path} --json"
    )
    assert card["arguments"] == {"cell": "lstm", "state": 8}
    assert card["split"] == "random"
    assert "--split random" in card["command"]
    assert card["command"].endswith("--argument cell=lstm --argument state=8")
    measured = answer(
        f"evaluate rnn --objective like --data {few_ratings} --json",
        RECDEMO_CHECKPOINTS=str(tmp_path),
    )
    assert measured["test"] == pytest.approx(card["metrics"]["test"], abs=1e-6)


def test_the_leaderboard_gathers_seeds_and_splits(bare: Path, few_ratings: Path) -> None:
    made = f"leaderboard --data {few_ratings} --out {bare} --train -m popularity"
    answer(f"{made} --seed 0 --seed 1 --json")
    board = answer(f"{made} --split last --json")
    rows = {(row["split"], row["objective"]): row for row in board["rows"]}
    goals = ("like", "next", "rating")
    assert set(rows) == {(split, goal) for split in ("order", "last") for goal in goals}
    shipped = rows["order", "like"]
    assert shipped["seeds"] == [0, 1]
    assert shipped["figures"]["auc"]["deviation"] == 0.0  # popularity knows no seed
    assert shipped["milliseconds"] > 0
    assert shipped["simulated"] is True
    assert len(shipped["report"]["calibration"]) == 10
    assert set(shipped["report"]["slices"]) == {"gender", "age", "occupation"}
    assert rows["last", "next"]["milliseconds"] is None
    assert rows["last", "next"]["command"].endswith("--split last")
    assert checkpoints.available(bare) == [("popularity", goal) for goal in goals]


def test_data_info_says_what_is_simulated() -> None:
    figures = answer("data info simulated --json")
    assert figures["simulated"] is True
    assert figures["users"] == 3000


def test_neighbours_prints_the_library_s_list() -> None:
    from recdemo.answers.embeddings import neighbours

    rows = answer("neighbours --model fm --objective like --space liked --movie 1 -k 3 --json")
    table = neighbours(load("fm", "like"), 1, 3, space="liked")
    assert [row["movie_id"] for row in rows] == table["movie_id"].tolist()
    assert [row["cosine"] for row in rows] == pytest.approx(table["cosine"].tolist())
    done = run("neighbours --model popularity --movie 1")
    assert done.returncode == 2
    assert "another model" in done.stderr


def test_maps_that_are_up_to_date_are_left_alone() -> None:
    assert answer("maps mf popularity --json") == []
    assert run("maps gpt").returncode == 2
