"""A model kept from news: every page takes it, and where a visitor picks and reads, an article is called one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from app import PAGES, TABLE, link_of, open_page, sound
from google.protobuf.message import Message
from shell import run
from streamlit.testing.v1 import AppTest

from benchmarks.boxes import film_box
from recdemo import checkpoints
from recdemo.core import worlds
from recdemo.core.session import Session, Watched
from recdemo.data.catalogue import read_catalogue
from recdemo.data.simulated_news import CATEGORIES, write_news
from recdemo.jobs import kept, store
from recdemo.jobs.kept import KeptCard
from recdemo.training.pipeline import train
from recdemo.training.settings import settings_for
from recdemo.ui import engine

MODELS = ("dcn_text", "din")
TITLE = "Films everybody watched"  # of an article; short, so that charts do not cut it


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of models of a few simulated news."""
    folder = tmp_path_factory.mktemp("news")
    source = write_news(folder / "MIND", users=60, articles=60)
    first, *others = (source / "news.tsv").read_text("utf-8").splitlines(keepends=True)
    first = first.replace(first.split("\t")[3], TITLE)
    (source / "news.tsv").write_text("".join([first, *others]), "utf-8")
    for model in MODELS:
        train(
            model, "like", str(source), settings_for(model, "like", epochs=1), base=folder / "base"
        )
    return folder / "base"


def articles_of(base: Path) -> list[int]:
    """Those that there are, the one with films in its title first."""
    table = read_catalogue(base / checkpoints.CATALOGUE)
    return table.loc[table["title"].ne(TITLE).sort_values(kind="stable").index, "movie_id"].tolist()


@pytest.fixture
def links(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """To a visitor of each model, who has read three articles."""
    monkeypatch.setenv(store.ROOT_VARIABLE, str(tmp_path / "runs"))
    articles = articles_of(base)
    read = Session(history=[Watched(article, True) for article in articles[:3]])
    found = []
    for model in MODELS:
        card = KeptCard(
            name=model, date="2000-01-01", model=model, objective="like",
            data="MIND", simulated=False, files={},
        )  # fmt: skip
        content = {file: path.read_bytes() for file, path in kept.files_of(base, card).items()}
        files = {file: kept.digest_of(raw) for file, raw in content.items()}
        kept.add(card.model_copy(update={"files": files}), content)
        key = f"{model}{engine.OF}{kept.slug_of(model)}"
        found.append(link_of(read, key, "like") | {"t": str(articles[5])})
    return found


# Whatever model is chosen, these are about films: the persons and stories, the small models of the lab, what is shipped.
ABOUT_FILMS = {"home", "walkthrough", "lab", "leaderboard", "data", "retrain"}
AS_THEY_ARE = re.compile(
    "|".join(map(re.escape, (TITLE, *(w.title for w in worlds.WORLDS.values()))))
)
# Boxes that are about films, too: which people, and which films, there are to choose from.
BOXES = ("side_persona", "side_films")
OF_FILMS = re.compile(r"\b(films?|watched|genres?|viewers?)\b", re.IGNORECASE)
SEEN = re.compile(
    "label|help|text|title|name|says|said|placeholder|hovertemplate|body|alt|options|words|question"
)
CODE = {"code", "arrow_data_frame"}  # not read as other elements are


def texts_of(app: AppTest) -> list[str]:
    """All that a page says: texts, labels, help, names of columns, and what stands in charts and components."""
    found: list[str] = []

    def read(value: object, name: str) -> None:
        if isinstance(value, Message):
            for field, inside in value.ListFields():
                read(inside, field.name)
        elif isinstance(value, dict):
            for key, inside in value.items():
                if key != "axes":  # called by what they are, not for reading
                    read(inside, key)
        elif isinstance(value, str):
            if value.startswith(('{"', '["')):
                read(json.loads(value), name)
            elif SEEN.fullmatch(name) or name == "spec":
                found.append(value)
        elif hasattr(value, "__iter__"):
            for inside in value:
                read(inside, name)

    for element in (*app.main, *app.sidebar):
        if not isinstance(element.proto, Message) or element.key in BOXES:
            continue
        if element.type not in CODE:
            read(element.proto, element.type)
        elif element.type == "arrow_data_frame":
            shown = json.loads(element.proto.columns or "{}")
            read([[one.get("label"), one.get("help")] for one in shown.values()], "label")
            read(
                element.value.select_dtypes("object").astype(str).to_numpy().ravel().tolist(),
                "text",
            )
    return found


@pytest.mark.parametrize("model", range(len(MODELS)))
@pytest.mark.parametrize("page", PAGES)
def test_every_page_speaks_of_articles_that_are_read(
    page: str, model: int, links: list[dict[str, str]]
) -> None:
    app = sound(open_page(page, links[model]))
    assert [error.value for error in app.error] == []
    if page not in ABOUT_FILMS:
        read = texts_of(app)
        assert any(TITLE in text for text in read), "a title stays as it is"
        said = [text for text in read if OF_FILMS.search(AS_THEY_ARE.sub("", text))]
        assert not said, "\n".join(text[:300] for text in said)
    assert any("**History** · 3 articles" in text.value for text in app.markdown)
    assert film_box(app, "side_add")["label"] == "Add an article"
    assert film_box(app, "side_add")["placeholder"] == "Search 58 articles…"


ON_ARTICLES = (
    "recommend -m {model}",
    "explain -m {model} --movie {other}",
    "trace {model} --movie {other}",
    "neighbours -m {model} --movie {first}",
    "analogy {first} {second} {other} -m {model}",
    "what-if -m {model} --drop {first} --add-watched {other}",
    "what-if -m {model} --movie {other} -k 50",
    "compare -m din -m dcn_text",
    "report -m {model} --beside din --movie {other} --out {page}",
)


@pytest.mark.parametrize("model", MODELS)
def test_every_command_speaks_of_articles_that_are_read(
    model: str, base: Path, tmp_path: Path
) -> None:
    first, second, other = articles_of(base)[:3]
    page = tmp_path / "page.html"
    for command in ON_ARTICLES:
        told = command.format(model=model, first=first, second=second, other=other, page=page)
        with_history = not told.startswith(("neighbours", "analogy"))
        told += " --objective like"
        told += f" --watched {first} --like {second}" * with_history
        done = run(told, RECDEMO_CHECKPOINTS=str(base), COLUMNS="9000")
        assert done.returncode == 0, done.stderr
        said = [
            line for line in done.stdout.splitlines() if OF_FILMS.search(AS_THEY_ARE.sub("", line))
        ]
        assert said == [], told
    text = re.sub(
        r"<(style|script|svg|code|pre)\b.*?</\1>|<[^>]*>",
        " ",
        page.read_text("utf-8"),
        flags=re.DOTALL,
    )
    assert TITLE in text
    assert OF_FILMS.findall(AS_THEY_ARE.sub("", text)) == []


def test_retrain_asks_of_clicks_what_they_can_tell(tmp_path: Path) -> None:
    app = sound(open_page("retrain", link_of(Session(), "dcn_text", "like")))
    app.selectbox(key="retrain_data").set_value("simulated-news").run()
    question = app.segmented_control(key="retrain_objective_dcn_text_clicks")
    assert question.options == ["Would they like it?"]
    assert any("--objective like --data simulated-news" in code.value for code in app.code)
    app.selectbox(key="retrain_data").set_value("place").run()
    folder = write_news(tmp_path / "MIND", users=20, articles=40)
    app.text_input(key="retrain_path").set_value(str(folder)).run()
    assert app.segmented_control(key="retrain_objective_dcn_text_clicks").value == "like"
    app.selectbox(key="retrain_model").set_value("rating_mlp").run()
    assert any("these data hold clicks" in caption.value for caption in sound(app).caption)
    assert not [button for button in app.button if button.key == "retrain_start"]


def test_the_list_speaks_of_articles_and_categories(links: list[dict[str, str]]) -> None:
    app = sound(open_page("recommend", links[0] | TABLE))
    (categories,) = [box for box in app.multiselect if box.label == "Categories"]
    assert categories.options == sorted(CATEGORIES)
    assert any("58 articles scored and ranked" in caption.value for caption in app.caption)
    categories.set_value(["travel"]).run()
    genres = sound(app).dataframe[0].value["genres"]
    assert len(genres)
    assert all(names == ["travel"] for names in map(list, genres))
