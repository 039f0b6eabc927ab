from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from rebalancer.demand import tables
from rebalancer.demand.tables import read_samples
from rebalancer.errors import InputError, MissingExtra
from tests.pools import make_pool, make_vm

POOL = make_pool(vms=[make_vm("a"), make_vm("b")])
HEADER = "vm_uuid,time,pcpu\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A function that writes a CSV file."""

    def to_file(text: str) -> Path:
        path = tmp_path / "load.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def test_a_csv_file_becomes_samples(write: Callable[[str], Path]) -> None:
    """VMs and hosts, times with and without an offset (then UTC), an empty value as missing."""
    text = """vm_uuid,host_uuid,time,pcpu
a,,2026-11-16T09:00:00Z,0.5
a,,2026-11-16 10:00,1.5
b,,2026-11-16T09:00:00+01:00,
,h1,2026-11-16T09:00:00Z,3
"""
    samples = read_samples(write(text), POOL)
    assert samples["uuid"].tolist() == ["a", "a", "b", "h1"]
    assert samples["owner"].tolist() == ["vm", "vm", "vm", "host"]
    assert samples["time"].dt.strftime("%H:%M%z").tolist() == ["09:00+0000", "10:00+0000", "08:00+0000", "09:00+0000"]
    assert samples["pcpu"].tolist() == pytest.approx([0.5, 1.5, float("nan"), 3.0], nan_ok=True)


def test_parquet_and_csv_agree(write: Callable[[str], Path], tmp_path: Path) -> None:
    """The same table in Parquet, with real times and numbers, gives the same samples."""
    rows = "a,2026-11-16T09:00:00Z,0.5\nb,2026-11-16T09:00:00Z,1.25\n"
    typed = pd.DataFrame(
        {
            "vm_uuid": ["a", "b"],
            "time": pd.to_datetime(["2026-11-16T09:00:00", "2026-11-16T09:00:00"]),
            "pcpu": [0.5, 1.25],
        }
    )
    path = tmp_path / "load.parquet"
    typed.to_parquet(path)
    expected = read_samples(write(HEADER + rows), POOL)
    pd.testing.assert_frame_equal(read_samples(path, POOL), expected, check_dtype=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vm,time,pcpu\na,2026-11-16T09:00Z,1\n", "line 1: column vm_uuid is missing; column 'vm' is unknown"),
        (HEADER + "a,yesterday,1\n", "line 2: this row has no time that can be read ('yesterday')"),
        (HEADER + "a,2026-11-16T09:00Z,1\na,,1\n", "line 3: this row has no time"),
        (HEADER + "a,20261116,1\n", "line 2: this row has no time"),
        (HEADER + "a,1763283600,1\n", "line 2: this row has no time"),
        (HEADER + "a,2026-11-16T09:00Z,50%\n", "line 2: this row has no number of pCPUs ('50%')"),
        (HEADER + "a,2026-11-16T09:00Z,-1\n", "line 2: this row has no number of pCPUs ('-1')"),
        (HEADER + "a,2026-11-16T09:00Z,inf\n", "line 2: this row has no number of pCPUs ('inf')"),
        (HEADER + ",2026-11-16T09:00Z,1\n", "line 2: this row has neither or both of vm_uuid and host_uuid"),
        (HEADER + "a,2026-11-16T09:00Z,1\n\na,now,1\n", "line 4: this row has no time"),
        (
            "vm_uuid,host_uuid,time,pcpu\na,h1,2026-11-16T09:00Z,1\n",
            "line 2: this row has neither or both of vm_uuid and host_uuid",
        ),
        (
            HEADER + "a,2026-11-16T09:00Z,1\nb,2026-11-16T09:00Z,1\na,2026-11-16T10:00+01:00,1\n",
            "line 4: this row repeats an earlier row of the same uuid and time ('a')",
        ),
        (
            HEADER + "a,2026-11-16T09:00Z,1\nx,2026-11-16T09:00Z,1\ny,2026-11-16T09:00Z,1\n",
            "line 3: this row is of an unknown VM or host, as 2 of 3 in the file are ('x')",
        ),
        (HEADER + "a,2026-11-16T09:00Z,1,2,3\nb,2026-11-16T09:00Z,1\n", "more columns than its header"),
        (HEADER + "a,2026-11-16T09:00Z,1\nb,2026-11-16T09:00Z,1,2\n", "Expected 3 fields in line 3, saw 4"),
        (HEADER + "a,2026-11-16T09:00Z,1\nb,2026-11-16T09:00Z\nb\n", "line 4: this row has no time"),
        ("", "is no CSV table"),
    ],
)
def test_a_wrong_row_is_named(write: Callable[[str], Path], text: str, words: str) -> None:
    """File, line, value and the fix."""
    path = write(text)
    with pytest.raises(InputError) as raised:
        read_samples(path, POOL)
    assert words in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_vm_that_is_gone_may_stand_in_the_file(write: Callable[[str], Path]) -> None:
    """A deleted VM among known ones is no error: the file covers a week."""
    text = HEADER + "a,2026-11-16T09:00Z,1\ngone,2026-11-16T09:00Z,1\n"
    assert len(read_samples(write(text), POOL)) == 2


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    """An absent file, bytes, and half a Parquet or gzip file each say so."""
    with pytest.raises(InputError, match="cannot be read: there is no such file"):
        read_samples(tmp_path / "absent.csv", POOL)
    (tmp_path / "x.csv").write_bytes(b"\x80\x81\x00\x01")
    with pytest.raises(InputError, match="is no CSV table"):
        read_samples(tmp_path / "x.csv", POOL)
    (tmp_path / "x.csv").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="is no Parquet table"):
        read_samples(tmp_path / "x.csv", POOL)
    (tmp_path / "x.csv").write_bytes(gzip.compress(HEADER.encode())[:-9])
    with pytest.raises(InputError, match="not a whole gzip file"):
        read_samples(tmp_path / "x.csv", POOL)


def test_parquet_without_its_package_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setattr(tables, "find_spec", lambda _: None)
    (tmp_path / "x").write_bytes(b"PAR1")
    said = "it needs the package pyarrow. Install the extra `parquet`: in a checkout `pip install '.[parquet]'`."
    with pytest.raises(MissingExtra, match=re.escape(said)):
        read_samples(tmp_path / "x", POOL)


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_tables_of_spreadsheets_are_read(write: Callable[[str], Path], separator: str) -> None:
    """Where commas are decimal, semicolons or tabs stand between columns; both kinds of numbers are read there."""
    rows = [["vm_uuid", "time", "pcpu"], ["a", "2026-11-16T09:00:00Z", "0.5"], ["b", "2026-11-16T09:00:00Z", "12.25"]]
    expected = read_samples(write("\n".join(map(",".join, rows))), POOL)
    told = "\r\n".join(map(separator.join, rows))
    assert read_samples(write(told), POOL).equals(expected)
    if separator != ",":
        assert read_samples(write(told.replace("0.5", "0,5").replace("12.25", "12,25")), POOL).equals(expected)


@pytest.mark.parametrize("number", ['"1,5"', '"1,500"', '"1.500,5"'])
def test_a_comma_between_commas_is_named(write: Callable[[str], Path], number: str) -> None:
    """Nobody knows whether it is decimal: line and value are told."""
    with pytest.raises(InputError, match=r"line 2: this row has no number of pCPUs \('1"):
        read_samples(write(f"{HEADER}a,2026-11-16T09:00:00Z,{number}\n"), POOL)


def test_decimal_commas_between_bare_commas_are_named(write: Callable[[str], Path]) -> None:
    """They make a column too many; pandas would say it in words of its own."""
    with pytest.raises(InputError, match=r"more columns than its header. Where commas are decimal, put semicolons"):
        read_samples(write(f"{HEADER}a,2026-11-16T09:00:00Z,0,5\n"), POOL)


def test_a_table_is_told_by_its_content(write: Callable[[str], Path], tmp_path: Path) -> None:
    """Parquet and CSV under any name, gzip'd or not."""
    written = write(f"{HEADER}a,2026-11-16T09:00:00Z,0.5\n")
    expected = read_samples(written, POOL)
    (tmp_path / "load.parquet").write_bytes(written.read_bytes())
    (tmp_path / "load").write_bytes(gzip.compress(written.read_bytes()))
    pd.read_csv(written).to_parquet(tmp_path / "samples")
    for name in ("load.parquet", "load", "samples"):
        pd.testing.assert_frame_equal(read_samples(tmp_path / name, POOL), expected, check_dtype=False)
