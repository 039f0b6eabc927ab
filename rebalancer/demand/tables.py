"""Samples from CSV and Parquet files."""

from __future__ import annotations

import re
import warnings
from datetime import timedelta
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from rebalancer.demand.aggregate import DemandSettings, profile_from_samples
from rebalancer.demand.gate import refuse_impossible
from rebalancer.demand.profile import LoadProfile
from rebalancer.errors import InputError, MissingExtra
from rebalancer.files.decoding import text_of
from rebalancer.files.kinds import TABLE
from rebalancer.files.reading import unpacked_of
from rebalancer.inventory import Pool
from rebalancer.units import FIRST_YEAR, LAST_YEAR

OWNERS = {"vm_uuid": "vm", "host_uuid": "host"}
COLUMNS = (*OWNERS, "time", "pcpu")
EXPECTED = "The columns are vm_uuid, time, pcpu, and optionally host_uuid for rows of whole hosts"
FIRST_LINE = 2
LONGEST = 500
"""Characters of a line or value, at most."""
PARQUET = b"PAR1"
DECIMAL_COMMA = r"^\s*(\d*),(\d+)\s*$"


def profile_from_table(path: Path | str, pool: Pool, settings: DemandSettings) -> LoadProfile:
    """The load profile of *pool* from the table at *path*; the window ends with the table's last hour.

    Raises:
        InputError: the file cannot be used, see `read_samples`, or has no row.
        MetricsRefused: what it holds is not good enough.
    """
    samples = read_samples(path, pool)
    if samples.empty:
        raise InputError(str(path), "it has no row", EXPECTED)
    refuse_impossible(samples, pool)
    last = samples["time"].max().floor("h").to_pydatetime()
    return profile_from_samples(samples, pool, settings, last + timedelta(hours=1), source=f"file {Path(path).name}")


def read_samples(path: Path | str, pool: Pool) -> pd.DataFrame:
    """Samples from a table in long form: `vm_uuid`, `time`, `pcpu`, in CSV or in Parquet, gzip'd or not.

    `time` is the start of the interval that a value is the mean of; without an offset it is UTC. `pcpu` is in pCPUs:
    1.5 is one and a half busy CPUs; empty means that it is not known. In rows with `host_uuid` in place of `vm_uuid` it
    is that of a whole host, VMs included. Rows of VMs that the pool no longer has may stand in the table, unless most
    uuids are such.

    Returns:
        Columns `uuid`, `owner` (`vm` or `host`), `time` (UTC), `pcpu`.

    Raises:
        InputError: the file cannot be read, a column is missing or unknown, a time or number is none, a row is there
            twice, or most uuids are not of this pool; it names file and line.
    """
    path = Path(path)
    table = _read(path)
    _refuse_columns(table, path)
    samples = pd.DataFrame(
        {
            "uuid": _uuids(table, path),
            "owner": np.where(_filled(table, "host_uuid"), "host", "vm"),
            "time": _times(table, path),
            "pcpu": _numbers(table, path),
        }
    )
    _refuse_twins(samples, path)
    _refuse_strangers(samples, pool, path)
    return samples


def _read(path: Path) -> pd.DataFrame:
    """The table in *path*, whatever its name: Parquet and gzip are told by the first bytes."""
    parquet = False
    try:
        content = unpacked_of(path, TABLE)
        parquet = content.startswith(PARQUET)
        return _read_parquet(path, content) if parquet else _read_csv(text_of(content))
    except pd.errors.ParserWarning as error:
        remedy = "Where commas are decimal, put semicolons between columns"
        raise InputError(str(path), "its rows have more columns than its header", remedy) from error
    except ValueError as error:
        kind = "Parquet" if parquet or path.suffix == ".parquet" else "CSV"
        raise InputError(str(path), f"is no {kind} table: {str(error).strip().rstrip('.')}", EXPECTED) from error


def _read_csv(text: str) -> pd.DataFrame:
    """A CSV file, everything as text; empty lines are left out, but the index still counts them.

    Where commas are decimal, spreadsheets put semicolons or tabs between the columns.
    """
    _refuse_many(text.count("\n"))
    if any(line.end() - line.start() > LONGEST for line in re.finditer("[^\n]+", text)):
        raise ValueError(f"a line has more than {LONGEST} characters")
    header = text.partition("\n")[0]
    separator = next((each for each in (";", "\t") if each in header and "," not in header), ",")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a first row that is longer than the header
        table = pd.read_csv(
            StringIO(text), sep=separator, dtype="str", index_col=False, skipinitialspace=True, skip_blank_lines=False
        )
    if separator != "," and "pcpu" in table:
        table["pcpu"] = table["pcpu"].str.replace(DECIMAL_COMMA, r"\1.\2", regex=True)
    return table.dropna(how="all")


def _read_parquet(path: Path, content: bytes) -> pd.DataFrame:
    """A Parquet file, if the package that reads them is there; rows are counted like lines of CSV."""
    if find_spec("pyarrow") is None:
        raise MissingExtra(str(path), "pyarrow", extra="parquet")
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    _refuse_many(parquet.read_metadata(BytesIO(content)).num_rows)
    read = parquet.read_table(BytesIO(content), read_dictionary=list(COLUMNS))
    table: pd.DataFrame = read.to_pandas().reset_index(drop=True)
    for name in table.select_dtypes("category"):  # a word that stands a million times has its bytes once until here
        if table[name].cat.categories.astype("str").str.len().max() > LONGEST:
            raise ValueError(f"a value of {name} has more than {LONGEST} characters")
        table[name] = table[name].astype("str").where(table[name].notna(), None)
    return table


def _refuse_many(rows: int) -> None:
    if rows > TABLE.most_values:
        raise ValueError(f"it has more than {TABLE.most_values:,} rows")


def _refuse_columns(table: pd.DataFrame, path: Path) -> None:
    missing = [name for name in ("vm_uuid", "time", "pcpu") if name not in table]
    unknown = [str(name) for name in table if name not in COLUMNS]
    if missing or unknown:
        wrong = [f"column {name} is missing" for name in missing] + [f"column {name!r} is unknown" for name in unknown]
        raise InputError(f"{path}, line 1", "; ".join(wrong), EXPECTED)


def _filled(table: pd.DataFrame, name: str) -> pd.Series[bool]:
    if name not in table:
        return pd.Series(data=False, index=table.index)
    return table[name].notna() & (table[name].astype("str").str.strip() != "")


def _uuids(table: pd.DataFrame, path: Path) -> pd.Series[str]:
    vm, host = _filled(table, "vm_uuid"), _filled(table, "host_uuid")
    _refuse_rows(vm == host, path, "has neither or both of vm_uuid and host_uuid", "Give each row one of the two")
    uuids = table["vm_uuid"].where(vm, table["host_uuid"]) if "host_uuid" in table else table["vm_uuid"]
    return uuids.astype("str").str.strip()


def _times(table: pd.DataFrame, path: Path) -> pd.Series[pd.Timestamp]:
    if pd.api.types.is_datetime64_any_dtype(table["time"]):
        times = pd.to_datetime(table["time"], utc=True)
    else:
        # pandas also reads "now", "2026" and other words as times.
        written = table["time"].astype("str").str.strip()
        dated = written.where(written.str.match(r"\d{4}-\d\d-\d\d"))
        times = pd.to_datetime(dated, utc=True, format="ISO8601", errors="coerce")
    remedy = "Write it as 2026-11-22T09:00:00Z; without an offset it is UTC"
    _refuse_rows(times.isna(), path, "has no time that can be read", remedy, table["time"])
    unlikely = ~times.dt.year.between(FIRST_YEAR, LAST_YEAR)
    _refuse_rows(unlikely, path, f"is not of a year from {FIRST_YEAR} to {LAST_YEAR}", remedy, table["time"])
    return times


def _numbers(table: pd.DataFrame, path: Path) -> pd.Series[float]:
    """The pCPUs of each row; NaN where the cell is empty."""
    numbers = pd.to_numeric(table["pcpu"], errors="coerce").astype("float64")
    wrong = (numbers.isna() & _filled(table, "pcpu") & (table["pcpu"].astype("str").str.lower() != "nan")) | (
        ~np.isfinite(numbers.fillna(0.0)) | (numbers < 0)
    )
    _refuse_rows(wrong, path, "has no number of pCPUs", "Write pCPUs such as 1.5, not percent", table["pcpu"])
    return numbers


def _refuse_twins(samples: pd.DataFrame, path: Path) -> None:
    twins = samples.duplicated(["uuid", "owner", "time"])
    _refuse_rows(twins, path, "repeats an earlier row of the same uuid and time", "Keep one of them", samples["uuid"])


def _refuse_strangers(samples: pd.DataFrame, pool: Pool, path: Path) -> None:
    known = samples["uuid"].isin([*pool.vms, *pool.hosts])
    strangers = samples["uuid"][~known].nunique()
    if strangers * 2 > samples["uuid"].nunique():
        problem = f"is of an unknown VM or host, as {strangers} of {samples['uuid'].nunique()} in the file are"
        _refuse_rows(~known, path, problem, f"Name a file of pool {pool.name!r}", samples["uuid"])


def _refuse_rows(
    wrong: pd.Series[bool], path: Path, problem: str, remedy: str, shown: pd.Series[str] | None = None
) -> None:
    """Pass where no row is wrong; else name the line of the first one, counted from 1 with the header as line 1."""
    if wrong.any():
        row = wrong.index[int(np.argmax(wrong.to_numpy()))]
        value = "" if shown is None else f" ({shown[row]!r})"
        raise InputError(f"{path}, line {row + FIRST_LINE}", f"this row {problem}{value}", remedy)
