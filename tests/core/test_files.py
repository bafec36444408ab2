"""Files and folders are there whole, the old or the new, and no draft stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from recdemo.core.files import draft_of, write_whole


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_text_is_utf_8(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", "né", sync=True)
    assert (tmp_path / "a").read_bytes() == b"n\xc3\xa9"
    assert _names(tmp_path) == ["a"]


def test_what_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    (tmp_path / "folder").mkdir()
    write_whole(tmp_path / "folder" / "in", b"old")

    def stop(path: Path, part: str) -> None:
        with draft_of(path) as draft:
            (draft / part).parent.mkdir(exist_ok=True)
            (draft / part).write_bytes(b"half")
            raise KeyboardInterrupt

    for name, part in (("file", ""), ("folder", "in"), ("new", ""), ("other", "in")):
        with pytest.raises(KeyboardInterrupt):
            stop(tmp_path / name, part)
    assert (tmp_path / "file").read_bytes() == (tmp_path / "folder" / "in").read_bytes() == b"old"
    assert _names(tmp_path) == ["file", "folder"]


def test_a_folder_is_replaced_with_all_it_holds(tmp_path: Path) -> None:
    for file in ("one", "two"):
        with draft_of(tmp_path / "folder") as draft:
            draft.mkdir()
            (draft / file).write_bytes(b"")
        assert _names(tmp_path / "folder") == [file]
    assert _names(tmp_path) == ["folder"]


def test_a_folder_that_cannot_be_replaced_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder" / "old").mkdir(parents=True)
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if (path / "new").exists():
            raise OSError("no space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="no space"), draft_of(tmp_path / "folder") as draft:
        (draft / "new").mkdir(parents=True)
    assert _names(tmp_path) == ["folder"]
    assert _names(tmp_path / "folder") == ["old"]


def test_two_writers_have_a_draft_each(tmp_path: Path) -> None:
    with draft_of(tmp_path / "a") as one, draft_of(tmp_path / "a") as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert _names(tmp_path) == ["a"]
