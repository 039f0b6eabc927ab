from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.demand.updates import Column, parse_updates
from rebalancer.errors import MetricsRefused
from tests.demand.conftest import SHAPES, Answer, as_bare_keys, as_xml

CPU0 = "AVERAGE:vm:u:cpu0"
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)
Shape = Callable[[Answer], bytes]


@EACH_SHAPE
def test_rows_come_out_in_ascending_order(shape: Shape) -> None:
    """Newest first becomes oldest first, values stay with their times, and the step is the one that was sent."""
    answer = Answer(legend=[CPU0], rows=[(180, [0.3]), (120, [0.2]), (60, [0.1])], step=60)
    readings = parse_updates(shape(answer))
    assert readings.times.tolist() == [60, 120, 180]
    assert readings.data[:, 0].tolist() == [0.1, 0.2, 0.3]
    assert readings.step_seconds == 60


@EACH_SHAPE
def test_unknown_and_infinite_values_stay_what_they_are(shape: Shape) -> None:
    """NaN stays NaN and Infinity stays infinite: neither is zero."""
    data = parse_updates(shape(Answer(legend=[CPU0] * 4, rows=[(60, [nan, inf, -inf, 0.0])]))).data
    assert np.array_equal(data, [[nan, inf, -inf, 0.0]], equal_nan=True)


@EACH_SHAPE
def test_the_legend_keeps_colons_and_signs_of_the_source(shape: Shape) -> None:
    """Only the first three colons separate; entities of XML are read, bare keys inside strings are left alone."""
    (column,) = parse_updates(shape(Answer(legend=["MAX:host:h:a:b,c:d<&x"], rows=[]))).columns
    assert column == Column(consolidation="MAX", owner="host", uuid="h", source="a:b,c:d<&x")


@EACH_SHAPE
def test_short_rows_lack_their_last_values(shape: Shape) -> None:
    """A row that was cut has NaN at its end; values beyond the legend have no name and are dropped."""
    data = parse_updates(shape(Answer(legend=[CPU0, CPU0], rows=[(60, [1.0]), (120, [1.0, 2.0, 3.0])]))).data
    assert np.array_equal(data, [[1.0, nan], [1.0, 2.0]], equal_nan=True)


@EACH_SHAPE
def test_an_answer_without_rows_is_an_answer(shape: Shape) -> None:
    """No row: no time, and the columns are still known."""
    readings = parse_updates(shape(Answer(legend=[CPU0], rows=[])))
    assert (readings.data.shape, len(readings.columns)) == ((0, 1), 1)


@EACH_SHAPE
def test_only_wanted_columns_are_read(shape: Shape) -> None:
    """A choice of columns gives exactly their part of the whole table."""
    answer = Answer(legend=[f"AVERAGE:vm:u:cpu{i}" for i in range(3)], rows=[(60, [0.0, 0.1, 0.2]), (120, [1.0, 1.1])])
    readings = parse_updates(shape(answer), lambda column: column.source != "cpu1")
    assert [column.source for column in readings.columns] == ["cpu0", "cpu2"]
    assert np.array_equal(readings.data, [[0.0, 0.2], [1.0, nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        (b"</v><v>", b"</v> <v>"),
        (b"</v><v>", b"</v>\n<v>"),
        (b"<t>60</t>", b"<t>60</t> "),
        (b"<v>0.1</v>", b"<v> 0.1 </v>"),
        (b"</v></row>", b"</v> </row>"),
    ],
)
def test_spaces_change_no_number_and_no_column(tag: bytes, written: bytes) -> None:
    """Rows are read the same however tags are set apart, also where columns are left out."""
    body = as_xml(Answer(legend=[f"AVERAGE:vm:u:cpu{i}" for i in range(3)], rows=[(60, [0.0, 0.1, 0.2])]))
    assert tag in body
    readings = parse_updates(body.replace(tag, written, 1), lambda column: column.source != "cpu1")
    assert np.array_equal(readings.data, [[0.0, 0.2]])


def test_an_empty_value_is_unknown() -> None:
    """Nothing between the tags of a value, or one tag alone, says that the host knew nothing."""
    body = as_xml(Answer(legend=[CPU0, f"{CPU0}1"], rows=[(60, [0.5, 0.1]), (120, [0.5, 0.1])]))
    for empty in (b"<v></v>", b"<v/>", b"<v> </v>"):
        readings = parse_updates(body.replace(b"<v>0.1</v>", empty))
        assert np.array_equal(readings.data, [[0.5, nan], [0.5, nan]], equal_nan=True)


@given(
    st.lists(
        st.lists(
            st.one_of(st.sampled_from([nan, inf, -inf]), st.floats(-1e300, 1e300, allow_subnormal=False)),
            min_size=3,
            max_size=3,
        ),
        max_size=6,
    ),
    st.sampled_from(SHAPES),
)
def test_every_shape_carries_the_same_numbers(rows: list[list[float]], shape: Shape) -> None:
    """Whatever a host measured, all shapes give back to 15 digits."""
    answer = Answer(legend=[CPU0] * 3, rows=[(60 * number, row) for number, row in enumerate(rows)])
    data = parse_updates(shape(answer)).data
    assert np.allclose(data, np.array(rows).reshape(-1, 3), rtol=1e-14, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", ["rrd/host82-updates-bare-keys.json", "rrd/host82-updates-valid.json"])
def test_recorded_json_of_8_2(shared_data: Callable[[str], Path], name: str) -> None:
    """The JSON that is none and its valid twin: 6 rows, 33 columns although it states 31."""
    readings = parse_updates(shared_data(name).read_bytes())
    column = {(each.consolidation, each.source): index for index, each in enumerate(readings.columns)}
    assert readings.data.shape == (6, 33)
    assert readings.times.tolist() == list(range(1627907540, 1627907566, 5))
    assert readings.data[0, column["AVERAGE", "cpu_avg"]] == 0.0614
    assert readings.data[0, column["MAX", "cpu0-C0"]] == 0.9687


def test_recorded_xml_of_8_2(shared_data: Callable[[str], Path]) -> None:
    """The XML with a backslash and an n after its declaration: 4 rows, 45 columns, dom0 as busy as its only CPU."""
    readings = parse_updates(shared_data("rrd/host82-updates.xml").read_bytes())
    column = {(each.owner, each.source): index for index, each in enumerate(readings.columns)}
    assert readings.data.shape == (4, 45)
    assert readings.times.tolist() == [1630575340, 1630575345, 1630575350, 1630575355]
    assert readings.data[:, column["vm", "cpu0"]].tolist() == [0.1112, 0.1671, 0.1011, 0.1379]
    assert readings.data[0, column["host", "memory_total_kib"]] == 10833308.0


def test_an_answer_to_something_else_is_refused(shared_data: Callable[[str], Path]) -> None:
    """What a pool member answers to a login is no metrics, and the reason shows how it starts."""
    with pytest.raises(MetricsRefused, match=r"no rrd_updates \(it starts .*methodResponse"):
        parse_updates(shared_data("rrd/login-host-is-slave.xml").read_bytes())


GOOD = as_xml(Answer(legend=[CPU0], rows=[(60, [0.5])]))
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "it is empty"),
        (b"<html>404</html>", "there is no <xport>"),
        (GOOD[:-20], "it is cut off"),
        (GOOD.replace(b"<xport>", BOMB + b"<xport>"), "it declares a document type"),
        (GOOD.replace(b"<step>3600</step>", b""), "there is no <step>"),
        (GOOD.replace(b"<step>3600</step>", b"<step>0</step>"), "a step of 0 s"),
        (GOOD.replace(b"0.5", b"half"), "could not convert"),
        (GOOD.replace(CPU0.encode(), b"cpu0"), "is not CF:owner:uuid:source"),
        (as_bare_keys(Answer(legend=[CPU0], rows=[(60, [0.5])]))[:-5], "no rrd_updates"),
        (b'{"meta": {"step": 5}}', "'data'"),
        (b"[" * 10000, "there is no <xport>"),
        (b'{"meta":' * 100000, "recursion"),
        (b"{\xff", "decode"),
        (b"<?xml version='1.0' encoding='UTF-7'?>" + GOOD[GOOD.index(b"<xport") :], "not in UTF-8"),
        (GOOD.replace(b"</legend>", b"<entry>" * 200_000 + b"</legend>"), "more columns"),
        (as_bare_keys(Answer(legend=[CPU0], rows=[(60, [0.5])])).replace(b"0.5", b"0," * 5_000_000 + b"0"), "numbers"),
        (GOOD.replace(b"<v>0.5", b"<v>0.5</v>" * 2_000 + b"<v>0.5"), "longer than its columns"),
        (GOOD.replace(b"<t>60</t>", b"<t>" + b"9" * 400 + b"</t>"), "a time that no clock shows"),
        (GOOD.replace(b"<t>60</t>", b"<t>" + b"9" * 20 + b"</t>"), "a time that no clock shows"),
    ],
)
def test_broken_answers_are_refused(body: bytes, words: str) -> None:
    """Cut off, foreign, hostile or misspelt: each is refused with its reason, never read as less load."""
    with pytest.raises(MetricsRefused, match=r"no rrd_updates") as raised:
        parse_updates(body)
    assert words in str(raised.value)


@given(st.integers(1, len(GOOD) - 1))
def test_no_beginning_of_an_answer_is_an_answer(length: int) -> None:
    """Wherever the connection breaks, the answer is refused."""
    with pytest.raises(MetricsRefused):
        parse_updates(GOOD[:length])
