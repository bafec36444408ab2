"""Retrain: a run is asked for, watched, weighed, kept, chosen; and every refusal is a sentence."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from app import PAGES, TABLE, link_of, open_page, sound, text_of
from small_world import NoProcess
from streamlit.testing.v1 import AppTest

import recdemo
from recdemo import checkpoints
from recdemo.answers.old_and_new import list_changes, neighbours_kept
from recdemo.core.session import Session, Watched
from recdemo.jobs import control, kept, owner, store
from recdemo.training.observer import Epoch
from recdemo.ui import engine
from recdemo.ui import owner as who
from recdemo.ui.personas import PERSONAS
from recdemo.ui.saved import keys_in, save_visit
from recdemo.ui.visit import Visit

SESSION = PERSONAS[0].session


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.delenv(control.ALLOWED_VARIABLE, raising=False)


def until_ended(app: AppTest, seconds: float = 240) -> store.Run:
    """Look every second, as a browser does, until the run has ended."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        app.run()
        (run,) = store.all_runs()
        if run.ended:
            return run
        time.sleep(1)
    raise AssertionError(f"the run has not ended: {store.all_runs()[0].status}")


def test_the_button_trains_the_chosen_model_on_real_ratings() -> None:
    app = open_page("retrain", link_of(SESSION, "din@2018", "next"))
    assert "learns “What next?” from 100,836 real ratings" in text_of(sound(app))
    app.button(key="retrain_quick").click().run()
    (run,) = store.all_runs()
    control.cancel(run.id)
    request = run.request
    assert (request.model, request.objective, request.source) == ("din", "next", "ml-latest-small")
    seconds = control.estimate(request, 100_836)
    assert seconds is None or seconds < 60 or request.changes.epochs == 1


def test_from_the_button_to_a_model_on_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "simulated")
    app = open_page("retrain", link_of(SESSION, "fm", "like"))
    assert "No run yet" in app.info[0].value
    shipped = (checkpoints.root() / "fm" / "like" / checkpoints.WEIGHTS).read_bytes()
    app.button(key="retrain_quick").click().run()
    run = until_ended(app)
    assert run.state == "done", run.log()
    assert [error.value for error in sound(app.run()).error] == []
    new = checkpoints.read_card(checkpoints.folder_of("fm", "like", run.base))
    assert app.metric[0].value == f"{new.metrics.test['auc']:.4f}"
    assert not app.metric[0].delta, "simulated figures are not compared with real ones"
    assert any("simulated" in warning.value for warning in app.warning)
    assert re.search("(1 of 10 films of .* is|of 10 films of .* are) on both", text_of(app))
    assert (checkpoints.root() / "fm" / "like" / checkpoints.WEIGHTS).read_bytes() == shipped

    app.text_input(key=f"retrain_name_{run.id}").set_value("My first").run()
    app.button(key=f"retrain_keep_{run.id}").click().run()
    assert "Kept as" in app.success[0].value
    key = "fm~my-first"
    hidden = sound(open_page("recommend", link_of(SESSION, key, "like")))
    assert "does not exist" in hidden.warning[0].value, "it is this visitor's alone"
    app.toggle(key="kept_share_my-first").set_value(True).run()
    assert [error.value for error in sound(app).error] == []
    for page in PAGES.keys() - {"retrain"}:
        other = sound(open_page(page, link_of(SESSION, key, "like") | {"c": f"fm.{key}"}))
        assert [error.value for error in other.error] == [], page
        assert [warning.value for warning in other.warning] == [], page
        assert "simulated viewers" in text_of(other)
    listed = open_page("recommend", link_of(SESSION, key, "like") | TABLE).dataframe[0].value
    loaded = recdemo.answers.recommend.Recommender(
        checkpoints.load("fm", "like", kept.find_kept("my-first").base)
    )
    assert listed["title"].tolist() == loaded.recommend(SESSION, 10)["title"].tolist()

    app.button(key="kept_delete_my-first").click().run()
    assert kept.all_kept() == []
    gone = sound(open_page("recommend", link_of(SESSION, key, "like")))
    assert "my-first" in gone.warning[0].value
    app.button(key=f"retrain_delete_{run.id}").click().run()
    assert store.all_runs() == []


def test_visitors_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "simulated")
    monkeypatch.setenv(owner.ADMIN_VARIABLE, "the host's own secret")
    monkeypatch.setattr(control.subprocess, "Popen", NoProcess)
    anna, bert = (open_page("retrain", link_of(SESSION, "fm", "like")) for _ in range(2))
    anna.button(key="retrain_quick").click().run()
    (run,) = store.all_runs()
    cancel = f"retrain_cancel_{run.id}"
    assert anna.button(key=cancel)
    assert "No run yet" in text_of(sound(bert.run()))
    anna.toggle(key=f"retrain_share_{run.id}").set_value(True).run()
    assert "Waiting" in text_of(sound(bert.run()))
    assert cancel not in [button.key for button in bert.button]
    shown = [*(code.value for code in anna.code), text_of(anna)]
    assert any("--run" in text for text in shown), "the log is there"
    assert str(run.folder.parent) not in "\n".join(shown), "a server keeps its paths"
    bert.text_input(key="owner_secret").set_value("something else").run()
    assert "not the secret" in sound(bert).error[0].value
    bert.text_input(key="owner_secret").set_value("the host's own secret").run()
    bert.button(key=cancel).click().run()
    assert store.find(run.id).state == "cancelled"
    keys = anna.session_state["owner_keys"]
    saved = save_visit(Visit(SESSION), {}, keys)
    assert keys_in(saved.encode()) == list(keys)


@pytest.mark.parametrize(
    ("ip", "headers", "local"),
    [
        (None, {"Host": "localhost:8501"}, True),
        (None, {"Host": "[::1]:8501"}, True),
        (None, {"Host": "demo.example"}, False),
        (None, {"Host": "localhost", "X-Forwarded-For": "127.0.0.1"}, False),
        ("192.0.2.7", {"Host": "localhost:8501"}, False),
    ],
)
def test_only_who_sits_at_the_machine_is_its_person(
    ip: str | None, headers: dict[str, str], local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = SimpleNamespace(ip_address=ip, headers=headers)
    monkeypatch.setattr(who.st, "context", context)
    assert who.on_own_machine() is local
    monkeypatch.setenv(owner.ADMIN_VARIABLE, "")
    assert not who.on_own_machine()
    monkeypatch.delenv(owner.ADMIN_VARIABLE)
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "off")
    assert not who.on_own_machine()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/srv/my-app/runs/1/card.json is damaged", "card.json is damaged"),
        ("see '/srv/runs', or File \"/a/b.py\", line 3", "see 'runs', or File \"b.py\", line 3"),
        ("--data=/srv/x.zip 4/5 and/or Face/Off https://x.example/a/b", None),
    ],
)
def test_a_server_keeps_its_paths(
    text: str, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert who.shown(text) == text, "this is the visitor's own machine"
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "off")
    assert who.shown(text) == (words or text.replace("/srv/", ""))


def test_the_epoch_in_progress_is_an_open_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(control.subprocess, "Popen", NoProcess)
        run = control.start(control.ask("fm", "like", "simulated", epochs=4))
    alive = store.try_lock(run.folder / store.LOCK)  # as the run's process would
    assert alive is not None
    going = {"state": "running", "epochs": 4, "steps": 10, "samples_per_second": 5000}

    def look(**status: Any) -> tuple[list[list[float]], str]:
        """Where the points of the chart's traces are, and all that is said."""
        store.write_status(run.folder, store.Status(**going, **status))
        app = sound(open_page("retrain", link_of(SESSION, "fm", "like")))
        charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
        traces = [[*trace["x"], *trace["y"]] for chart in charts for trace in chart["data"]]
        bar = " ".join(bar.proto.text for bar in app.get("progress"))
        return traces, f"{text_of(app)}\n{bar}"

    assert look(epoch=1, step=1)[0] == []
    traces, words = look(epoch=1, step=4, loss=0.75)
    assert traces == [[], [], [0.4, 0.75]]
    assert "5,000 ratings/s · loss 0.7500 in this epoch so far" in words
    assert "open circle" in words
    store.write_epochs(run.folder, [Epoch(1, 0.7, {"auc": 0.6}, 5000.0, 2.0)])
    assert look(epoch=2, step=5, loss=0.65)[0] == [[1, 0.7], [1, 0.6], [1.5, 0.65]]
    # Told of as a whole, but the status says nothing new yet: not drawn twice.
    traces, words = look(epoch=1, step=10, loss=0.7)
    assert traces == [[1, 0.7], [1, 0.6]]
    assert "open circle" not in words
    alive.release()
    assert look(epoch=2, step=5, loss=0.65)[0] == [[1, 0.7], [1, 0.6]]


def test_a_run_can_be_cancelled_and_resumed() -> None:
    app = open_page("retrain", link_of(SESSION, "fm", "like"))
    app.button(key="retrain_quick").click().run()
    (run,) = store.all_runs()
    app.button(key=f"retrain_cancel_{run.id}").click().run()
    assert store.find(run.id).state == "cancelled"
    assert "Cancelled" in text_of(sound(app))
    app.button(key=f"retrain_resume_{run.id}").click().run()
    assert store.find(run.id).state in ("queued", "running")
    control.cancel(run.id)


def test_where_training_is_off_nothing_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "off")
    app = sound(open_page("retrain"))
    assert "switched off" in app.info[0].value
    assert not [button for button in app.button if button.key == "retrain_quick"]


def test_where_only_simulated_data_may_be_trained_on_nothing_else_is_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(control.ALLOWED_VARIABLE, "simulated")
    app = sound(open_page("retrain"))
    assert app.selectbox(key="retrain_data").options == ["Simulated", "Simulated news"]


def test_an_own_file_is_mapped_checked_and_trained_on() -> None:
    films = engine.films().table.head(30)
    rows = ["who,film,stars"]
    for person in range(12):
        for number, film in enumerate(films.itertuples()):
            rows.append(f'p{person},"{film.title} ({film.year})",{1 + (person + number) % 5}')
    app = open_page("retrain", link_of(SESSION, "fm", "like"))
    app.selectbox(key="retrain_data").set_value("own").run()
    content = "\n".join(rows).encode()
    app.file_uploader(key="retrain_file").set_value(("mine.csv", content, "text/csv")).run()
    assert "360 ratings of 30 films by 12 people" in sound(app).success[0].value
    broken = content + b'\np1,"Heat (1995)",eleven'
    app.file_uploader(key="retrain_file").set_value(("mine.csv", broken, "text/csv")).run()
    assert "row 362" in sound(app).warning[0].value
    app.checkbox(key="retrain_leave_out").check().run()
    assert "360 ratings" in sound(app).success[0].value
    for bad in (b"", b"\x00\x01\x02", b"PK\x03\x04nothing", b"a\n1\n"):
        app.file_uploader(key="retrain_file").set_value(("mine.csv", bad, "text/csv")).run()
        sound(app)
        assert app.error or app.warning


def test_films_of_a_file_s_own_are_trained_on_kept_and_shown() -> None:
    rows = ["who,film,stars,genre"]
    for person in range(30):
        for number in range(40):
            year = f" ({1970 + number})" if number % 3 else ""
            stars = 5 if (person + number) % 2 else 2
            rows.append(f"p{person},Tale {number}{year},{stars},{'Comedy' if number % 2 else ''}")
    app = open_page("retrain", link_of(SESSION, "fm", "like"))
    app.selectbox(key="retrain_data").set_value("own").run()
    content = "\n".join(rows).encode()
    app.file_uploader(key="retrain_file").set_value(("tales.csv", content, "text/csv")).run()
    assert "keep the file's own films" in sound(app).error[0].value
    app.segmented_control(key="retrain_own_films").set_value(True).run()
    assert "1,200 ratings of 40 films by 30 people" in sound(app).success[0].value
    labels = {box.label: box.value for box in app.selectbox}
    assert labels["Genres"] == "genre"
    app.segmented_control(key="retrain_objective_fm").set_value("like").run()
    app.number_input(key="retrain_fm_like_epochs").set_value(1).run()
    app.button(key="retrain_start").click().run()
    run = until_ended(app)
    assert run.state == "done", run.log()
    assert ", tales.zip, " in run.title
    assert [error.value for error in sound(app.run()).error] == []
    assert "knows 40 films of its own" in text_of(app)
    assert "1. Tale " in text_of(app)
    app.text_input(key=f"retrain_name_{run.id}").set_value("Tales").run()
    app.button(key=f"retrain_keep_{run.id}").click().run()
    key = "fm~tales"
    listed = sound(open_page("recommend", link_of(SESSION, key, "like") | TABLE)).dataframe[0].value
    assert listed["title"].str.startswith("Tale ").all()
    assert ["Comedy"] in listed["genres"].map(list).tolist()
    # With such a model chosen, runs over the shipped films are still looked at as before.
    app.selectbox(key="side_films").set_value("tales.csv").run()
    assert [error.value for error in sound(app).error] == []


def test_a_path_that_is_not_there_is_named() -> None:
    app = open_page("retrain")
    app.selectbox(key="retrain_data").set_value("place").run()
    app.text_input(key="retrain_path").set_value("/nowhere/at/all.zip").run()
    assert "/nowhere/at/all" in sound(app).warning[0].value


def test_a_zip_that_is_no_model_is_refused_in_words() -> None:
    app = open_page("retrain")
    app.file_uploader(key="kept_bring_in").set_value(
        ("x.zip", b"PK nonsense", "application/zip")
    ).run()
    assert len(sound(app).error) == 1
    assert kept.all_kept() == []


def test_changes_of_a_list_are_those_of_the_two_lists() -> None:
    old, new = recdemo.load("fm", "next"), recdemo.load("fm", "like")
    table = list_changes(old, new, SESSION, 10)
    for model, side in ((old, "before"), (new, "after")):
        wanted = model.recommend(SESSION, 10)
        mine = table.sort_values(f"rank_{side}").head(10)
        assert mine["movie_id"].tolist() == wanted["movie_id"].tolist()
        assert mine[f"rank_{side}"].tolist() == list(range(1, 11))
        assert mine[f"score_{side}"].tolist() == pytest.approx(wanted["score"].tolist())
    assert set(table["movie_id"]).isdisjoint(SESSION.movie_ids)


def test_a_model_keeps_all_its_own_neighbours_and_another_few() -> None:
    fm, other = recdemo.load("fm", "like"), recdemo.load("mf", "like")
    assert neighbours_kept(fm, fm) == 1
    share = neighbours_kept(fm, other)
    assert share is not None
    assert 0 < share < 0.8
    assert neighbours_kept(fm, recdemo.load("popularity", "like")) is None


def test_a_session_of_one_film_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        sound(open_page("retrain", link_of(Session(history=[Watched(1)])))).title[0].value
        == "Retrain"
    )


def test_a_model_that_learned_nothing_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(control.subprocess, "Popen", NoProcess)
        run = control.start(control.ask("fm", "like", "simulated", epochs=4))
    note = "It has learned nothing at all"
    store.write_status(run.folder, store.Status(state="cancelled", note=note))
    app = sound(open_page("retrain", link_of(SESSION, "fm", "like")))
    assert note in [warning.value for warning in app.warning]
    assert note not in text_of(app), "once is enough"
