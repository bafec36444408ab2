"""Recommend: the visitor's ranked list, and why each film is on it."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Recommend",
    "🎬",
    "What this model would show this visitor. Pick one to ask why; leave out parts of the history and see what changes.",
)

import time
from dataclasses import replace

import streamlit as st

from recdemo.answers.counterfactual import rank_changes
from recdemo.answers.reasons import because
from recdemo.ui import engine, frame, pins, touch, tour
from recdemo.ui.chart import answer, none_left, reason
from recdemo.ui.recommend import (
    as_tiles,
    cards_shown,
    choose,
    choose_view,
    picked_row,
    show_basis,
    show_below,
    show_cards,
    show_finding,
    show_score,
    show_table,
    show_why,
)

with frame.page() as visit:
    tour.draw(tour.RECOMMEND, engine.words(visit.model))
    listed, why = st.columns([7, 5], gap="medium")
    with listed:
        said = st.container(gap=None)
        with st.container(horizontal=True, vertical_alignment="center", key="tools", gap="small"):
            pin = pins.pinned()
            view = "Pinned" if pin else choose_view()
            k, genres, years = choose(engine.films(visit.model), w := engine.words(visit.model))
            place_of_pin = st.container(horizontal=True, width="content", gap="small")
            if view != "Table":
                show_score(visit)
    filtered = [*genres] + ([f"{years[0]}–{years[1]}"] if years else [])
    model = engine.recommender(visit.model, visit.objective)
    weights = model.checkpoint.card.weights_sha256
    tried = replace(visit, session=visit.change.of(visit.session))
    changed = tried.session != visit.session
    started = time.perf_counter()
    logits = model.logits(tried.session)
    table = model.recommend(tried.session, k, genres=genres, years=years, logits=logits)
    seconds = time.perf_counter() - started

    if table.empty and not filtered:
        none_left(w)
    if table.empty:
        st.info(
            f"No {w.film} passes these filters. Add {w.genres} or widen the years.",
            icon=":material/filter_alt:",
        )
        st.stop()

    listing = table["movie_id"].tolist()
    places, before = None, listing
    if changed:
        changes = rank_changes(
            model, visit.session, tried.session, k, genres=genres, years=years, logits=logits
        )
        places = touch.places_before(changes)
        before = list(places)
    if pin:
        places = pin.places
    shared = touch.shared_reasons(model, weights, tried.session, tuple(listing), logits)
    causes = because(shared, tried.session) if shared else {}
    leave_out = touch.to_leave_out(model, visit, before, changed=changed)
    films = cards_shown(tried, table, causes, places, pictures=view == "Cards")
    now = pins.Pinned(
        pins.name_of(visit, changed=changed), tried.session, visit.model, tuple(films)
    )
    with place_of_pin:
        pins.button(pin, now)
    with said:
        if pin:
            pins.show_finding(pin, now, w)
        elif changed:
            touch.show_finding(changes, visit)
        else:
            show_finding(visit, table, filtered)
        show_basis(model, tried)
    with listed:
        with answer():
            lists = pins.side_by_side(pin, now) if pin else [as_tiles(films, w)]
            show_cards(visit, table, [] if view == "Table" else lists, leave_out)
            rows = picked_row(visit, table)
            if view == "Table":
                rows = show_table(visit, table, places)
        if changed:
            touch.show_change(model, changes, visit, tried.session)
        show_below(model, visit, table, seconds)
    with why, reason():
        show_why(model, tried, table, rows, logits, shared, changed=changed)
