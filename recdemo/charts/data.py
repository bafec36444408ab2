"""What is in a data set: who rated what, how much, and how it is cut into parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from recdemo.charts.style import CATEGORIES, DOWN, LINE, TOTAL, UP, sized
from recdemo.core.vocabulary import AGES
from recdemo.data import TEST, TRAIN, VALIDATION, split_ratings
from recdemo.data.findings import PEOPLE
from recdemo.data.summary import Group, Range

PARTS = {TRAIN: ("training", UP), VALIDATION: ("validation", CATEGORIES[1]), TEST: ("test", DOWN)}


def long_tail(head: Sequence[float]) -> go.Figure:
    """Share of the ratings held by the most rated films. `head`: as in `recdemo.data.summary.Aggregates`."""
    share = [percent / 100 for percent in range(101)]
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1],
                y=[0, 1],
                mode="lines",
                line={"color": LINE, "width": 1.5, "dash": "dash"},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=share,
                y=list(head),
                mode="lines",
                line={"color": UP, "width": 2.5},
                hovertemplate="the %{x:.0%} most rated films<br>hold %{y:.1%} of the ratings<extra></extra>",
            ),
        ]
    )
    figure.update_xaxes(
        title="share of films, most rated first", tickformat=".0%", dtick=0.25, range=[0, 1.03]
    )
    figure.update_yaxes(title="share of ratings", tickformat=".0%", range=[0, 1.03])
    return sized(figure, 8)


def histogram(ranges: Sequence[Range], of: str, watched: Sequence[int]) -> go.Figure:
    """How many films, or users, have how many ratings.

    Args:
        ranges: as `recdemo.data.summary.ranges` returns them.
        of: what is counted.
        watched: ratings of each film watched, whose ranges are set apart; none for users.
    """
    mine = [sum(part.low <= count <= part.high for count in watched) for part in ranges]
    figure = go.Figure(
        go.Bar(
            x=[f"{part.low >> 10}k" if part.low >= 1000 else f"{part.low}" for part in ranges],
            y=[part.count for part in ranges],
            marker={"color": [DOWN if number else UP for number in mine]},
            text=[f"{number}" if number else "" for number in mine],
            textposition="outside",
            cliponaxis=False,
            customdata=[f"{part.low:,} to {part.high:,} ratings" for part in ranges],
            hovertemplate=f"%{{customdata}}<br>%{{y:,}} {of}<extra></extra>",
        )
    )
    figure.update_xaxes(
        title="ratings: from this number up to the next bar’s", type="category", tickangle=0
    )
    figure.update_yaxes(title=of)
    return sized(figure, 13)


def stars(counts: Mapping[float, int], liked_from: int) -> go.Figure:
    """Ratings by number of stars; those that count as liked in the colour of liking.

    Args:
        counts: by number of stars.
        liked_from: stars from which on a rating counts as liked.
    """
    total = sum(counts.values())
    figure = go.Figure(
        go.Bar(
            x=[f"{number:g} ★" for number in counts],
            y=[count / total for count in counts.values()],
            marker={"color": [UP if number >= liked_from else TOTAL for number in counts]},
            hovertemplate="%{x}<br>%{y:.1%} of the ratings<extra></extra>",
        )
    )
    figure.update_yaxes(title="share of ratings", tickformat=".0%")
    return sized(figure, 8)


def genres(groups: Mapping[str, Group]) -> go.Figure:
    """Ratings of each genre beside the share of them that are likes; the first on top."""
    names = list(groups)
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.06)
    figure.add_bar(
        x=[group.ratings for group in groups.values()],
        y=names,
        orientation="h",
        marker={"color": TOTAL},
        hovertemplate="%{y}<br>%{x:,} ratings<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[group.liked for group in groups.values()],
        y=names,
        mode="markers",
        marker={"color": UP, "size": 10},
        hovertemplate="%{y}<br>%{x:.1%} liked<extra></extra>",
        row=1,
        col=2,
    )
    figure = sized(figure, len(names), row=22)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="ratings", nticks=4, row=1, col=1)
    figure.update_xaxes(title="share liked", tickformat=".0%", nticks=4, row=1, col=2)
    return figure


def years(groups: Mapping[int, Group]) -> go.Figure:
    """Ratings by year of release, and below them the share that are likes."""
    most = max((group.users for group in groups.values()), default=1)
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.55, 0.45])
    figure.add_bar(
        x=list(groups),
        y=[group.ratings for group in groups.values()],
        marker={"color": TOTAL},
        hovertemplate="%{x}<br>%{y:,} ratings<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=list(groups),
        y=[group.liked for group in groups.values()],
        mode="markers",
        marker={
            "color": UP,
            "opacity": 0.85,
            "size": [4 + 6 * (group.users / most) ** 0.5 for group in groups.values()],
        },
        customdata=[group.users for group in groups.values()],
        hovertemplate="%{x}<br>%{y:.1%} liked, %{customdata:,} users<extra></extra>",
        row=2,
        col=1,
    )
    figure = sized(figure, 13)
    figure.update_yaxes(title="ratings", row=1, col=1)
    figure.update_yaxes(title="share liked", tickformat=".0%", row=2, col=1)
    figure.update_xaxes(title="year of release", row=2, col=1)
    return figure


def crowd(users: Mapping[str, Mapping[int, int]], here: tuple[str | None, int | None]) -> go.Figure:
    """Users by age group and gender.

    Args:
        users: by gender, by age group.
        here: gender and age group to set apart, None where unknown.
    """
    figure = go.Figure()
    for (gender, counts), colour in zip(users.items(), CATEGORIES, strict=False):
        ages = [age for age in AGES if age in counts]
        figure.add_bar(
            y=[AGES[age] for age in ages],
            x=[counts[age] for age in ages],
            orientation="h",
            name=PEOPLE[gender],
            marker={"color": colour},
            text=["this visitor" if (gender, age) == here else "" for age in ages],
            textposition="auto",
            hovertemplate=f"{PEOPLE[gender]}, %{{y}}<br>%{{x:,}} users<extra></extra>",
        )
    names = [AGES[age] for age in AGES if any(age in counts for counts in users.values())]
    figure.update_xaxes(title="users")
    figure.update_yaxes(categoryorder="array", categoryarray=names, autorange="reversed")
    figure = sized(figure, len(names), extra=100, row=56)
    return figure.update_layout(barmode="group", showlegend=True)


def sizes(groups: Mapping[str, Group], here: str | None) -> go.Figure:
    """Users of each group, the largest on top.

    Args:
        groups: by name.
        here: name of the group to set apart.
    """
    ordered = sorted(groups, key=lambda name: -groups[name].users)
    figure = go.Figure(
        go.Bar(
            x=[groups[name].users for name in ordered],
            y=ordered,
            orientation="h",
            marker={"color": [DOWN if name == here else TOTAL for name in ordered]},
            customdata=[groups[name].liked for name in ordered],
            hovertemplate="%{y}<br>%{x:,} users, %{customdata:.1%} of their ratings are likes<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="users")
    return sized(figure, len(ordered), row=20)


def tastes(table: pd.DataFrame) -> go.Figure:
    """What two groups like, genre by genre; the first row on top.

    Args:
        table: indexed by genre, one column of shares per group.
    """
    between: list[float | None] = []
    for values in table.to_numpy().tolist():
        between += [*values, None]
    figure = go.Figure(
        go.Scatter(
            x=between,
            y=[genre for genre in table.index for _ in range(3)],
            mode="lines",
            line={"color": LINE, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for name, colour, symbol in zip(table, CATEGORIES, ("circle", "diamond"), strict=False):
        figure.add_scatter(
            x=table[name],
            y=table.index,
            name=name,
            mode="markers",
            marker={"color": colour, "size": 11, "symbol": symbol},
            hovertemplate=f"%{{y}}<br>%{{x:.1%}} of the likes: {name}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="share of the group's likes", tickformat=".0%")
    figure = sized(figure, len(table), extra=100, row=22)
    return figure.update_layout(showlegend=True)


def split(numbers: Sequence[int]) -> go.Figure:
    """Where the split by order cuts users with so many films, first film to the left."""
    rated = pd.DataFrame(
        [(user, number) for user, number in enumerate(numbers) for _ in range(number)],
        columns=["user_id", "films"],
    )
    rated["part"] = split_ratings(rated, "order")
    rated["place"] = rated.groupby("user_id").cumcount() + 1
    figure = go.Figure()
    for part, (name, colour) in PARTS.items():
        mine = rated[rated["part"] == part]
        figure.add_scatter(
            x=mine["place"],
            y=[f"{number} films" for number in mine["films"]],
            name=name,
            mode="markers",
            marker={"color": colour, "size": 8, "symbol": "square"},
            hovertemplate=f"film %{{x}}: {name}<extra></extra>",
        )
    figure.update_xaxes(title="place of the film in the user's order", showgrid=False)
    figure.update_yaxes(showgrid=False)
    figure = sized(figure, len(numbers), extra=90, row=26)
    return figure.update_layout(showlegend=True)
