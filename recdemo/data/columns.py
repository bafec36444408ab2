"""What people, sites and programs call the columns of a table of films, in several languages: each name once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SUFFIX = re.compile(r":(?:token|float)(?:_seq)?$")  # RecBole's, which says what a column holds


def plain(name: str) -> str:
    """A name without case, accents, spaces, punctuation, and RecBole's ``:token``."""
    folded = unicodedata.normalize("NFKD", _SUFFIX.sub("", name.strip()).casefold())
    return "".join(letter for letter in folded if letter.isalnum())


# The surest names of each role first.
_WORDS = {
    "user": "user id|user|users|user name|viewer|viewer id|member|member id|customer|customer id|person|person id|profile|"
    "profile name|reviewer|reviewer id|reviewer name|account|account id|uid|who|author|critic|critic name|steamid|listener|"
    "benutzer|benutzer id|nutzer|nutzer id|nutzername|benutzername|utilisateur|id utilisateur|usuario|id usuario|usuário|utente|"
    "пользователь|id пользователя|зритель|имя пользователя|用户|用户id|用户名|用户编号|使用者|ユーザー|ユーザーid|ユーザー名|ユーザ|"
    "사용자|사용자id|사용자명|유저|유저id|회원|아이디",
    "title": "title|movie title|film title|movie|film|name|movie name|movie name en|original title|title name|movies|"
    "titel|filmtitel|titre|titre du film|título|titolo|película|filme|название|название фильма|фильм|제목|영화|영화명|영화제목|"
    "タイトル|作品名|映画|映画名|作品|标题|电影名|电影名称|片名|电影|影片|名称|標題|電影|電影名稱|item|movie name cn",
    "movie_id": "movie id|film id|movielens id|item id|mid|isbn|asin|parent asin|artist id|book id|game id|app id|product id|"
    "anime id|song id|track id|business id|movie|film|item|filmnummer|id film|id du film|id película|id фильма|фильм id|电影id|"
    "电影编号|影片id|映画id|作品id|영화id|영화번호",
    # What is told apart, and is no film.
    "other title": "book title|game title|game name|game|artist|artist name|song|track|track name|product|product title|"
    "anime|anime title",
    "year": "year|release year|released|movie year|film year|year published|original publication year|year of publication|"
    "publication year|jahr|erscheinungsjahr|année|année de sortie|année de production|año|anno|ano|год|год выпуска|연도|"
    "개봉연도|제작연도|年|年份|年度|上映年份|公開年|製作年|release date",
    "rating": "your rating|my rating|rating|ratings|you rated|score|stars|star|rate|movie rating|book rating|user rating|"
    "my score|thumbs value|grade|overall|liked|like|likes|recommend|recommended|opinion|note|bewertung|wertung|sterne|"
    "ma note|avis|valoración|puntuación|calificación|nota|voto|votación|оценка|рейтинг|моя оценка|평점|별점|점수|評価|評点|"
    "我的评分|个人评分|评分|打分|評分|value|thumbs|reaction|vote|sentiment",
    "time": "watched date|date watched|watched at|date read|date rated|rated at|date|timestamp|time|datetime|rating date|"
    "event utc ts|start time|date added|created|created at|unix time|unix review time|review time|review date|ts|day|posted|datum|"
    "zeit|zeitpunkt|fecha|hora|data|date de visionnage|дата|время|날짜|시간|일자|日付|日時|打分日期|创建时间|观看日期|日期|时间|評分日期",
    "gender": "gender|sex|geschlecht|sexe|sexo|genre (sexe)|пол|性别|性別|성별",
    "age": "age|age group|user age|alter|âge|edad|возраст|年龄|年齢|나이|연령",
    "occupation": "occupation|job|profession|beruf|métier|profesión|ocupación|профессия|职业|職業|직업",
    "genres": "genres|genre|género|géneros|жанр|жанры|类型|類型|ジャンル|장르",
    # What counts how often or how long, and is no opinion.
    "count": "weight|plays|play count|playcount|count|counts|listens|play time|playtime|playtime forever|hours|"
    "hours played|minutes|minutes played|watch time|quantity|clicks|views|purchases",
}  # fmt: skip
NAMES: dict[str, tuple[str, ...]] = {
    role: tuple(dict.fromkeys(map(plain, words.split("|")))) for role, words in _WORDS.items()
}
_EVERY = frozenset(name for names in NAMES.values() for name in names) | {"id"}


def is_known(name: str) -> bool:
    """Whether a text is what some column is called."""
    return _last(name) in _EVERY or plain(name) in _EVERY


def named(columns: Iterable[str], role: str) -> list[str]:
    """The columns whose names stand for a role, the surest first; of two alike the first."""
    columns = list(columns)[::-1]
    known = {_last(column): column for column in columns}
    known |= {plain(column): column for column in columns}
    return list(dict.fromkeys(known[name] for name in NAMES[role] if name in known))


def _last(name: str) -> str:
    """The plain name of a field within others, as ``reviews.item_id``."""
    return plain(name.rpartition(".")[2])
