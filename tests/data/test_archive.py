"""Zips that nobody should trust: each is refused with its reason, and nothing is ever unpacked."""

from __future__ import annotations

import random
import stat
import zipfile
from pathlib import Path

import pytest

from recdemo.data import DataError, archive, read_movielens
from recdemo.data.archive import open_archive

FILES = {
    "movies.dat": b"1::Toy Story (1995)::Animation|Comedy\n2::Heat (1995)::Action\n",
    "users.dat": b"1::F::1::10::48067\n2::M::56::16::70072\n",
    "ratings.dat": b"1::1::5::300\n1::2::3::200\n2::1::4::100\n",
}


def _zip(
    path: Path,
    method: int = zipfile.ZIP_DEFLATED,
    files: dict[str, bytes] = FILES,
    folder: str = "ml-1m/",
) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in files.items():
            made.writestr(folder + name, content)
    return path


def _refused(path: Path, problem: str) -> str:
    with pytest.raises(DataError, match=problem) as error:
        read_movielens(path)
    assert path.name in str(error.value)
    return str(error.value)


def test_a_harmless_zip_is_read(tmp_path: Path) -> None:
    assert len(read_movielens(_zip(tmp_path / "a.zip")).ratings) == 3
    assert len(read_movielens(_zip(tmp_path / "b.zip", zipfile.ZIP_STORED)).ratings) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "ml-1m/../../evil",
        "..",
        "/etc/evil",
        "C:/evil",
        "c:evil",
        "..\\evil",
        "ml-1m\\..\\evil",
        "\\\\host\\evil",
    ],
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as made:
        info = zipfile.ZipInfo("x")
        info.filename = name
        made.writestr(info, b"x")
    assert repr(name) in _refused(path, "name leads out of the folder")
    assert list(tmp_path.iterdir()) == [path]


def test_films_beside_the_folder_are_no_way_in(tmp_path: Path) -> None:
    _refused(_zip(tmp_path / "a.zip", folder="../ml-1m/"), "name leads out of the folder")


def test_a_link_is_refused(tmp_path: Path) -> None:
    files = {name: content for name, content in FILES.items() if name != "users.dat"}
    path = _zip(tmp_path / "a.zip", files=files)
    link = zipfile.ZipInfo("ml-1m/users.dat")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(link, "/etc/passwd")
    _refused(path, "'ml-1m/users.dat', a link in place of a file")


def test_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = FILES | {"ratings.dat": b"1::1::5::300\n" * 400_000}
    _refused(
        _zip(tmp_path / "a.zip", files=bomb),
        "ratings.dat unpacks to [0-9]+ times its size, more than the limit of 100",
    )
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 50)
    _refused(_zip(tmp_path / "b.zip"), "movies.dat unpacks to more than 50 bytes")
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    _refused(folder, "movies.dat unpacks to more than 50 bytes")


def test_a_size_that_lies_yields_no_more_than_it_says(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", files=FILES | {"ratings.dat": b"1::1::5::300\n" * 100_000})
    raw = path.read_bytes()
    size = (1_300_000).to_bytes(4, "little")
    assert raw.count(size) == 2
    path.write_bytes(raw.replace(size, (260).to_bytes(4, "little")))
    _refused(path, "ratings.dat is damaged")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    _refused(_zip(tmp_path / "a.zip"), "lists 3 files, more than the limit of 2")


def test_a_file_listed_twice_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("ml-1m/users.dat", b"1::M::1::10::48067\n")
    _refused(path, "lists 'ml-1m/users.dat' 2 times")


def test_an_encrypted_file_says_so(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip")
    raw = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(mark)
        while place >= 0:
            raw[place + flags] |= 1
            place = raw.find(mark, place + 4)
    path.write_bytes(raw)
    _refused(path, "is encrypted; unpack it with its password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(tmp_path: Path, method: int) -> None:
    _refused(_zip(tmp_path / "a.zip", method), f"is packed by method {method}; zip it by the usual")


def test_a_zip_within_a_zip_says_so(tmp_path: Path) -> None:
    inner = _zip(tmp_path / "ml-1m.zip").read_bytes()
    path = _zip(tmp_path / "outer.zip", files={"ml-1m.zip": inner}, folder="")
    _refused(path, "holds no MovieLens files .* unpack ml-1m.zip, which lies in it, and give that")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_zip_says_so(tmp_path: Path, share: float) -> None:
    path = _zip(tmp_path / "a.zip")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    _refused(path, "is not a whole zip file")


def test_whatever_is_damaged_is_named(tmp_path: Path) -> None:
    raw = _zip(tmp_path / "a.zip").read_bytes()
    rng = random.Random(0)
    path, refused = tmp_path / "b.zip", []
    for _ in range(400):
        wrong = bytearray(raw)
        for _ in range(rng.choice((1, 1, 3, 30))):
            wrong[rng.randrange(len(wrong))] = rng.randrange(256)
        path.write_bytes(wrong)
        try:
            assert len(read_movielens(path).ratings) == 3
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert all("b.zip" in problem for problem in refused)


def test_what_lies_beside_a_whole_data_set_does_no_harm(tmp_path: Path) -> None:
    files = FILES | {"ratings.csv": b"my,own\n", "notes/u.data": b"1"}
    assert open_archive(_zip(tmp_path / "a.zip", files=files)).layout == "ml-1m"
    parts = {"movies.dat": b"1", "ratings.csv": b"1"}
    with pytest.raises(DataError, match="more than one data set: ml-1m in d/ and ml-latest in d/"):
        open_archive(_zip(tmp_path / "b.zip", files=parts, folder="d/"))
