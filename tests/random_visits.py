"""Visits drawn by lot."""

from __future__ import annotations

import random

from recdemo.answers.counterfactual import UNKNOWN, Change
from recdemo.core.session import Session, Watched
from recdemo.core.vocabulary import AGES, OCCUPATIONS, Objective
from recdemo.ui.visit import SHOWN, Visit

FILMS = range(1, 3953)
MODELS: dict[str, list[Objective]] = {
    "fm": ["next", "like"],
    "din": ["next", "like"],
    "textcnn_rating": ["rating"],
}


def random_visit(seed: int) -> Visit:
    rng = random.Random(seed)
    films = rng.sample(FILMS, rng.choice((0, 1, 7, 200, 500)))
    model = rng.choice(list(MODELS))
    return Visit(
        session=Session(
            gender=rng.choice((None, "F", "M")),
            age=rng.choice((None, *AGES)),
            occupation=rng.choice((None, *OCCUPATIONS)),
            history=[Watched(movie, rng.choice((True, False, None))) for movie in films],
        ),
        model=model,
        objective=rng.choice(MODELS[model]),
        targets=tuple(rng.sample(FILMS, rng.randrange(6))),
        story=rng.choice(("", "goal.1", "person.2")),
        compared=tuple(rng.sample(list(MODELS), rng.randrange(4))),
        against=rng.choice((None, 0, *films[:1], rng.choice(FILMS))),
        change=Change(
            gender=rng.choice((None, "F", "M", UNKNOWN)),
            age=rng.choice((None, *AGES, UNKNOWN)),
            occupation=rng.choice((None, *OCCUPATIONS, UNKNOWN)),
            dropped=tuple(rng.sample(films, min(len(films), rng.randrange(4)))),
            added=rng.choice((None, Watched(rng.choice(FILMS), rng.choice((True, False, None))))),
        ),
        present=rng.choice((False, True)),
        shown=tuple((name, "x.1-2 é") for name in sorted(rng.sample(list(SHOWN), 3))),
    )
