"""The app under Streamlit's AppTest, opened at any page with any visit."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from recdemo import Session, Watched, checkpoints
from recdemo.data.catalogue import read_catalogue
from recdemo.ui.frame import MENU
from recdemo.ui.visit import Visit, encode_visit

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"home" if path == "streamlit_app.py" else Path(path).stem: path for path, _, _ in MENU}
FILMS = read_catalogue(ROOT / "checkpoints" / checkpoints.CATALOGUE)["movie_id"].tolist()
LONGEST_TITLE = 3636
TABLE = {"v": "Table"}  # in the link: Recommend's list as a table
VISITS = {
    "empty": Session(),
    "one film": Session(history=[Watched(260, True)]),
    "longest title": Session(history=[Watched(LONGEST_TITLE)]),
    "200 films": Session("M", 56, 13, [Watched(m, m % 3 != 0) for m in FILMS[:200]]),
}
# One model of each kind, as the pages tell them apart.
KINDS = ("popularity", "mf", "rating_mlp", "fm", "afm", "din", "pooling", "textcnn_rating")


def open_page(page: str, link: dict[str, str] | None = None) -> AppTest:
    """A page opened by its link, after its first run. Drive it with ``.run()``, look at it with `sound`."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, value in (link or {}).items():
        app.query_params[name] = value
    if page != "home":
        app.switch_page(PAGES[page])
    return app.run()


def sound(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    assert app.title[0].value
    return app


def text_of(app: AppTest) -> str:
    """What a page says in headings, sentences, captions and hints."""
    parts = (app.subheader, app.markdown, app.caption, app.info)
    return "\n".join(element.value for kind in parts for element in kind)


def drawn_texts(app: AppTest) -> list[str]:
    """What a page draws as markdown: texts, labels, help, and choices that lie side by side."""
    found: list[str] = []

    def read(value: object, name: str) -> None:
        if isinstance(value, Message):
            for field, inside in value.ListFields():
                read(inside, field.name)
        elif isinstance(value, str):
            if name in ("body", "label", "help", "content", "caption"):
                found.append(value)
        elif hasattr(value, "__iter__"):
            for inside in value:
                read(inside, name)

    for element in [*app.main, *app.sidebar]:
        if isinstance(element.proto, Message):
            read(element.proto, element.type)
    return found


def link_of(session: Session, model: str = "din", objective: str = "next") -> dict[str, str]:
    return encode_visit(Visit(session, model, objective))  # type: ignore[arg-type]
