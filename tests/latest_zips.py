"""A few films and ratings in the layout of MovieLens Latest."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

# Made up, apart from the film titles.
MOVIES = """movieId,title,genres
1,Toy Story (1995),Adventure|Animation|Children|IMAX
6,"Postman, The (Postino, Il) (1994)",Drama
70,"Misérables, Les (1995)",Drama|War
8000,"Jet Pilots, the ""Great"" (2013)",(no genres listed)
9000,Series Without a Year (2006–2007),Comedy
9001,Never Rated (1995),Comedy
"""
RATINGS = """userId,movieId,rating,timestamp
1,70,0.5,300
1,1,4.0,100
1,6,3.5,100
2,8000,5.0,50
2,9000,1,40
2,1,4.5,45
"""
FILES = {"movies.csv": MOVIES, "ratings.csv": RATINGS}
CATALOGUE = pd.DataFrame(
    {
        "movie_id": [9, 7, 8],
        "title": ["Les Misérables", "Toy Story", "Il Postino (The Postman)"],
        "year": [1995, 1995, 1994],
        "genres": [("Drama",), ("Comedy", "Animation"), ("Drama",)],
    }
)


def zip_of(path: Path, files: dict[str, str] = FILES, folder: str = "ml-latest-small/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(folder + name, text.encode())
    return path
