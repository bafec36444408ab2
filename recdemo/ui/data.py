"""Pieces of the Data page: who rated what, how it is cut, and the visitor among them."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from recdemo.charts import data as charts
from recdemo.core.session import Session
from recdemo.core.vocabulary import GROUPS, LIKED_FROM, OCCUPATIONS
from recdemo.data import findings
from recdemo.data.grouplens import SOURCES
from recdemo.data.summary import FEWEST, Aggregates
from recdemo.ui import state
from recdemo.ui.chart import finding, reason
from recdemo.ui.engine import plain
from recdemo.ui.shared_films import Films


@st.cache_resource(show_spinner=False, max_entries=2)
def same_for_all(content: str) -> dict[str, Figure]:
    """The charts that no visitor changes. `content`: of the file."""
    counts = Aggregates.model_validate_json(content)
    by_liking = dict(sorted(counts.genres.items(), key=lambda item: -item[1].liked))
    return {
        "tail": charts.long_tail(counts.head),
        "stars": charts.stars(counts.stars, LIKED_FROM),
        "genres": charts.genres(by_liking),
        "years": charts.years(counts.years),
        "split": charts.split([10, 15, 20]),
    }


def show_size(counts: Aggregates) -> None:
    lowest = min(map(float, counts.stars), default=1)
    with st.container(horizontal=True, gap="medium"):
        for label, value, hint in (
            ("Users", f"{counts.users:,}", "Each rated at least one film."),
            ("Films", f"{counts.films:,}", f"{counts.films_rated:,} of them have a rating."),
            ("Ratings", f"{counts.ratings:,}", f"One user, one film, {lowest:g} to 5 stars."),
            ("Rated", f"{counts.density:.1%}", "Of all pairs of a user and a film."),
            ("Liked", f"{counts.liked:.0%}", f"Ratings of {LIKED_FROM} stars or more."),
        ):
            st.metric(label, value, help=hint, width="content")


def show_visitor(counts: Aggregates, session: Session, films: Films) -> None:
    """The visitor's place, in sentences."""
    places = findings.places_of(films.table, session)
    lines = [*findings.visitor(counts, session), plain(findings.watched(places, films.labels))]
    with st.container(border=True):
        st.markdown(f"**This visitor.** {' '.join(lines)}")


def show_long_tail(counts: Aggregates, drawn: dict[str, Figure]) -> None:
    finding(
        findings.long_tail(counts),
        drawn["tail"],
        "Read upwards from a share of films to the share of all ratings they hold. If all films were rated equally "
        "often, the line would be the dashed one.",
        key="data_tail",
        alt="Share of ratings held by the most rated films",
    )


def show_histogram(counts: Aggregates, session: Session, table: pd.DataFrame) -> None:
    of = st.segmented_control(
        "Ratings per",
        ["film", "user"],
        required=True,
        **state.shown("du", "data_per", ["film", "user"], "film"),
    )
    ranges, watched = counts.per_user, []
    if of == "film":
        ranges = counts.per_film
        watched = table["ratings"][table["movie_id"].isin(session.movie_ids)].tolist()
    said = findings.per_film(counts) if of == "film" else findings.per_user(counts)
    finding(
        said,
        charts.histogram(ranges, f"{of}s", watched),
        f"Each bar counts the {of}s with that many ratings; the next one starts at twice as many."
        + (" Orange bars hold the films watched; the number says how many." if watched else "")
        + (f" Ranges with fewer than {FEWEST} users are merged." if of == "user" else ""),
        key="data_histogram",
        alt=f"Number of {of}s by their number of ratings",
    )


def show_stars(counts: Aggregates, drawn: dict[str, Figure]) -> None:
    finding(
        findings.stars(counts),
        drawn["stars"],
        f"Blue counts as liked, grey as not; the mean is {counts.mean_stars:.2f} stars. People rate what they chose to watch, so a film picked at random "
        "would probably be liked less often.",
        key="data_stars",
        alt="Ratings by stars",
    )


def show_years(counts: Aggregates, drawn: dict[str, Figure]) -> None:
    finding(
        findings.years(counts),
        drawn["years"],
        "Above, how often films of a year were rated; below, how often they were liked. Perhaps only the good "
        "ones of the old films are still watched.",
        key="data_years",
        alt="Ratings, and share of likes, by year of release",
    )


def show_genres(counts: Aggregates, drawn: dict[str, Figure]) -> None:
    finding(
        findings.genres(counts),
        drawn["genres"],
        "Left, how often films of the genre are rated; right, how often they are then liked. A film of "
        "several genres counts for each.",
        key="data_genres",
        alt="Ratings and share of likes of each genre",
    )


def show_tastes(counts: Aggregates) -> None:
    groups = findings.group_names(counts)
    if len(groups) < 2:
        st.info("There are not enough users to compare groups.")
        return
    named = {"-".join(group): group for group in groups}
    chosen = [
        named[
            box.selectbox(
                label,
                list(named),
                format_func=lambda name: groups[named[name]],
                **state.shown(name, f"data_taste_{name}", named, list(named)[place]),
            )
        ]
        for place, (label, name, box) in enumerate(
            zip(("Compare", "with"), ("dg", "dw"), st.columns(2), strict=True)
        )
    ]
    if chosen[0] == chosen[1]:
        st.info("Choose two different groups.")
        return
    table = findings.compared_tastes(counts, *chosen)
    if table.empty:
        st.info("These two groups share no genre that enough of their users like.")
        return
    one, other = table.columns
    finding(
        findings.tastes(table),
        charts.tastes(table),
        "Of all films a group likes, the share of each genre, widest gap at either end. What holds for a whole "
        "group says little about any one person in it.",
        key="data_tastes",
        alt=f"Share of likes by genre, {one} and {other}",
    )


def show_crowd(counts: Aggregates, session: Session) -> None:
    finding(
        findings.crowd(counts),
        charts.crowd(counts.crowd, (session.gender, session.age)),
        "Length is the number of users; models learn most about the long bars.",
        key="data_crowd",
        alt="Users by age group and gender",
    )


def show_occupations(counts: Aggregates, session: Session) -> None:
    groups = {OCCUPATIONS[int(code)]: group for code, group in counts.profile["occupation"].items()}
    here = None if session.occupation is None else OCCUPATIONS[session.occupation]
    finding(
        findings.occupations(counts),
        charts.sizes(groups, here),
        "What a model says about a small group rests on few people."
        + (" The visitor’s occupation is orange." if here in groups else ""),
        key="data_occupations",
        alt="Users by occupation",
    )


def show_split(counts: Aggregates, drawn: dict[str, Figure]) -> None:
    st.subheader("How it is split for training and testing")
    finding(
        findings.split(counts),
        drawn["split"],
        "Three made-up users; each square is a film, in the order rated. A model is always asked about later films from "
        "earlier ones. Two other splits can be trained and measured: leave-one-out (each user’s last film), and a "
        "random tenth.",
        key="data_split",
        alt="Three users of 10, 15 and 20 films, and the part each film falls into",
    )


def show_numbers(counts: Aggregates) -> None:
    with st.expander("All numbers"):
        st.dataframe(
            pd.DataFrame(
                {"kind": kind, "group": name, **group.model_dump()}
                for kind, groups in (
                    *((field, counts.profile[field]) for field in GROUPS),
                    ("genre", counts.genres),
                )
                for name, group in (
                    (GROUPS.get(kind, {}).get(code, code), group) for code, group in groups.items()
                )
            ),
            hide_index=True,
            column_config={
                "users": st.column_config.NumberColumn(format="localized"),
                "ratings": st.column_config.NumberColumn(format="localized"),
                "mean_stars": st.column_config.NumberColumn("mean stars", format="%.2f"),
                "liked": st.column_config.NumberColumn("share liked", format="percent"),
            },
            alt="Users, ratings, mean stars and share of likes of each group",
        )


def show_about(counts: Aggregates) -> None:
    st.subheader("What to know about it")
    if counts.simulated:
        st.markdown(
            "These ratings are **simulated**: drawn at random, given by nobody. What groups like here says nothing about "
            "real people."
        )
        return
    if not counts.name.startswith("ml-"):
        st.markdown(
            f"These counts were made from ratings of your own. Cells with fewer than {FEWEST} users are left out or "
            "merged."
        )
        return
    known = any(counts.profile.values())
    source = SOURCES.get(counts.name)
    st.markdown(
        "- The order of a user’s ratings is real. Their times only keep that order and are then dropped: no dates "
        "are shown or learned. It is the order of rating, which need not be that of watching.\n"
        + (
            "- Gender, age group and occupation are what people said about themselves when they joined; nobody checked.\n"
            "- The users are people who rated many films on one web site around the year 2000. What models learn about "
            "women, men, ages and occupations is what this data holds, and no more.\n"
            if known
            else "- The users are people who rated many films on one web site. Nothing else is known about them: no gender, "
            "age or occupation.\n"
        )
        + f"- This page shows groups only. Cells with fewer than {FEWEST} users are left out or merged."
    )
    st.caption(
        "MovieLens is collected and published by [GroupLens Research](https://grouplens.org/datasets/movielens/) at the "
        "University of Minnesota, for research, with no endorsement implied."
        + (f" {counts.title}{source.passing_on.removeprefix('It').rstrip('.')}." if source else "")
        + " Terms are in the file NOTICE. F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
        "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
        "[doi.org/10.1145/2827872](https://doi.org/10.1145/2827872)"
    )


def show_pairs(
    counts: Aggregates, session: Session, drawn: dict[str, Figure], films: Films
) -> None:
    """Charts two by two, as far as the data set knows enough for them."""
    rows: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (lambda: show_long_tail(counts, drawn), lambda: show_stars(counts, drawn))
    ]
    if counts.genres and counts.years:
        rows.append((lambda: show_genres(counts, drawn), lambda: show_years(counts, drawn)))
    rows.append((lambda: show_tastes(counts), lambda: show_histogram(counts, session, films.table)))
    if counts.crowd and counts.profile["occupation"]:
        rows.append(
            (lambda: show_crowd(counts, session), lambda: show_occupations(counts, session))
        )
    for number, pair in enumerate(rows):
        with st.container() if number else reason():
            for column, show in zip(st.columns(2, gap="large"), pair, strict=True):
                with column:
                    show()
