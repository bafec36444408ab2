"""The words that everything here is said in: questions, profiles, genres, and what a film watched can have been."""

from __future__ import annotations

from typing import Literal, get_args

Objective = Literal["like", "next", "rating"]

OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

QUESTIONS: dict[Objective, str] = {
    "next": "What next?",
    "like": "Would they like it?",
    "rating": "How many stars?",
}

SCORE_NAMES: dict[Objective, str] = {
    "next": "Chance of being next",
    "like": "Chance of liking",
    "rating": "Stars",
}

PROFILE = ("gender", "age", "occupation")

Split = Literal["order", "last", "random"]  # which ratings train and test, see `recdemo.data.split`

Optimizer = Literal["adamw", "adam", "sgd"]

Gender = Literal["F", "M"]

GENDERS: dict[str, str] = {"F": "Female", "M": "Male"}


# MovieLens-1M age groups and occupations, keyed by the codes of its own README.
AGES: dict[int, str] = {
    1: "Under 18",
    18: "18–24",
    25: "25–34",
    35: "35–44",
    45: "45–49",
    50: "50–55",
    56: "56 or over",
}

OCCUPATIONS: dict[int, str] = dict(
    enumerate(
        (
            "Other or not specified",
            "Academic or educator",
            "Artist",
            "Clerical or admin",
            "College or grad student",
            "Customer service",
            "Doctor or health care",
            "Executive or managerial",
            "Farmer",
            "Homemaker",
            "K-12 student",
            "Lawyer",
            "Programmer",
            "Retired",
            "Sales or marketing",
            "Scientist",
            "Self-employed",
            "Technician or engineer",
            "Tradesman or craftsman",
            "Unemployed",
            "Writer",
        )
    )
)

GENRES: tuple[str, ...] = (
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)

LIKED_FROM = 4  # stars: a rating of 4 or 5 counts as "liked"

# What every group of users is called, by field and by code as text.
GROUPS: dict[str, dict[str, str]] = {
    field: {str(code): name for code, name in codes.items()}
    for field, codes in (("gender", GENDERS), ("age", AGES), ("occupation", OCCUPATIONS))
}

# Feedback ids of a history position. 0 pads, as everywhere.
PADDING, JUST_WATCHED, DISLIKED, LIKED = range(4)
MAX_SEED = 2**63 - 1  # what torch takes
MAX_HISTORY = 1000  # films that a model may read
