"""Data: what the models learned from, and this visitor's place in it."""

from __future__ import annotations

from recdemo.ui import opening

opening.show(
    "Data",
    "🗂️",
    "What the models learned from: who rated what, and where this visitor stands in it.",
)

import math
import statistics
from collections.abc import Callable

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from recdemo import checkpoints
from recdemo.charts import data as charts
from recdemo.charts.data import PEOPLE
from recdemo.core.errors import CheckpointError
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, LIKED_FROM, OCCUPATIONS
from recdemo.data.summary import FEWEST, FILE, Aggregates, Group, read_aggregates
from recdemo.ui import engine, frame, state
from recdemo.ui.engine import plain
from recdemo.ui.why import CHART

NAMES = {
    "gender": GENDERS,
    "age": {str(code): name for code, name in AGES.items()},
    "occupation": {str(code): name for code, name in OCCUPATIONS.items()},
}


@st.cache_resource(show_spinner=False, max_entries=2)
def same_for_all(content: str) -> dict[str, Figure]:
    """The charts that no visitor changes.

    Args:
        content: of the file.
    """
    found = Aggregates.model_validate_json(content)
    by_liking = dict(sorted(found.genres.items(), key=lambda item: -item[1].liked))
    return {
        "tail": charts.long_tail(found.head),
        "stars": charts.stars(found.stars, LIKED_FROM),
        "genres": charts.genres(by_liking),
        "years": charts.years(found.years),
        "split": charts.split([10, 15, 20]),
    }


def show_size(found: Aggregates) -> None:
    with st.container(horizontal=True, gap="medium"):
        for label, value, hint in (
            ("Users", f"{found.users:,}", "Each rated at least one film."),
            ("Films", f"{found.films:,}", f"{found.films_rated:,} of them have a rating."),
            ("Ratings", f"{found.ratings:,}", "One user, one film, one to five stars."),
            ("Rated", f"{found.density:.1%}", "Of all pairs of a user and a film."),
            ("Liked", f"{found.liked:.0%}", f"Ratings of {LIKED_FROM} stars or more."),
        ):
            st.metric(label, value, help=hint, width="content")


def place_of(session: Session) -> dict[int, int]:
    """For each film watched, how many films are rated as often or more, itself among them."""
    table = engine.films().table
    rank = table["ratings"].rank(ascending=False, method="max").astype(int)
    place = dict(zip(table["movie_id"], rank, strict=True))
    return {movie: int(place[movie]) for movie in session.movie_ids}


def show_visitor(found: Aggregates, session: Session, places: dict[int, int]) -> None:
    """The visitor's place, in sentences."""
    lines = []
    gender, age, occupation = session.gender, session.age, session.occupation
    groups = {
        "gender": None if gender is None else f"are {PEOPLE[gender].lower()}",
        "age": None if age is None else f"are in the age group {AGES[age]}",
        "occupation": None
        if occupation is None
        else f"give “{OCCUPATIONS[occupation]}” as occupation",
    }
    counted = [
        f"{group.users:,} {name}"
        for field, name in groups.items()
        if name and (group := found.profile[field].get(str(getattr(session, field))))
    ]
    if counted:
        lines.append(f"Of {found.users:,} users {', '.join(counted)}.")
    if gender is not None and age is not None:
        both = found.crowd.get(gender, {}).get(age)
        lines.append(
            f"{both:,} are {PEOPLE[gender].lower()} of that age."
            if both
            else f"Fewer than {FEWEST} are {PEOPLE[gender].lower()} of that age."
        )
    if not places:
        lines.append("Add films in the sidebar to see how often others rated them.")
    elif len(places) == 1:
        lines.append(f"The film watched is among the {max(places.values()):,} most rated.")
    else:
        rarest = max(places, key=places.__getitem__)
        half = math.ceil(statistics.median(places.values()))
        lines.append(
            f"Half of the {len(places)} films watched are among the {half:,} most rated of "
            f"{len(engine.films().ids):,}; the least rated, {plain(engine.films().labels[rarest])}, is among the "
            f"{places[rarest]:,} most rated."
        )
    with st.container(border=True):
        st.markdown(f"**This visitor.** {' '.join(lines)}")


def show_long_tail(found: Aggregates, drawn: dict[str, Figure]) -> None:
    st.markdown(
        f"**The 5% most rated films hold {found.head[5]:.0%} of the ratings, the less rated half "
        f"{1 - found.head[50]:.0%}**"
    )
    st.plotly_chart(
        drawn["tail"],
        key="data_tail",
        config=CHART,
        alt="Share of ratings held by the most rated films",
    )
    st.caption(
        "Read upwards from a share of films to the share of all ratings they hold. Were all films rated equally "
        "often, the line would be the dashed one."
    )


def show_histogram(found: Aggregates, session: Session) -> None:
    of = st.segmented_control(
        "Ratings per",
        ["film", "user"],
        default="film",
        required=True,
        key="data_per",
        persist_state="session",
    )
    ranges, watched = found.per_user, []
    if of == "film":
        table = engine.films().table
        ranges = found.per_film
        watched = table["ratings"][table["movie_id"].isin(session.movie_ids)].tolist()
    most = max(ranges, key=lambda part: part.count)
    few = sum(part.count for part in ranges if part.high < 8)
    st.markdown(
        f"**{few:,} of {found.films:,} films have fewer than 8 ratings: little to learn from**"
        if of == "film"
        else f"**Most common are {most.low:,} to {most.high:,} ratings a user: {most.count:,} of "
        f"{found.users:,} users**"
    )
    st.plotly_chart(
        charts.histogram(ranges, f"{of}s", watched),
        key="data_histogram",
        config=CHART,
        alt=f"Number of {of}s by their number of ratings",
    )
    st.caption(
        f"Each bar counts the {of}s with that many ratings; the next one starts at twice as many."
        + (" Orange bars hold films watched, as many as the number says." if watched else "")
        + (f" Ranges with fewer than {FEWEST} users are merged." if of == "user" else "")
    )


def show_stars(found: Aggregates, drawn: dict[str, Figure]) -> None:
    st.markdown(
        f"**{found.liked:.0%} of the ratings are {LIKED_FROM} or 5 stars, which counts as liked**"
    )
    st.plotly_chart(
        drawn["stars"],
        key="data_stars",
        config=CHART,
        alt="Ratings by stars",
    )
    st.caption(
        f"Blue counts as liked, grey as not; the mean is {found.mean_stars:.2f} stars. People rate what they chose to watch, so a film picked at random "
        "would probably be liked less often."
    )


def show_years(found: Aggregates, drawn: dict[str, Figure]) -> None:
    decades: dict[int, list[Group]] = {}
    for year, group in found.years.items():
        decades.setdefault(year // 10 * 10, []).append(group)
    ratings = {decade: sum(g.ratings for g in groups) for decade, groups in decades.items()}
    liked = {
        decade: sum(g.ratings * g.liked for g in groups) / ratings[decade]
        for decade, groups in decades.items()
    }
    most, best = max(ratings, key=ratings.__getitem__), max(liked, key=liked.__getitem__)
    st.markdown(
        f"**Films of the {most}s hold {ratings[most] / found.ratings:.0%} of the ratings, and {liked[most]:.0%} of "
        f"those are likes; of the {best}s’ ratings {liked[best]:.0%} are**"
    )
    st.plotly_chart(
        drawn["years"],
        key="data_years",
        config=CHART,
        alt="Ratings, and share of likes, by year of release",
    )
    st.caption(
        "Above, how often films of a year were rated; below, how often they were liked. Perhaps only the good "
        "ones of the old films are still watched."
    )


def show_genres(found: Aggregates, drawn: dict[str, Figure]) -> None:
    by_liking = sorted(found.genres, key=lambda genre: -found.genres[genre].liked)
    first, last = by_liking[0], by_liking[-1]
    often = sorted(found.genres, key=lambda genre: -found.genres[genre].ratings)[:2]
    st.markdown(
        f"**{first} is liked most ({found.genres[first].liked:.0%} of its ratings), {last} least "
        f"({found.genres[last].liked:.0%}); {' and '.join(often)} are rated most**"
    )
    st.plotly_chart(
        drawn["genres"],
        key="data_genres",
        config=CHART,
        alt="Ratings and share of likes of each genre",
    )
    st.caption(
        "Left, how often films of the genre are rated; right, how often they are liked then. A film of "
        "several genres counts for each."
    )


def show_tastes(found: Aggregates) -> None:
    groups = {
        f"{field} {code}": NAMES[field][code] if field == "age" else PEOPLE[code]
        for field, codes in found.tastes.items()
        for code in codes
    }
    if len(groups) < 2:
        st.info("There are not enough users to compare groups.")
        return
    chosen = [
        box.selectbox(
            label,
            list(groups),
            index=index,
            format_func=groups.__getitem__,
            key=f"data_taste_{index}",
            persist_state="session",
        )
        for index, (label, box) in enumerate(zip(("Compare", "with"), st.columns(2), strict=True))
    ]
    if chosen[0] == chosen[1]:
        st.info("Choose two different groups.")
        return
    table = pd.DataFrame(
        {groups[key]: found.tastes[key.split()[0]][key.split()[1]] for key in chosen}
    ).dropna()
    if table.empty:
        st.info("These two groups share no genre that enough of their users like.")
        return
    one, other = table.columns
    table = table.loc[(table[one] - table[other]).sort_values(ascending=False).index]
    first, last = table.iloc[0], table.iloc[-1]
    st.markdown(
        f"**{first.name} takes {first[one]:.0%} of the likes of “{one}”, {first[other]:.0%} of “{other}”; "
        f"{last.name} {last[one]:.0%} and {last[other]:.0%}**"
    )
    st.plotly_chart(
        charts.tastes(table),
        key="data_tastes",
        config=CHART,
        alt=f"Share of likes by genre, {one} and {other}",
    )
    st.caption(
        "Of all films a group likes, the share of each genre, widest gap at either end. What holds for a whole "
        "group says little of any one person in it."
    )


def show_crowd(found: Aggregates, session: Session) -> None:
    total = {gender: sum(ages.values()) for gender, ages in found.crowd.items()}
    gender = max(total, key=total.__getitem__)
    ages = {code: group.users for code, group in found.profile["age"].items()}
    age = max(ages, key=ages.__getitem__)
    st.markdown(
        f"**{total[gender] / found.users:.0%} of the users are {PEOPLE[gender].lower()}, {ages[age] / found.users:.0%} "
        f"are {NAMES['age'][age]}**"
    )
    st.plotly_chart(
        charts.crowd(found.crowd, (session.gender, session.age)),
        key="data_crowd",
        config=CHART,
        alt="Users by age group and gender",
    )
    st.caption("Length is the number of users; models learn most about the long bars.")


def show_occupations(found: Aggregates, session: Session) -> None:
    groups = {OCCUPATIONS[int(code)]: group for code, group in found.profile["occupation"].items()}
    ordered = sorted(groups, key=lambda name: -groups[name].users)
    st.markdown(
        f"**“{ordered[0]}” is the largest occupation with {groups[ordered[0]].users:,} users, "
        f"“{ordered[-1]}” the smallest with {groups[ordered[-1]].users:,}**"
    )
    here = None if session.occupation is None else OCCUPATIONS[session.occupation]
    st.plotly_chart(
        charts.sizes(groups, here),
        key="data_occupations",
        config=CHART,
        alt="Users by occupation",
    )
    st.caption(
        "What a model says of a small group rests on few people."
        + (" The visitor’s occupation is orange." if here in groups else "")
    )


def show_split(found: Aggregates, drawn: dict[str, Figure]) -> None:
    parts = found.split["order"]
    st.subheader("How it is cut for training and testing")
    st.markdown(
        f"**Each user’s last tenth is the test: {parts.test:,} ratings; {parts.validation:,} before them choose the "
        f"best epoch, {parts.train:,} train**"
    )
    st.plotly_chart(
        drawn["split"],
        key="data_split",
        config=CHART,
        alt="Three users of 10, 15 and 20 films, and the part each film falls into",
    )
    st.caption(
        "Three made-up users; each square is a film, in the order rated. A model is always asked about later films from "
        "earlier ones. Two other cuts can be trained and measured: leave-one-out (each user’s last film), and a "
        "random tenth."
    )


def show_numbers(found: Aggregates) -> None:
    with st.expander("All numbers"):
        st.dataframe(
            pd.DataFrame(
                {"kind": kind, "group": name, **group.model_dump()}
                for kind, groups in (
                    *((field, found.profile[field]) for field in NAMES),
                    ("genre", found.genres),
                )
                for name, group in (
                    (NAMES.get(kind, {}).get(code, code), group) for code, group in groups.items()
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


def show_about(found: Aggregates) -> None:
    st.subheader("What is known about it")
    if found.simulated:
        st.markdown(
            "These ratings are **simulated**: drawn by lot, given by nobody. What groups like here says nothing about "
            "real people."
        )
        return
    if not found.name.startswith("ml-"):
        st.markdown(
            f"These counts were made from ratings of your own. Cells with fewer than {FEWEST} users are left out or "
            "merged."
        )
        return
    st.markdown(
        "- The order of a user’s ratings is real. Their times only keep that order and are then dropped: no dates "
        "are shown or learned. It is the order of rating, which need not be that of watching.\n"
        "- Gender, age group and occupation are what people said of themselves when they joined; nobody checked.\n"
        "- The users are people who rated many films on one web site around the year 2000. What models learn of women, "
        "men, ages and occupations is what this data holds, and no more.\n"
        f"- This page shows groups only. Cells with fewer than {FEWEST} users are left out or merged, and no rating "
        "is shipped."
    )
    st.caption(
        "MovieLens is collected and published by [GroupLens Research](https://grouplens.org/datasets/movielens/) at the "
        "University of Minnesota: research use, no redistribution without permission, no endorsement implied; terms in "
        "the file NOTICE. F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
        "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
        "[doi.org/10.1145/2827872](https://doi.org/10.1145/2827872)"
    )


with frame.page():
    try:
        found = read_aggregates(checkpoints.root() / FILE)
    except CheckpointError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.markdown("With the ratings at hand, this counts them anew:")
        st.code("python -m recdemo data aggregates ml-1m", language="bash")
        st.stop()
    session = state.seen(engine.films()).session  # this page is about the shipped films
    places = place_of(session)
    drawn = same_for_all(found.model_dump_json())
    st.subheader(found.title + (" (simulated)" if found.simulated else ""))
    show_size(found)
    show_visitor(found, session, places)
    rows: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (lambda: show_long_tail(found, drawn), lambda: show_stars(found, drawn)),
    ]
    if found.genres and found.years:
        rows.append((lambda: show_genres(found, drawn), lambda: show_years(found, drawn)))
    rows.append((lambda: show_tastes(found), lambda: show_histogram(found, session)))
    if found.crowd and found.profile["occupation"]:
        rows.append((lambda: show_crowd(found, session), lambda: show_occupations(found, session)))
    for pair in rows:
        for column, show in zip(st.columns(2, gap="large"), pair, strict=True):
            with column:
                show()
    show_numbers(found)
    show_split(found, drawn)
    show_about(found)
    st.caption(f"Counted on {found.date} by `python -m recdemo data aggregates {found.name}`.")
