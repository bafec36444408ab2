"""Histories as files and as zips, Letterboxd's among them."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import ZipFile

CASES = Path(__file__).resolve().parent / "cases"


def zipped(**files: str) -> bytes:
    """A zip of files; ``__`` in a name stands for a folder's slash."""
    memory = io.BytesIO()
    with ZipFile(memory, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".csv", text)
    return memory.getvalue()


HEAD = "Date,Name,Year,Letterboxd URI"
LETTERBOXD = zipped(
    watched=f"{HEAD}\n2024-01-01,Alien,1979,u\n2024-01-02,Fargo,1996,u\n2024-01-03,Heat,1995,u\n",
    ratings=f"{HEAD},Rating\n2024-01-01,Alien,1979,u,5\n2024-01-02,Fargo,1996,u,1\n",
    diary=f"{HEAD},Rating,Rewatch,Tags,Watched Date\n2024-06-01,Alien,1979,u,5,Yes,,2024-05-30\n",
    likes__films=f"{HEAD}\n2024-02-01,Heat,1995,u\n",
    watchlist=f"{HEAD}\n2024-03-01,The Matrix,1999,u\n",
    deleted__diary=f"{HEAD},Rating\n2024-03-01,The Matrix,1999,u,5\n",
    comments="Date,Content,Comment\n2024-01-01,x,y\n",
)
