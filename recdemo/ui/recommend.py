"""Pieces of the Recommend page: filters, the list, and why a film is on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from recdemo.answers.reasons import Reasons
from recdemo.answers.recommend import Recommender, leaning
from recdemo.core.vocabulary import GENRES, SCORE_NAMES
from recdemo.core.wording import FILM, Words, counted
from recdemo.data.catalogue import genre_names
from recdemo.ui import cards, engine, owner, state, touch
from recdemo.ui.engine import plain
from recdemo.ui.posters import NOTICE, posters_of
from recdemo.ui.shared_films import Films
from recdemo.ui.visit import Visit
from recdemo.ui.why import ask, see_it_computed, sum_of_terms

SCORE_HELP = {
    "next": "Chance that this is the next one they like, among all that are not in the history.",
    "like": "Chance that this visitor gives 4 or 5 stars if they see it.",
    "rating": "Stars, 1 to 5, that this visitor would give.",
}


Years = tuple[int, int]
VIEWS = ["Cards", "Table"]


def choose_view() -> str:
    """How the list is shown."""
    view: str = st.segmented_control(
        "Shown as",
        VIEWS,
        required=True,
        label_visibility="collapsed",
        **state.shown("v", "recommend_view", VIEWS, VIEWS[0]),
    )
    return view


def choose(films: Films, w: Words) -> tuple[int, list[str], Years | None]:
    """Length of the list, and what films are to be, whatever they are called: of these genres, of these years."""
    known = films.table["year"][films.table["year"] > 0]
    first, last = (int(known.min()), int(known.max())) if len(known) else (0, 0)
    with st.popover("Filters", icon=":material/tune:"):
        lengths = [10, 20, 50, 100]
        k = st.segmented_control(
            "List length", lengths, required=True, **state.shown("n", "recommend_k", lengths, 10)
        )
        kinds, names = w.genres.capitalize(), genre_names(films.table)
        genres = st.multiselect(
            kinds,
            names,
            placeholder=f"All {kinds.lower()}",
            help=f"{w.Films} with at least one of these.",
            **state.shown_many(
                "ge",
                "recommend_genres" if names == GENRES else f"recommend_genres_{hash(names)}",
                names,
            ),
        )
        years = None
        if first < last:
            years = st.slider(
                "Released",
                first,
                last,
                help=f"{w.A_film} whose year is unknown is left out where this is narrowed.",
                **state.bound(f"recommend_years_{first}_{last}", _years(first, last), _keep_years),
            )
        if years == (first, last):
            years = None
    return k, genres, years


def _years(first: int, last: int) -> Years:
    """The years that the link says, as far as there are any of these; else all."""
    low, _, high = dict(state.current().shown).get("y", "").partition("-")
    if not (low.isdecimal() and high.isdecimal() and first <= int(low) <= int(high) <= last):
        return first, last
    return int(low), int(high)


def _keep_years(visit: Visit, years: Years) -> Visit:
    return visit.showing("y", f"{years[0]}-{years[1]}")


def show_finding(visit: Visit, table: pd.DataFrame, filtered: list[str]) -> None:
    """What the list leans to."""
    title = engine.card(visit.model).title
    often = [
        f"{name} ({films} of {len(table)})"
        for name, films in leaning(table["genres"].tolist())
        if name not in filtered  # which all of them are
    ]
    st.subheader(
        f"{title}'s list leans to {' and '.join(often)}"
        if often
        else f"{title}'s list of {' and '.join(filtered)}"
        if filtered
        else f"{title}'s list is mixed"
    )
    if filtered and often:
        st.caption(f"Only {', '.join(filtered)}.")


def show_basis(model: Recommender, visit: Visit) -> None:
    """What the list was made of, where that is not all that is known of the visitor."""
    latest, watched = model.checkpoint.schema.history_length, len(visit.session.history)
    if aside := engine.card(visit.model).aside(model.words):
        st.caption(aside)
    elif not watched:
        st.caption(
            "Without a history the model goes by the profile alone. Add "
            f"{model.words.films} in the sidebar."
        )
    elif watched > latest:
        st.caption(
            f"Only the latest {latest} of the {watched} {model.words.films} {model.words.watched} are {model.words.read}."
        )


def show_score(visit: Visit) -> None:
    """What the number of a card is."""
    st.caption(SCORE_NAMES[visit.objective], help=SCORE_HELP[visit.objective], width="content")


def picked_row(visit: Visit, table: pd.DataFrame) -> list[int]:
    """The row of the film that the link says is picked, none or one."""
    picked = dict(visit.shown).get("r")
    return [place for place, movie in enumerate(table["movie_id"]) if str(movie) == picked]


def cards_shown(
    visit: Visit,
    table: pd.DataFrame,
    because: Mapping[int, int],
    places: Mapping[int, int] | None,
    *,
    pictures: bool,
) -> list[dict[str, Any]]:
    """The list as cards, with posters where these are of any use and there are any."""
    w, found = engine.words(visit.model), {}
    if pictures and w == FILM:
        years = table["year"].fillna(0).astype(int)
        found = posters_of(zip(table["movie_id"], table["title"], years, strict=True))
    titles = touch.titles_in(visit)
    return cards.cards_of(table, visit.objective, titles, because, places, found, w)


def as_tiles(films: Sequence[Mapping[str, Any]], w: Words) -> dict[str, Any]:
    """One list, as tiles."""
    alt = f"Ranked list of {counted(len(films), w.film)}"
    return {"name": "", "alt": alt, "tiles": True, "films": films}


def show_cards(
    visit: Visit,
    table: pd.DataFrame,
    lists: Sequence[Mapping[str, Any]],
    leave_out: Mapping[str, Any] | None,
) -> None:
    """Films of the history to leave out, and lists of cards."""
    listed, rows = table["movie_id"].tolist(), picked_row(visit, table)
    cards.draw(
        {"lists": lists, "chosen": listed[rows[0] if rows else 0], "leave_out": leave_out},
        {"film": (pick, listed), **touch.told(visit)},
    )
    if any(film["poster"] for one in lists if one["tiles"] for film in one["films"]):
        st.caption(NOTICE)


def show_table(visit: Visit, table: pd.DataFrame, places: Mapping[int, int] | None) -> list[int]:
    """The list; the row picked in it, none or one."""
    score, w = SCORE_NAMES[visit.objective], engine.words(visit.model)
    listed = table["movie_id"].tolist()
    key = f"recommend_table_{hash(tuple(listed))}"  # another list has no row of this one picked
    rows = picked_row(visit, table)
    rated_in = engine.counted_in(visit.model)
    ranked, stars = visit.objective == "next", visit.objective == "rating"
    scale = 1 if stars else 100
    table["year"] = table["year"].astype("Int64").where(table["year"] > 0)
    percents = table.assign(score=scale * table["score"], p_like=100 * table["p_like"])
    if places is not None:
        moved = [
            cards.moved_of(places.get(m), r) for m, r in zip(listed, table["rank"], strict=True)
        ]
        percents = percents.assign(moved=moved)
    # The score before the title: on a phone both are seen.
    columns = [
        "rank",
        *(["moved"] if places is not None else []),
        "score",
        "title",
        "genres",
        "year",
        "p_like",
        "ratings",
    ]
    unfit = [] if ranked and table["p_like"].notna().any() else ["p_like"]
    unfit += [] if table["year"].notna().any() or w == FILM else ["year"]
    event = st.dataframe(
        percents.drop(columns="movie_id"),
        key=key,
        on_select=lambda: _pick_row(key, listed),
        selection_mode="single-row",
        selection_default={"selection": {"rows": rows}},
        hide_index=True,
        height=35 * min(len(table), 12) + 38,
        column_order=[name for name in columns if name not in unfit],
        placeholder="",
        column_config={
            "rank": st.column_config.NumberColumn("#", width=36),
            "moved": st.column_config.TextColumn(
                "±", width=44, help="Places gained or lost through the change tried out."
            ),
            "title": st.column_config.TextColumn(w.Film, width=190),
            "year": st.column_config.NumberColumn("Year", format="%d", width=50),
            "score": st.column_config.ProgressColumn(
                score,
                format="%.2f" if stars else "%.1f%%",
                min_value=0.0,
                max_value=float(percents["score"].max())
                if ranked
                else float(cards.BEST)
                if stars
                else 100.0,
                width=105,
                help=SCORE_HELP[visit.objective],
            ),
            "p_like": st.column_config.ProgressColumn(
                "Would like",
                format="%.0f%%",
                min_value=0.0,
                max_value=100.0,
                width=90,
                help="By the same kind of model trained on the other question: the chance of 4 or 5 stars "
                "if they see it.",
            ),
            "genres": st.column_config.ListColumn(w.genres.capitalize(), width=150),
            "ratings": st.column_config.NumberColumn(
                "Viewers" if w == FILM else "Seen",
                help=f"People who rated the film in {plain(rated_in)}"
                if w == FILM
                else f"How often the {w.film} was shown or clicked in {plain(rated_in)}",
                format="localized",
                width=62,
            ),
        },
        alt=f"Ranked list of {counted(len(table), w.film)}",
    )
    return list(event["selection"]["rows"]) or rows


def _pick_row(key: str, listed: list[int]) -> None:
    """The film picked goes into the link."""
    rows = st.session_state[key]["selection"]["rows"]
    pick(listed[rows[0]] if rows else None)


def pick(movie: int | None) -> None:
    """This film is asked about, or the first."""
    state.go(state.current().showing("r", "" if movie is None else str(movie)))


def show_below(model: Recommender, visit: Visit, table: pd.DataFrame, seconds: float) -> None:
    """Download, and what the numbers leave to be said."""
    score = SCORE_NAMES[visit.objective]
    ranked, stars = visit.objective == "next", visit.objective == "rating"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download CSV",
            table.assign(genres=table["genres"].map("|".join)).to_csv(index=False),
            file_name=f"recdemo_{visit.model}_{visit.objective}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        aside = f" Bars of “{score}” are relative to the first." if ranked else ""
        if stars and (table["score"] >= cards.BEST).sum() > 1:
            aside = f" Films predicted above {cards.BEST} stars are shown as {cards.BEST}, in the order of what was predicted."
        if model.problem:
            st.caption(f"“Would like” is unknown: {plain(owner.shown(model.problem))}")
        st.caption(
            f"{counted(len(engine.films(visit.model).ids), model.words.film)} scored and ranked in {1000 * seconds:.0f} ms.{aside}"
        )


def show_why(
    model: Recommender,
    visit: Visit,
    table: pd.DataFrame,
    rows: list[int],
    logits: np.ndarray,
    shared: Reasons | None,
    *,
    changed: bool,
) -> None:
    """Why the film picked, or else the first, is on the list of the visitor, changed or as they are."""
    chosen = table.iloc[rows[0] if rows else 0]
    movie = int(chosen["movie_id"])
    hint = (
        ""
        if rows
        else f"The first {model.words.film} of the list; pick another one to ask about it."
    )
    st.subheader(f"Why {plain(chosen['title'])}?", help=hint or None)
    found = ask(model, visit, movie, logits, shared)
    sum_of_terms(found, visit, table["movie_id"].tolist())
    if changed:
        st.caption(
            "The other pages answer the visitor as they are. Press “Keep” to take the change there."
        )
        return
    with st.container(horizontal=True):
        see_it_computed(movie, "recommend")
        if engine.card(visit.model).shows and st.button(
            "See what the model attends to", icon=":material/visibility:"
        ):
            state.go(replace(state.current(), targets=(movie,)))
            st.switch_page("pages/attention.py")
