"""How long and how large an answer of a host may be: what is beyond it comes from no XAPI, and is not waited for.

A pool of 2,400 VMs, more than XenServer supports, answers `VM.get_all_records` with some 20 MB, and with up to 100 MB
where each VM keeps UEFI variables in its record. What is read here takes less than 300 MB of memory in all, whatever a
host sends.
"""

from __future__ import annotations

from typing import Final

MEBI: Final = 1024 * 1024

BYTES_A_SECOND: Final = 128 * 1024
"""How much of an answer has to come each second once the read time-out is over: a line of 1 Mbit/s does.

A host that sends a byte now and then is never silent, and would be listened to for ever."""

PATIENCE_FACTOR: Final = 4
"""How many times the read time-out a whole answer may take at most: two minutes for 30 s, 96 MiB at 7 Mbit/s."""

ANSWER_BYTES: Final = 96 * MEBI
"""Of an answer, before it is read; XAPI packs none, so that one that is packed is refused unread."""

DOUBTFUL_BYTES: Final = 8 * MEBI
"""Of an answer that is read as text, letter by letter, because XML does not settle it: only hosts without JSON-RPC send
those, XenServer 6.5 and older, whose pools had 16 hosts."""

ODD_LETTERS: Final = 200_000
"""Control characters in such an answer: a few per VM, where somebody wrote a description in an editor of Windows."""

JSON_BYTES: Final = 40 * MEBI
"""Of an answer in JSON, which is asked for only where XML leaves a doubt; half of it in XML is markup."""

WIDE_BYTES: Final = 16 * MEBI
"""The same with more than ASCII in it, of which Python may make four times as much."""

HELD_BYTES: Final = 96 * MEBI
"""Of memory for the values in an answer."""

ELEMENTS: Final = 2_500_000
"""XML elements: the 2,400 VMs have 700,000, which takes a second to read."""

ITEMS: Final = 1_500_000
"""Commas and brackets in JSON, of which each may be a value."""

TEXT_LETTERS: Final = 8 * MEBI
"""Of one value: the longest of a VM are its UEFI variables, some 100 KB."""

DEPTH: Final = 64
"""XML elements, or lists and maps of JSON, inside one another: XAPI nests 5 structs of 3 elements in an envelope."""

DIGITS: Final = 19
"""Of an integer: those of XAPI have 64 bits."""

LETTERS_OF_A_NUMBER: Final = 32
"""Of a number with a point: XAPI writes 17 digits, a sign and an exponent."""

RRD_BYTES: Final = 64 * MEBI
"""Of one host's metrics: 7 days of 500 VMs with 40 data sources each are 53 MB."""
