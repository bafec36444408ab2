"""A person's own table on the page Retrain: what a refusal recommends can be done there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from app import ROOT, link_of, open_page, sound
from streamlit.testing.v1 import AppTest

from recdemo.data import limits
from recdemo.jobs import control, owner, store
from recdemo.ui.personas import PERSONAS

SESSION = PERSONAS[0].session


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.delenv(control.ALLOWED_VARIABLE, raising=False)


def _brings(name: str, text: str) -> AppTest:
    app = open_page("retrain", link_of(SESSION, "fm", "like"))
    app.selectbox(key="retrain_data").set_value("own").run()
    return app.file_uploader(key="retrain_file").set_value((name, text.encode(), "")).run()


def test_ids_of_nobody_knows_whom_are_ticked_before_they_are_believed() -> None:
    rows = [f"{user}\t{film}\t4\t{881250949 + film}" for user in (1, 2) for film in range(1, 17)]
    app = sound(_brings("u.data", "\n".join(rows)))
    assert "MovieLens-100K's" in app.error[0].value
    tick = next(box for box in app.checkbox if box.label == "These ids are MovieLens-1M's")
    assert "32 ratings of 16 films by 2 people" in sound(tick.check().run()).success[0].value


def test_fewer_ratings_are_asked_for_where_a_refusal_says_so() -> None:
    rows = [f"p{user},{film},4" for user in range(3) for film in range(1, 8)]
    app = sound(_brings("few.csv", "\n".join(["user,movieId,rating", *rows])))
    assert "'Fewest ratings' on the page" in app.error[0].value
    app.number_input(key="retrain_fewest").set_value(7).run()
    assert "21 ratings of 7 films by 3 people" in sound(app).success[0].value


def test_the_scale_is_that_of_the_column_chosen() -> None:
    rows = [f"p{user},{film},4,{60 + film}" for user in range(3) for film in range(1, 17)]
    app = sound(_brings("two.csv", "\n".join(["user,movieId,rating,points", *rows])))
    scale = lambda: next(box.value for box in app.selectbox if box.label == "Ratings are")  # noqa: E731
    assert scale() == "1-5"
    next(box for box in app.selectbox if box.label == "Rating").set_value("points").run()
    assert scale() == "0-100"
    assert "48 ratings" in sound(app).success[0].value
    next(box for box in app.selectbox if box.label == "Rating").set_value("").run()
    assert scale() == "listed"
    assert "48 ratings" in sound(app).success[0].value


def test_a_table_on_this_computer_is_mapped_as_one_that_is_brought(tmp_path: Path) -> None:
    rows = [f"p{user},{film},4" for user in range(3) for film in range(1, 17)]
    path = tmp_path / "mine.inter"
    path.write_text("\n".join(["user_id:token,movie_id:token,rating:float", *rows]))
    app = open_page("retrain")
    app.selectbox(key="retrain_data").set_value("place").run()
    app.text_input(key="retrain_path").set_value(str(path)).run()
    assert "48 ratings of 16 films by 3 people" in sound(app).success[0].value


def test_a_servers_files_are_read_for_its_own_person_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("user,movieId,rating\nthe secret,1,5\n")
    app = open_page("retrain")
    assert "A file on this computer" in app.selectbox(key="retrain_data").options
    app.selectbox(key="retrain_data").set_value("place").run()
    app.text_input(key="retrain_path").set_value(str(path)).run()
    assert "the secret" in str([frame.value for frame in sound(app).dataframe])
    # The same visit, but from another machine.
    monkeypatch.setenv(owner.ADMIN_VARIABLE, "the host's own secret")
    assert "A file on this computer" not in sound(app.run()).selectbox(key="retrain_data").options
    assert not app.dataframe
    app.text_input(key="owner_secret").set_value("the host's own secret").run()
    assert "A file on this computer" in sound(app).selectbox(key="retrain_data").options


def test_no_uploader_offers_more_than_the_server_takes() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    most = config["server"]["maxUploadSize"]
    assert most == limits.MAX_BYTES // 2**20
    app = open_page("retrain")
    app.selectbox(key="retrain_data").set_value("own").run()
    sizes = [box.proto.max_upload_size_mb for box in app.file_uploader]
    assert sizes
    assert all(0 < size <= most for size in sizes)
    assert app.file_uploader(key="retrain_file").proto.max_upload_size_mb == most
