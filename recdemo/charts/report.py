"""One session as a page to print: who, what each model answers, why, and where every number comes from.

The page is one HTML file with everything in it, charts too; it needs no server and no network.
"""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

import recdemo
from recdemo import checkpoints
from recdemo.answers.compare import overlaps, rank
from recdemo.answers.explain import titles_of
from recdemo.answers.explanation import Explanation
from recdemo.answers.recommend import Recommender
from recdemo.answers.trace import trace
from recdemo.charts import steps
from recdemo.charts.terms import waterfall
from recdemo.core.session import Session
from recdemo.core.vocabulary import AGES, GENDERS, OCCUPATIONS, QUESTIONS, SCORE_NAMES, Objective
from recdemo.core.wording import Words
from recdemo.data.catalogue import label_of
from recdemo.models import CARDS

TEMPLATE = "report.html"
OPINIONS = {True: "liked", False: "disliked", None: "just watched"}
SHOWN_TERMS = 12


def handout(
    recommender: Recommender,
    session: Session,
    *,
    title: str = "",
    others: Mapping[str, Recommender] | None = None,
    targets: Sequence[int] = (),
    k: int = 10,
    link: str = "",
) -> str:
    """The page.

    Args:
        recommender: the model that answers.
        session: who asks.
        title: what the model is called; by default as in the zoo.
        others: models to compare it with, by what they are called.
        targets: films to explain; none for the first of the list.
        k: length of the lists.
        link: address of the session in the app.

    Raises:
        RequestError: a film is not in the catalogue.
    """
    words = recommender.words
    card, goal = CARDS[recommender.checkpoint.card.model], recommender.objective
    table = recommender.recommend(session, k)
    titles = titles_of(recommender, session.movie_ids)
    explained = list(targets) or table["movie_id"].tolist()[:1]
    title = title or card.title
    models = {title: recommender, **(others or {})}
    return (
        Environment(
            loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
        )
        .get_template(TEMPLATE)
        .render(
            words=words,
            title=f"{title} for one visitor",
            version=recdemo.__version__,
            date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            link=link,
            profile=_profile(session),
            history=[
                {"title": title, "opinion": words(OPINIONS[film.liked])}
                for title, film in zip(titles, session.history, strict=True)
            ],
            model={
                "title": title,
                "question": QUESTIONS[goal],
                "idea": words(card.idea),
                "score": SCORE_NAMES[goal],
            },
            would_like=goal == "next" and not table["p_like"].isna().all(),
            rows=[
                {
                    "rank": row.rank,
                    "title": label_of(row.title, row.year),
                    "genres": ", ".join(row.genres),
                    "score": _score(row.score, goal),
                    "p_like": f"{row.p_like:.0%}",
                    "ratings": f"{row.ratings:,}",
                }
                for row in table.itertuples()
            ],
            explanations=[
                _explained(recommender.explain(session, movie), goal, words, first=number == 0)
                | {"steps": list(steps.rows(trace(recommender, session, movie)))}
                for number, movie in enumerate(explained)
            ],
            **_compared(models, session, k),
            checkpoints=[_checkpoint(name, model) for name, model in models.items()],
            movielens=any(
                model.checkpoint.card.data.title.startswith("MovieLens")
                for model in models.values()
            ),
            command=command_of(recommender, session, k),
            versions=", ".join(f"{n} {v}" for n, v in recommender.checkpoint.card.versions.items()),
        )
    )


def command_of(recommender: Recommender, session: Session, k: int) -> str:
    """What a person types for the same list; of a model that is not shipped, FOLDER is where its checkpoints lie."""
    words = ["python", "-m", "recdemo", "recommend", "--model", recommender.checkpoint.key]
    words += ["--objective", recommender.objective]
    for name in ("gender", "age", "occupation"):
        value = getattr(session, name)
        words += [] if value is None else [f"--{name}", str(value)]
    options = {True: "--like", False: "--dislike", None: "--watched"}
    for film in session.history:
        words += [options[film.liked], str(film.movie_id)]
    command = shlex.join([*words, "-k", str(k)])
    shipped = checkpoints.root() in recommender.checkpoint.folder.parents
    return command if shipped else f"RECDEMO_CHECKPOINTS=FOLDER {command}"


def _profile(session: Session) -> str:
    known = [
        GENDERS[session.gender] if session.gender else "",
        "" if session.age is None else AGES[session.age],
        "" if session.occupation is None else OCCUPATIONS[session.occupation],
    ]
    return ", ".join(filter(None, known)) or "Nothing is known about gender, age and occupation."


def _score(value: float, goal: Objective) -> str:
    return f"{value:.2f}" if goal == "rating" else f"{value:.2%}"


def _explained(
    explanation: Explanation, goal: Objective, words: Words, *, first: bool
) -> dict[str, Any]:
    """One film's terms, weights and chart. The first chart brings along what draws them all."""
    figure = waterfall(explanation, whole=False)
    figure.update_layout(template="plotly_white+recdemo")
    chart = figure.to_html(full_html=False, include_plotlyjs=first, config={"staticPlot": True})
    terms, other = explanation.contrast_frame(), explanation.contrast
    rows = [(row.label, row.more, row.value) for row in terms[:SHOWN_TERMS].itertuples()]
    rest = terms[SHOWN_TERMS:]
    if len(rest):
        rows.append((f"{len(rest)} smaller differences", rest["more"].sum(), rest["value"].sum()))
    lines = [
        {"label": label, "more": f"{more:+.4f}", "value": f"{value:+.4f}"}
        for label, more, value in rows
    ]
    found: dict[str, Any] = {
        "title": explanation.title,
        "unit": explanation.unit,
        "chart": Markup(chart),
        "terms": lines,
        "other": other.title,
        "gap": f"{sum(term.value for term in other.terms):+.4f}",
        "total": f"{explanation.total:+.4f}",
        "logit": f"{explanation.logit:+.4f}",
        "score": _score(explanation.score, goal),
    }
    weights = explanation.weights
    if weights and weights.labels:
        rows = sorted(
            zip(weights.labels, weights.weights, weights.removal, strict=True),
            key=lambda row: -abs(row[1]),
        )
        found |= {
            "axis": words(weights.axis).capitalize(),
            "weights": [
                {"label": label, "weight": f"{weight:.4f}", "removal": f"{removal:+.4f}"}
                for label, weight, removal in rows[:SHOWN_TERMS]
            ],
            "faithfulness": "Too few to say how faithful the weights are."
            if weights.faithfulness is None
            else f"Faithfulness {weights.faithfulness:+.2f}: the rank correlation between the size of each weight "
            f"and how far the {explanation.unit} moves without that {words(weights.axis)}. Near 1 the weights tell what "
            "mattered, near 0 they do not.",
        }
    return found


def _compared(models: Mapping[str, Recommender], session: Session, k: int) -> dict[str, Any]:
    if len(models) < 2:
        return {}
    rankings = [rank(model, session) for model in models.values()]
    lists = [
        titles_of(model, ranking.movie_ids[:k].tolist())
        for model, ranking in zip(models.values(), rankings, strict=True)
    ]
    return {
        "columns": list(models),
        "side_by_side": list(zip(*lists, strict=True)),
        "overlap": [[f"{value:.2f}" for value in row] for row in overlaps(rankings)],
    }


def _checkpoint(title: str, model: Recommender) -> dict[str, str]:
    card = model.checkpoint.card
    return {
        "title": title,
        "question": QUESTIONS[card.objective],
        "metrics": ", ".join(f"{name} {value:.4f}" for name, value in card.metrics.test.items()),
        "data": card.data.title + (" (simulated)" if card.data.simulated else ""),
        "date": card.date,
        "weights": card.weights_sha256[:12],
    }
