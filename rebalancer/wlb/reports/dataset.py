"""A report on the wire: a .NET data set with its schema, as XenCenter reads it (`ReadXml` with `ReadSchema`).

Without the schema XenCenter finds no table. The first table holds the rows; the second one row, with the words of the
page: their names and what each says, both parted by `|`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from rebalancer.wlb.protocol.elements import legal

Value = str | int | float | datetime
Row = Mapping[str, Value]
"""Columns that are known; what is missing is empty in the report."""
TYPES: Final = {"text": "string", "whole": "int", "bytes": "long", "number": "decimal", "time": "dateTime"}
"""XML Schema's names."""
SCHEMA: Final = (
    '<xs:schema id="NewDataSet" xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
    'xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">'
    '<xs:element name="NewDataSet" msdata:IsDataSet="true"><xs:complexType>'
    '<xs:choice minOccurs="0" maxOccurs="unbounded">{}</xs:choice></xs:complexType></xs:element></xs:schema>'
)
TABLE: Final = '<xs:element name="{}"><xs:complexType><xs:sequence>{}</xs:sequence></xs:complexType></xs:element>'
ROWS, WORDS = "Table", "Table1"
WORD_COLUMNS: Final = {"name": "text", "description": "text"}
BAR: Final = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a layout of XenCenter reads: its `columns`, each with a key of `TYPES`, and the `words` of its page."""

    columns: Mapping[str, str]
    words: Mapping[str, str]


def document(layout: Layout, rows: Iterable[Row]) -> str:
    """The data set: *rows* in the columns of *layout*, and its words."""
    schema = SCHEMA.format(_table(ROWS, layout.columns) + _table(WORDS, WORD_COLUMNS))
    words = {"name": BAR.join(layout.words), "description": BAR.join(layout.words.values())}
    told = "".join(_rows(ROWS, rows, layout.columns)) + "".join(_rows(WORDS, [words], WORD_COLUMNS))
    return f"<NewDataSet>{schema}{told}</NewDataSet>"


def _table(name: str, columns: Mapping[str, str]) -> str:
    return TABLE.format(name, "".join(_column(each, kind) for each, kind in columns.items()))


def _column(name: str, kind: str) -> str:
    """A column that may be empty; times are those of whoever asked, and are not shifted again."""
    local = ' msdata:DateTimeMode="Unspecified"' if kind == "time" else ""
    return f'<xs:element name="{name}" type="xs:{TYPES[kind]}"{local} minOccurs="0"/>'


def _rows(table: str, rows: Iterable[Row], columns: Mapping[str, str]) -> Iterator[str]:
    for row in rows:
        inside = "".join(f"<{name}>{_told(row[name])}</{name}>" for name in columns if name in row)
        yield f"<{table}>{inside}</{table}>"


def _told(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return escape(legal(str(value)))
