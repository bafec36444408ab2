"""A catalogue whose titles, in one of four languages, hold a word on one of two topics; each user likes one of these."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recdemo.data.dataset import Dataset, people
from recdemo.data.own_films import own_ids

SPORTS, FOOD, OTHER = range(3)
WORDS = {
    "English": (
        "football striker goalkeeper",
        "recipe cooking kitchen",
        "old garden river house morning night winter story letter road summer window",
    ),
    "German": (
        "Fußball Stürmer Torwart",
        "Kochrezept Backofen Küchenchef",
        "alte Garten Fluss Häuser Morgen Nacht Winter Geschichte Brief Straße Sommer Fenster",
    ),
    "Korean": (
        "축구가 공격수 골키퍼를",
        "요리법 부엌에서 조리사가",
        "오래된 정원 강가의 집에서 아침 밤에 겨울 이야기 편지 길에서 여름 창문",
    ),
    "Chinese": (
        "足球 前锋 守门员",
        "食谱 烹饪 厨房",
        "古老 花园 河流 房子 早晨 夜晚 冬天 故事 信件 道路 夏天 窗户",
    ),
}
SURE = 0.95  # how often a film of the topic is liked, and one of the other is not


def planted_titles(language: str, films: int = 150, users: int = 250, each: int = 30) -> Dataset:
    """Films of their own without years and genres; stars are 5 or 2."""
    draw = np.random.default_rng(0)
    words = [text.split() for text in WORDS[language]]
    topics: dict[str, int] = {}
    while len(topics) < films:
        topic = int(draw.integers(2))
        title = [*draw.choice(words[OTHER], 3), draw.choice(words[topic])]
        draw.shuffle(title)
        topics[("" if language == "Chinese" else " ").join(title)] = topic
    movies = pd.DataFrame(
        {
            "movie_id": own_ids(topics, [0] * films),
            "title": list(topics),
            "year": 0,
            "genres": [()] * films,
            "topic": list(topics.values()),
        }
    ).sort_values("movie_id", ignore_index=True)
    rows = np.concatenate([draw.choice(films, each, replace=False) for _ in range(users)])
    right = movies["topic"].to_numpy()[rows] == np.repeat(draw.integers(2, size=users), each)
    ratings = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(1, users + 1), each),
            "movie_id": movies["movie_id"].to_numpy()[rows],
            "rating": np.where(right == (draw.random(len(rows)) < SURE), 5, 2),
        }
    )
    movies = movies.drop(columns="topic")
    return Dataset(
        "own", language, movies, people(np.arange(1, users + 1)), ratings, own_films=True
    )
