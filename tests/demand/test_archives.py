from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rebalancer.demand.archives import parse_rrd
from rebalancer.errors import MetricsRefused

SMALL = (
    "<rrd><version>0003</version><step>5</step><lastupdate>1234</lastupdate>"
    "<ds><name>cpu0</name></ds><ds><name>cpu1</name></ds>"
    "<rra><cf>AVERAGE</cf><pdp_per_row>12</pdp_per_row><params/><cdp_prep/>"
    "<database><row><v>0.5</v><v>NaN</v></row><row><v>0.25</v></row><row><v/><v>1.0</v></row></database></rra></rrd>"
)


def test_a_recorded_rrd(shared_data: Callable[[str], Path]) -> None:
    """Four archives of 5 s to a day, each with the rows it had, ending at the last whole interval."""
    archives = parse_rrd(gzip.decompress(shared_data("rrd/vm-rrd-full.xml.gz").read_bytes()))
    assert [each.step_seconds for each in archives] == [5, 60, 3600, 86400]
    assert [each.data.shape for each in archives] == [(26, 12), (9, 12), (4, 12), (7, 12)]
    assert [int(each.times[-1]) for each in archives] == [1328795565, 1328795520, 1328792400, 1328745600]
    hourly = archives[2]
    assert hourly.consolidation == "AVERAGE"
    assert hourly.data[:, hourly.sources.index("cpu0")].tolist() == [0.1458, 0.0971, 0.0683, 0.0352]
    assert np.diff(hourly.times).tolist() == [3600] * 3


def test_rows_run_from_oldest_to_newest() -> None:
    """The last row ends at the last multiple of the step; empty and missing values are NaN."""
    (archive,) = parse_rrd(SMALL)
    assert archive.times.tolist() == [1080, 1140, 1200]
    expected = [[0.5, np.nan], [0.25, np.nan], [np.nan, 1.0]]
    assert np.array_equal(archive.data, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (SMALL[:-30], "no RRD"),
        ("<html></html>", "its root is <html>"),
        ('<!DOCTYPE rrd [<!ENTITY a "aaaa">]>' + SMALL, "it declares a document type"),
        (SMALL.replace("<lastupdate>1234</lastupdate>", ""), "<rrd> has no <lastupdate>"),
        (SMALL.replace("<step>5</step>", "<step>0</step>"), "a step of 0 s"),
        (SMALL.replace("0.25", "much"), "could not convert"),
    ],
)
def test_broken_rrds_are_refused(body: str, words: str) -> None:
    """Cut off, foreign, hostile or misspelt: each is refused with its reason."""
    with pytest.raises(MetricsRefused) as raised:
        parse_rrd(body)
    assert words in str(raised.value)
