"""The sidebar: the one place where the visitor and the model are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from recdemo import checkpoints
from recdemo.core.errors import RequestError
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, QUESTIONS, Objective
from recdemo.core.wording import Words, counted
from recdemo.data.catalogue import shorten
from recdemo.ui import bring, engine, film_box, owner, state
from recdemo.ui.engine import plain
from recdemo.ui.personas import OF_WORLD
from recdemo.ui.saved import FILE_NAME, keys_in, open_visit, save_visit
from recdemo.ui.visit import Visit, encode_visit

ROWS, NAMED = 8, 3  # films of the history shown at a time; of those set aside, named
REACTIONS: dict[str, tuple[bool | None, str]] = {
    "Liked": (True, ":material/thumb_up:"),
    "Disliked": (False, ":material/thumb_down:"),
    "Seen": (None, ":material/visibility:"),
}
ICONS = dict(REACTIONS.values())


def draw() -> None:
    """Model, visitor and history."""
    visit = state.current()
    _model(visit)
    st.divider()
    _visitor(visit)
    st.divider()
    _history(visit, state.seen())
    owner.draw()


def _model(visit: Visit) -> None:
    _films(visit)
    menu, w = engine.peers(visit.model), engine.words(visit.model)
    if (
        visit.model not in menu
    ):  # nothing is trained yet, or its checkpoint has just been taken away
        menu = {visit.model: [visit.objective], **menu}
    st.selectbox(
        "Model",
        list(menu),
        format_func=lambda key: engine.card(key).title,
        help=w(engine.card(visit.model).idea),
        **state.bound("side_model", visit.model, lambda v, key: v.with_model(key, menu[key])),
    )
    if engine.card(visit.model).knows_users:
        st.caption(
            f"Knows its users by id only: you get the vector that explains your {w.films} best, pulled towards the mean of your "
            "demographic group."
            if visit.session.history
            else f"Knows its users by id only: without {w.films} you get the mean of your demographic group."
        )
    if engine.made_up(visit.model):
        st.caption(w(":material/casino: Trained on simulated viewers: its figures are of nobody."))
    if not engine.world_of(visit.model):
        count, data = len(engine.films(visit.model).ids), engine.data_of(visit.model)
        st.caption(
            f":material/inventory_2: Knows the {counted(count, engine.item_of(visit.model))} of {plain(data)}, no others."
        )
    st.segmented_control(
        "Question",
        menu[visit.model],
        format_func=QUESTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
        width="stretch",
        help=f"**What next?** ranks {w.films} by the chance that this visitor picks them next. "
        "**Would they like it?** gives the chance of 4 or 5 stars if they saw it. "
        "**How many stars?** predicts the rating. Each is trained apart, and the lists differ.",
        **state.bound("side_objective", visit.objective, lambda v, o: replace(v, objective=o)),
    )


def _films(visit: Visit) -> None:
    """Which films this is about, where there is a choice."""
    found = engine.catalogues()
    here = next((title for title, keys in found.items() if visit.model in keys), None)
    if len(found) < 2 or here is None:
        return
    choice = {
        "help": "Each has models of its own. Films of your history that both know go with you."
        + "".join(f"  \n**{world.title}**: {world.line}" for world in checkpoints.worlds()),
        **state.bound("side_films", here, lambda v, title: state.among(v, found[title])),
    }
    if len(found) == len(checkpoints.worlds()):
        st.segmented_control("Films", list(found), required=True, label_visibility="collapsed",
                             width="stretch", **choice)  # fmt: skip
    else:
        st.selectbox("Films", list(found), format_func=plain, **choice)


def _visitor(visit: Visit) -> None:
    session = visit.session
    world = engine.world_or_first(visit.model)
    personas = OF_WORLD.get(world.key, ())
    persona = next((persona for persona in personas if persona.session == session), None)
    st.selectbox(
        "Visitor",
        personas,
        format_func=lambda p: f"{p.icon} {p.name}",
        placeholder="Custom visitor; pick a persona",
        help="Fictional people with real films. Picking one replaces profile and history; "
        "undo brings yours back.",
        index=None,
        **state.bound(
            "side_persona", persona, lambda v, p: v if p is None else replace(v, session=p.session)
        ),
    )
    if world.profiles:
        _profile(session)
    else:
        st.caption(
            ":material/person_off: These models know nothing of gender, age and occupation: nobody told."
        )
    with st.popover("Save, open, share", icon=":material/ios_share:", width="stretch"):
        _share(visit)


def _profile(session: Session) -> None:
    left, right = st.columns([2, 3], gap="small")
    left.segmented_control(
        "Gender",
        list(GENDERS),
        help="Female or male: MovieLens-1M knows these two. Click again to leave it unknown.",
        **state.bound("side_gender", session.gender, lambda v, g: v.with_session(gender=g)),
    )
    right.selectbox(
        "Age group",
        list(AGES),
        format_func=AGES.__getitem__,
        placeholder="Unknown",
        index=None,
        **state.bound("side_age", session.age, lambda v, a: v.with_session(age=a)),
    )
    st.selectbox(
        "Occupation",
        list(OCCUPATIONS),
        format_func=OCCUPATIONS.__getitem__,
        placeholder="Unknown",
        index=None,
        **state.bound(
            "side_occupation", session.occupation, lambda v, o: v.with_session(occupation=o)
        ),
    )


def _share(visit: Visit) -> None:
    link = f"{st.context.url or ''}?{urlencode(encode_visit(visit))}"
    # Now: what a button makes later is made outside any run, which has no state.
    seen, labels, keys = state.seen(), engine.all_labels(), owner.keys_to_save()
    peers = engine.peers(visit.model)
    st.download_button(
        "Save session",
        lambda: save_visit(visit, labels, keys),
        file_name=FILE_NAME,
        mime="application/json",
        icon=":material/save:",
        on_click="ignore",
        width="stretch",
        key="side_save",
        help="Who has the file has what you trained here, too." if keys else None,
    )
    st.download_button(
        "Download report",
        lambda: _report(seen, link, peers),
        file_name=f"recdemo-{visit.model}.html",
        mime="text/html",
        icon=":material/print:",
        on_click="ignore",
        width="stretch",
        key="side_report",
        help="This session as one page to print: the list, why, the models compared, and where the numbers come "
        "from. It needs no network.",
    )
    st.file_uploader(
        "Open a saved session", type="json", key="side_open", on_change=_open, max_upload_size=1
    )
    st.caption("Link to this page, as it is")
    st.code(link, language=None, wrap_lines=True)


def _report(visit: Visit, link: str, peers: Mapping[str, Sequence[Objective]]) -> str:
    """The page to print. It is made when asked for, outside the run of a page."""
    from recdemo.answers.compare import default_models, question
    from recdemo.charts.report import handout

    compared = visit.compared or default_models(list(peers), visit.model)
    others = {
        engine.card(key).title: engine.recommender(key, question(peers[key], visit.objective))
        for key in compared
        if key in peers and key != visit.model
    }
    return handout(
        engine.recommender(visit.model, visit.objective),
        visit.session,
        title=engine.card(visit.model).title,
        others=others,
        targets=visit.targets,
        link=link,
    )


def _open() -> None:
    file = st.session_state["side_open"]
    if file is None:
        return
    try:
        content = file.getvalue()
        owner.take(keys_in(content))
        visit, problems = open_visit(content, models=engine.menu(), films=engine.all_labels())
    except RequestError as error:
        state.go(
            state.current(), [f"{plain(file.name)}: {plain(str(error))}. Nothing was changed."]
        )
    else:
        state.go(visit, [f"{problem} The rest of the file is kept." for problem in problems])
        films = counted(len(visit.session.history), engine.item_of(visit.model))
        st.toast(f"Opened {plain(file.name)}: a visitor of {films}", icon=":material/folder_open:")


def _history(visit: Visit, seen: Visit) -> None:
    """The films that the model knows; those it does not are named, and stay in the visit."""
    films, w = engine.films(visit.model), engine.words(visit.model)
    history = seen.session.history
    aside = [film for film in visit.session.history if film.movie_id not in films.labels]
    st.segmented_control(
        f"{w.A_film} added counts as",
        list(REACTIONS),
        required=True,
        default="Liked",
        key="side_reaction",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    film_box.draw(
        f"Add {w.a_film}",
        "side_add",
        visit.model,
        _add,
        help=f"Any words of a title, in any order. The {w.film} is added as {w.watched} last.",
    )
    bring.button("side_bring", w)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**History** · {counted(len(history), w.film)}" if history else "**History**")
        st.button(
            ":material/undo:",
            key="side_undo",
            help="Undo the last change of profile or history",
            type="tertiary",
            disabled=not state.can_undo(),
            on_click=state.undo,
        )
        st.button(
            ":material/delete_sweep:",
            key="side_clear",
            help="Clear the history",
            type="tertiary",
            disabled=not history,
            on_click=lambda: state.go(state.current().with_session(history=aside)),
        )
    if aside:
        _set_aside(aside)
    if not history:
        st.caption(f"Nothing {w.watched} yet. Add {w.a_film} above, or pick a persona.")
        return
    newest_first = history[::-1]
    pages = -(-len(history) // ROWS)
    shown = 0
    if pages > 1:
        shown = st.selectbox(
            "Part of the history",
            range(pages),
            format_func=lambda i: (
                f"{i * ROWS + 1} to {min((i + 1) * ROWS, len(history))} of "
                f"{len(history)}, latest first"
            ),
            label_visibility="collapsed",
            key="side_part",
        )
    with st.container(gap=None):
        for film in newest_first[shown * ROWS : (shown + 1) * ROWS]:
            _film(film, films.labels, w)


def _set_aside(films: list[Watched]) -> None:
    """Which films of the history the model chosen does not know."""
    labels = engine.all_labels()
    names = [plain(labels.get(film.movie_id, f"film {film.movie_id}")) for film in films[::-1]]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    st.caption(
        f":material/inventory: {counted(len(names), 'film')} set aside, which this model does not know: "
        f"{', '.join(names[:NAMED])}{more}. Nothing is lost: a model that knows them brings them back."
    )


def _add(movie: int) -> None:
    liked, _ = REACTIONS[st.session_state["side_reaction"]]
    state.go(state.current().add(movie, liked))


def _film(film: Watched, labels: Mapping[int, str], w: Words) -> None:
    """One row of the history: a button that opens what can be done with the film."""
    movie = film.movie_id
    label = labels[movie]
    short = plain(shorten(label, 27))
    with st.popover(
        short, icon=ICONS[film.liked], type="tertiary", width="stretch", key=f"side_film_{movie}"
    ):
        st.markdown(f"**{plain(label)}**")
        with st.container(horizontal=True):
            for name, (liked, symbol) in REACTIONS.items():
                st.button(
                    name,
                    key=f"side_{name}_{movie}",
                    icon=symbol,
                    disabled=film.liked is liked,
                    on_click=lambda liked=liked: state.go(state.current().rate(movie, liked)),
                )
        with st.container(horizontal=True):
            for name, symbol, steps in (
                ("Later", ":material/arrow_upward:", 1),
                ("Earlier", ":material/arrow_downward:", -1),
            ):
                st.button(
                    name,
                    key=f"side_{name}_{movie}",
                    icon=symbol,
                    help=f"{w.watched.capitalize()} {name.lower()}",
                    on_click=lambda steps=steps: state.go(
                        state.current().move(movie, steps, labels)
                    ),
                )
            st.button(
                "Remove",
                key=f"side_remove_{movie}",
                icon=":material/close:",
                on_click=lambda: state.go(state.current().remove(movie)),
            )
