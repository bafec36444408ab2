"""Which column means what, guessed from names in several languages and from values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from own_files import table_of

from recdemo.data import DataError, Mapping, guess_mapping
from recdemo.data.choices import Choices, Scale
from recdemo.data.mapping import scale_of


@pytest.mark.parametrize(
    ("header", "row", "mapping"),
    [
        (
            "userId,movieId,rating,timestamp",
            "1,2,3.5,99",
            Mapping("userId", "movieId", rating="rating", time="timestamp"),
        ),
        (
            "User ID,Film,Release year,Stars,Watched date,Sex,Age group,Job,Genre",
            "a,Heat,1995,4,2024-01-01,F,25,writer,Drama",
            Mapping(
                user="User ID",
                title="Film",
                year="Release year",
                rating="Stars",
                time="Watched date",
                gender="Sex",
                age="Age group",
                occupation="Job",
                genres="Genre",
            ),
        ),
        (
            "user,movie,liked",
            "a,Heat (1995),yes",
            Mapping("user", None, "movie", None, "liked", "like"),
        ),
        ("user,movie,like", "a,260,0", Mapping("user", "movie", None, None, "like", "like")),
        ("user,item,score", "a,Heat,10", Mapping("user", None, "item", None, "score", "0-10")),
        ("user,item,score", "a,Heat,0.5", Mapping("user", None, "item", None, "score", "0.5-5")),
        ("user,User,Film", "a,b,Heat", Mapping(user="user", title="Film", scale="listed")),
        ("who,what,how", "a,Heat,4", Mapping(user="who", scale="listed")),
        ("x,y", "1,2", Mapping(scale="listed")),
        # Each language's words, and other programs'.
        ("Benutzer;Film;Jahr;Bewertung;Datum", "a;Heat;1995;4;1.2.2024", ...),
        ("Utilisateur,Titre,Année,Note,Date", "a,Heat,1995,4,2024-01-01", ...),
        ("Usuario,Película,Año,Puntuación,Fecha", "a,Heat,1995,4,2024-01-01", ...),
        ("Пользователь,Фильм,Год,Оценка,Дата", "a,Heat,1995,4,2024-01-01", ...),
        ("用户,电影,年份,评分,时间", "a,Heat,1995,4,2024-01-01", ...),
        ("ユーザー,タイトル,公開年,評価,日付", "a,Heat,1995,4,2024-01-01", ...),
        ("사용자,영화,개봉연도,평점,날짜", "a,Heat,1995,4,2024-01-01", ...),
        (
            "user_id:token,title:token_seq,year:float,rating:float,timestamp:float",
            "a,Heat,1995,4,9",
            ...,
        ),
        (" USER-ID ,Film Title,Release_Year,My Rating,Watched At", "a,Heat,1995,4,2024-01-01", ...),
        # A name that fits with values that do not is passed over.
        (
            "user,title,note,score",
            "a,Heat,seen with Ann,4",
            Mapping("user", None, "title", None, "score"),
        ),
        (
            "name,title,rating",
            "a,Heat,4\na,Alien,3",
            Mapping("name", None, "title", None, "rating"),
        ),
        (
            "user,title,what I think",
            "a,Heat,4/5\nb,Heat,★★",
            Mapping("user", None, "title", None, "what I think"),
        ),
        (
            "user,title,grade I gave",
            "a,Heat,4\nb,Heat,3\nb,Alien,3",
            Mapping("user", None, "title", None),
        ),
        (
            "user,title,rewatch",
            "a,Heat,Yes\nb,Heat,No",
            Mapping("user", None, "title", scale="listed"),
        ),
        # Numbers of rows are neither films nor people.
        (
            "id,user,title,rating",
            "1,a,Heat,4\n2,b,Heat,3",
            Mapping("user", None, "title", None, "rating"),
        ),
        (
            "review_id,user,item_id,rating",
            "1,a,7,4\n2,b,7,3",
            Mapping("user", "item_id", None, None, "rating"),
        ),
        # Other sites'.
        (
            "User-ID;ISBN;Book-Rating",
            "a;x;5\nb;x;10\nb;y;0",
            Mapping("User-ID", "ISBN", None, None, "Book-Rating", "1-10"),
        ),
        (
            "userID\tartistID\tweight",
            "2\t50\t13883\n2\t51\t7",
            Mapping("userID", "artistID", None, None, "weight", "listed"),
        ),
        (
            "user_id,business_id,stars",
            "a,x,5\nb,x,1",
            Mapping("user_id", "business_id", None, None, "stars"),
        ),
        (
            "rating,title,text,asin,user_id",
            "4,Great!,Loved it,B000000000,a",
            Mapping("user_id", "asin", None, None, "rating"),
        ),
        (
            "Profile Name,Title Name,Thumbs Value",
            "a,Heat,2\na,Alien,1",
            Mapping("Profile Name", None, "Title Name", None, "Thumbs Value", "thumbs"),
        ),
    ],
)
def test_columns_are_guessed(header: str, row: str, mapping: Mapping) -> None:
    found = table_of(f"{header}\n{row}")
    if mapping is ...:
        user, title, year, rating, time = found.frame.columns
        mapping = Mapping(user, None, title, year, rating, "1-5", time)
    assert guess_mapping(found) == mapping


@pytest.mark.parametrize(
    ("rows", "mapping"),
    [
        # who, what, how much, when
        ("u1,i1,3.0,978300760\nu1,i2,1.0,978300761\nu2,i1,5.0,978300762", ("column 1", "column 2", None, "column 3", "column 4")),
        ("B000000001,u1,3.0,978300760\nB000000002,u1,1.0,978300761", ("column 2", "column 1", None, "column 3", "column 4")),
        ("1::1193::5::978300760\n1::661::3::978302109", ("column 1", "column 2", None, "column 3", "column 4")),
        ("1,u1,Heat (1995),4/5,1 Mar 2024\n2,u1,Alien (1979),2/5,2 Mar 2024", ("column 2", None, "column 3", "column 4", "column 5")),
        ("1,7,5\n1,8,3\n2,7,4\n3,7,1\n3,9,1", ("column 1", "column 2", None, "column 3", None)),
        ("u1,i1,4,978300760\nu1,i2,4,978300761", ("column 1", "column 2", None, "column 3", "column 4")),
        ("7,Some Game,play,273.0,0\n7,Other Game,play,27.3,0", ("column 1", None, "column 2", None, None)),
        ("1|Heat (1995)|01-Jan-1995||http://x|0|1\n2|Babe (1995)|01-Jan-1995||http://y|1|1", (None, None, None, None, None)),
        ("1::Heat (1995)::Action\n2::Babe (1995)::Drama\n3::Seven (1995)::Drama", (None, None, None, None, None)),
        ("\n".join(f"{n}|{20 + n % 9}|{'MF'[n % 2]}|writer|{90000 + n}" for n in range(1, 99)), (None, None, None, None, None)),
        ("\n".join(f"{n}::{'MF'[n % 2]}::{n % 7}::{n % 20}::{90000 + n}" for n in range(1, 99)), (None, None, None, None, None)),
        ("N1,news,sport,A headline\nN2,news,sport,Another one", (None, None, None, None, None)),
    ],
)  # fmt: skip
def test_columns_without_names_are_guessed_from_their_values(
    rows: str, mapping: tuple[str | None, ...]
) -> None:
    found = guess_mapping(table_of(rows))
    assert (found.user, found.movie_id, found.title, found.rating, found.time) == mapping


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ("1 5 3.5", "1-5"),
        ("0.5 5", "0.5-5"),
        ("0 5 1", "1-5"),
        ("10 2", "0-10"),
        ("10 0 2", "1-10"),
        ("-1 8 9", "1-10"),
        ("78 3 100", "0-100"),
        ("78 0 100", "1-100"),
        ("1 0 1", "like"),
        ("1 1 1", "like"),
        ("True False", "like"),
        ("👍 👎", "like"),
        ("♥ ♥", "like"),
        ("good bad", "1-5"),
        ("4/5 2/5", "1-5"),
        ("13883 77", "listed"),
    ],
)
def test_scales_are_guessed(ratings: str, scale: Scale) -> None:
    found = table_of("user,rating\n" + "\n".join(f"a,{rating}" for rating in ratings.split()))
    assert scale_of(found, "rating") == scale


def test_what_a_person_says_goes_before_the_guess() -> None:
    found = table_of("name,grade,points,when\na,4,78,2024-01-01\nb,3,9,2024-01-02")
    guess = guess_mapping(found)
    assert (guess.title, guess.rating) == ("name", "grade")
    chosen = guess.chosen(Choices({"user": "name", "title": "when", "rating": "points"}), found)
    assert chosen == Mapping("name", None, "when", None, "points", "0-100")
    assert guess.chosen(Choices({"rating": ""}), found).scale == "listed"
    assert replace(guess, rating=None).chosen(Choices({"rating": ""}), found).scale == "listed"
    assert guess.chosen(Choices(scale="0-10", ids="ml-1m"), found) == replace(
        guess, scale="0-10", ids="ml-1m"
    )
    with pytest.raises(DataError, match="'mood' is nothing a column can say; use one of user, "):
        guess.chosen(Choices({"mood": "grade"}), found)
