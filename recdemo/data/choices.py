"""What a person may say of their own file: which column is what, how ratings are written, whose films they are.

Nothing here needs pandas, so that a command can offer these choices without waiting for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scale = Literal["1-5", "0.5-5", "0-10", "1-10", "0-100", "1-100", "like", "thumbs", "listed"]
SCALES: dict[Scale, str] = {
    "1-5": "1 to 5 stars",
    "0.5-5": "half a star to 5 stars",
    "0-10": "0 to 10, read as 1 to 5 stars",
    "1-10": "1 to 10, read as 1 to 5 stars; 0 is not rated",
    "0-100": "0 to 100, read as 1 to 5 stars",
    "1-100": "1 to 100, read as 1 to 5 stars; 0 is not rated",
    "like": "liked or not, read as 5 stars or 1",
    "thumbs": "Netflix's thumbs: 1 down, 2 up, 3 two up",
    "listed": "no ratings: everything listed counts as liked",
}
Ids = Literal["", "ml-1m"]
ROLES = (
    *("user", "movie_id", "title", "year", "rating", "time"),
    *("gender", "age", "occupation", "genres"),
)
FEWEST = 10  # ratings of a user who is kept: of fewer, none would be tested (see `split`)

# The way out of each problem, as it is called on the page and in the shell.
OWN_FILMS = (
    "keep the file's own films (Films are 'The file's own' on the page, --own-films in the shell)"
)
SAY_COLUMN = "choose another column (--map {role}=COLUMN in the shell)"
SAY_IDS = "say that the ids are MovieLens-1M's (tick 'These ids are MovieLens-1M's' on the page, --ids ml-1m in the shell)"
LEAVE_OUT = "leave such rows out (--leave-out in the shell)"
FEWER = "ask for fewer ('Fewest ratings' on the page, --fewest in the shell)"
HISTORY = (
    "bring it as a history ('Bring your films' on Home, recommend --history FILE in the shell)"
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person says of a file of their own; what they leave out is guessed.

    Args:
        columns: column by role (`ROLES`); an empty name means that there is none.
        scale: how ratings are written.
        ids: whose numbers the film ids are.
        own_films: the films of the file are the catalogue.
        leave_out: leave out rows with problems, instead of refusing the file.
        fewest: users with fewer ratings are left out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    scale: Scale | None = None
    ids: Ids = ""
    own_films: bool = False
    leave_out: bool = False
    fewest: int = FEWEST

    def words(self) -> list[str]:
        """These choices as options of a command."""
        words = [
            word for role, name in self.columns.items() for word in ("--map", f"{role}={name}")
        ]
        words += ["--scale", self.scale] if self.scale else []
        words += ["--ids", self.ids] if self.ids else []
        words += ["--own-films"] if self.own_films else []
        words += ["--leave-out"] if self.leave_out else []
        return words + (["--fewest", str(self.fewest)] if self.fewest != FEWEST else [])


GUESSED = Choices()
