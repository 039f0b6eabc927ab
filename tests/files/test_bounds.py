"""What a file of the worst sort costs, whichever way it is read: one sentence, bounded memory, little time."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

MOST_MIB = 300
SECONDS = 10

READ = """
import resource, sys, time
from pathlib import Path
import rebalancer as rb
from rebalancer.errors import RebalancerError
how = {"pool": rb.read, "plan": rb.load, "policy": rb.Policy.load}
if sys.argv[1] == "table":
    from rebalancer.demand.tables import read_samples
    from tests.pools import make_pool
    how["table"] = lambda path: read_samples(path, make_pool())
began = time.process_time()
try:
    how[sys.argv[1]](Path(sys.argv[2]))
except RebalancerError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, round(time.process_time() - began), error)
"""

POOL = b'{"format":"rebalancer-snapshot/1","taken_at":"2026-01-01T00:00:00Z","source":"","demand":null,"pool":{"vms":'
MANY = 1_900_000


def bomb(of: bytes) -> bytes:
    """A gigabyte out of a megabyte: *of* over and over."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        piece = of * ((1 << 20) // len(of))
        for _ in range(1024):
            file.write(piece)
    return packed.getvalue()


def wrong_entries() -> bytes:
    """A snapshot whose VMs are numbers."""
    return POOL + b"{" + b",".join(b'"%d":0' % number for number in range(190_000)) + b"}}}"


def parquet() -> bytes:
    """A word of ten thousand letters that stands a million times, and has its bytes once."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq  # noqa: PLC0415 - an extra

    words = pa.DictionaryArray.from_arrays(pa.array([0] * 900_000, pa.int32()), pa.array(["x" * 10_000]))
    file = io.BytesIO()
    pq.write_table(pa.table({"vm_uuid": words, "time": words, "pcpu": words}), file)
    return file.getvalue()


WORST: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "gzip bomb of blanks": ("pool", lambda: bomb(b" "), "unpacked it is larger than 64 MiB"),
    "gzip bomb of rows": ("table", lambda: bomb(b"a,2026-01-01,1\n"), "unpacked it is larger than 64 MiB"),
    "empty gzip files": ("pool", lambda: gzip.compress(b"") * 1_000_000, "is truncated or no JSON"),
    "wrong entries": ("pool", wrong_entries, "more mistakes"),
    "a million keys": (
        "pool",
        lambda: b"{" + b",".join(b'"%d":0' % key for key in range(MANY // 2)) + b"}",
        "200,000 keys",
    ),
    "brackets without end": ("pool", lambda: b"[" * (60 << 20), "more than 2,000,000 values"),
    "a string of 60 MiB": ("pool", lambda: b'"' + b"x" * (60 << 20), "truncated or no JSON"),
    "lists of numbers": ("pool", lambda: b"[" + b"0.5," * MANY + b"0]", "states no format"),
    "lists of objects": ("pool", lambda: b"[" + b"{}," * (MANY // 2) + b"0]", "states no format"),
    "elements in elements": ("pool", lambda: b"<database>" + b"<a>" * (20 << 20), "more than 16 levels"),
    "rows without end": ("pool", lambda: b"<database>" + b"<table/>" * (7 << 20), "2,000,000 rows and fields"),
    "rows with names": (
        "pool",
        lambda: b'<database><table name="VM">' + b'<row ref="a" b="c" d="e"/>' * (1 << 21),
        "2,000,000 rows",
    ),
    "a row without end": ("pool", lambda: b"<database><row " + b"a='b' " * (10 << 20), "a row has more than 8 MiB"),
    "entities": (
        "pool",
        lambda: b'<!DOCTYPE a [<!ENTITY b "b">' + b"".join(b'<!ENTITY b%d "%s">' % (n, b"&b;" * 9) for n in range(9)),
        "declares a document type",
    ),
    "a plan of numbers": ("plan", lambda: b"[" + b"1," * MANY + b"1]", "it is no plan"),
    "a key of keys": ("policy", lambda: b"a." * 100_000 + b"a = 1", "more than 16 levels"),
    "tables of nothing": ("policy", lambda: b"[[apart]]\n" * 9_000, "apart"),
    "strings that do not end": ("policy", lambda: b'a = """' + b"\\" * 200_000, "TOML"),
    "columns without end": ("table", lambda: b"," * (60 << 20), "more than 500 characters"),
    "lines without end": ("table", lambda: b"\n" * (60 << 20), "more than 1,000,000 rows"),
    "words of Parquet": ("table", parquet, "more than 500 characters"),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_is_refused_within_bounds(tmp_path: Path, name: str) -> None:
    """Measured in a process of its own: the memory with the program and its libraries, the work without them."""
    how, content, words = WORST[name]
    path = tmp_path / "file"
    path.write_bytes(content())
    shell = ["sh", "-c", '"$@"; true', "sh"]  # a process begins with the most memory that its parent ever had
    script = [*shell, sys.executable, "-c", READ, how, str(path)]
    ended = subprocess.run(script, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120)
    mib, seconds, said = ended.stdout.split(" ", 2)
    assert words in said
    assert str(path) in said
    assert len(said) < 1000
    assert (int(mib) < MOST_MIB, int(seconds) < SECONDS) == (True, True), (mib, seconds)
