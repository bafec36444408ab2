"""Whatever a Parquet file says, only the small process that unpacks it can fail, and this one keeps its memory."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import forged_parquet
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_files import parquet_of, refused

from recdemo.core.places import environment
from recdemo.data import DataError, limits, parquet, read_saved, read_table, save_dataset, simulate
from recdemo.data.parquet import Columns, Unpacker, gathered
from recdemo.data.parquet_columns import READERS

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
MEGABYTES = 330  # of both processes together: 220 to unpack with, the rest is Python and pyarrow, more of it in newer versions

# A process whose memory nothing else has touched reads files; it tells what was said of each, MB that it took for them at
# most, and MB of the largest process that it started.
READER = """
import json, sys
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from recdemo.data import DataError, read_saved, read_table
read = {"saved": read_saved, "table": read_table}[sys.argv[1]]
before, said = getrusage(RUSAGE_SELF).ru_maxrss, []
for path in sys.argv[2:]:
    try:
        read(path)
        said.append("")
    except DataError as error:
        said.append(str(error))
more = getrusage(RUSAGE_SELF).ru_maxrss - before
print(json.dumps([said, more / 1024, getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


def _read_apart(how: str, paths: list[Path]) -> tuple[list[str], float, float]:
    words = [sys.executable, "-c", READER, how, *map(str, paths)]
    done = subprocess.run(words, env=environment(), capture_output=True, check=True)
    said, own, other = json.loads(done.stdout)
    return said, own, other


@linux
def test_forged_files_cost_little_and_are_refused(tmp_path: Path) -> None:
    much = ".parquet takes more than 220 MB of memory to unpack; leave out columns, or save it"
    forged = {
        "cell": (forged_parquet.one_cell(), f"cell{much}"),
        "texts": (forged_parquet.many_texts(), f"texts{much}"),
        "page": (forged_parquet.says_much(), f"page{much}"),
        "rows": (
            forged_parquet.more_rows(),
            "rows.parquet is not a whole Parquet file (column 'title' has more rows",
        ),
        "fits": (forged_parquet.many_texts(50_000), ""),  # just so
    }
    paths = []
    for name, (raw, _) in forged.items():
        assert len(raw) < 5_000_000
        paths.append(tmp_path / f"{name}.parquet")
        paths[-1].write_bytes(raw)
    said, own, other = _read_apart("table", paths)
    assert not said.pop()
    for found, (_, problem) in zip(said, forged.values(), strict=False):
        assert found.startswith(problem)
    assert own < 20
    assert 200 < own + other < MEGABYTES


@linux
def test_saved_sets_with_a_forged_file_cost_little_and_are_refused(
    tmp_path: Path, films: pd.DataFrame
) -> None:
    forged = {
        "movies": forged_parquet.one_cell(),
        "users": forged_parquet.many_texts(),
        "ratings": forged_parquet.ratings(),
    }
    paths = []
    for name, raw in forged.items():
        paths.append(save_dataset(simulate(films, users=5), tmp_path / f"{name} forged"))
        (paths[-1] / f"{name}.parquet").write_bytes(raw)
    said, own, other = _read_apart("saved", paths)
    for name, found in zip(forged, said, strict=True):
        assert found.startswith(f"{name} forged: {name}.parquet")
        assert "takes more than 220 MB of memory to unpack; " in found
    assert own < 20
    assert own + other < MEGABYTES


def _found(columns: Columns) -> tuple[dict[str, list[object]], list[str]]:
    return {name: values.to_pylist() for name, values in columns.found.items()}, columns.left_out


def test_the_process_finds_what_is_found_here(unpacker: Unpacker) -> None:
    titles = [f" é{'x' * (row % 2_000)} " for row in range(5_000)]
    table = pa.table(
        {
            "user": pa.array(range(5_000)).cast(pa.float64()),
            "title": titles,
            "kind": pa.array([None, "a"] * 2_500).dictionary_encode(),
            "list": [[1]] * 5_000,
            "": pa.array(titles).cast(pa.string_view()),
            "nothing": pa.nulls(5_000),
        }
    )
    for one in (table, table[:0]):
        file = io.BytesIO()
        pq.write_table(one, file)
        wanted = _found(gathered(READERS["texts"]("x", file.getvalue())))
        assert list(wanted[0]) == ["user", "title", "kind", "", "nothing"]
        assert _found(unpacker.unpack("texts", "x", file.getvalue())) == wanted
        assert unpacker.unpack("texts", "x", file.getvalue()).left_out == [
            "list (list<element: int64>)"
        ]


def test_one_process_reads_a_saved_set(
    tmp_path: Path, films: pd.DataFrame, unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = Unpacker._started
    monkeypatch.setattr(Unpacker, "_started", lambda *of: [started.append(of), start(*of)][1])
    world = simulate(films, users=50)
    found = read_saved(save_dataset(world, tmp_path / "world"))
    pd.testing.assert_frame_equal(found.ratings, world.ratings)
    pd.testing.assert_frame_equal(found.movies, world.movies)
    assert len(started) == 1


READY = """
import json, os, signal, sys, time
def say(what): print(what, flush=True)
say('{"ready": true}')
order = json.loads(sys.stdin.buffer.readline())
"""
READ = READY + "sys.stdin.buffer.read(order['size']); "
COLUMN = READ + """say('{"column": "a"}'); """


def _refused_by_both(raw: bytes, problem: str, unpacker: Unpacker) -> None:
    refused(raw, problem, kind="parquet")
    with pytest.raises(DataError, match=f"^mine: {problem}.*; make the data set again$"):
        unpacker.unpack("ratings", "mine", raw)


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        (READY + "os.kill(os.getpid(), signal.SIGSEGV)", "unpacking it ended with SIGSEGV"),
        (READ + "os.kill(os.getpid(), signal.SIGSEGV)", "unpacking it ended with SIGSEGV"),
        (READ + "os.abort()", "unpacking it ended with SIGABRT"),
        (READ + "sys.exit(3)", "unpacking it ended with exit status 3"),
        (COLUMN + "sys.exit(3)", ""),
        (COLUMN + "say('x' * 1000)", ""),
        (READ + "say('x')", "Expecting value"),
        (READ + "say('[1]')", r"\[1\]"),
        (READ + "say('{}')", ""),
    ],
)
def test_a_process_that_fails_is_a_file_refused(
    program: str, problem: str, unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "COMMAND", (sys.executable, "-c", program))
    raw = b"PAR1" * 50_000  # more than a pipe holds
    _refused_by_both(raw, rf".*is not a whole Parquet file \(.*{problem}", unpacker)


def test_a_process_that_hangs_is_a_file_refused(
    unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "COMMAND", (sys.executable, "-c", READY + "time.sleep(60)"))
    monkeypatch.setattr(limits, "UNPACK_WAIT", 1.0)
    refused(b"PAR1" * 50_000, "takes more than 1 s to unpack; leave out columns, or rows")


def test_a_process_that_cannot_start_is_said(
    unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "cannot be unpacked: the process for it did not start"
    monkeypatch.setattr(parquet, "COMMAND", ("./there is no such",))
    refused(b"PAR1", rf"{problem} \(No such file .*; try again later")
    monkeypatch.setattr(parquet, "COMMAND", (sys.executable, "-c", "exit(3)"))
    refused(b"PAR1", rf"{problem} \(exit status 3\); 'python -m recdemo.data.unpack' says why")


def test_a_file_is_read_where_python_leaves_out_assertions(tmp_path: Path) -> None:
    """`python -O` does: what the two processes say to each other may not depend on them."""
    path = tmp_path / "mine.parquet"
    path.write_bytes(parquet_of(pd.DataFrame({"user": ["a"], "rating": [5]})))
    code = f"from recdemo.data import read_table; print(len(read_table({str(path)!r}).frame))"
    told = [sys.executable, "-O", "-c", code]
    done = subprocess.run(told, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_time_is_limited(unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
from recdemo.data import unpack
def endless(*_):
    while True: pass
unpack.READERS["texts"] = endless
unpack.main()
"""
    monkeypatch.setattr(parquet, "COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(limits, "UNPACK_SECONDS", 0)
    refused(b"PAR1", "takes more than 0 s to unpack; leave out columns, or rows")


def test_spoiled_files_are_read_or_refused_one_after_the_other(unpacker: Unpacker) -> None:
    raw = parquet_of(pd.DataFrame({"user": ["a"] * 100, "rating": range(100)}))
    rng, said = random.Random(1), []
    for _ in range(20):
        wrong = bytearray(raw)
        for _ in range(rng.choice((1, 3, 20))):
            wrong[rng.randrange(4, len(wrong))] = rng.randrange(256)
        try:
            read_table(bytes(wrong), unpacker=unpacker)
        except DataError as error:
            said.append(str(error))
    assert 5 < len(said) < 20
    assert all(one.startswith("the file is not a whole Parquet file (") for one in said)
    assert len(read_table(raw, unpacker=unpacker).frame) == 100


def test_the_process_loads_little() -> None:
    program = (
        "import sys, recdemo.data.unpack; print({'pandas', 'torch', 'pydantic'} & {*sys.modules})"
    )
    words = [sys.executable, "-c", program]
    assert subprocess.run(words, env=environment(), capture_output=True).stdout == b"set()\n"
