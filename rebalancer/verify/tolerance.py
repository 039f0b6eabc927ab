"""What counts as the same: figures and words as a plan has them, as far as rounding explains how they differ."""

from __future__ import annotations

import math
import re

from rebalancer.verify.older_words import in_words_of_today

TOLERANCE = 1e-3
"""What a figure may be off, relatively or in its own unit: plans keep six digits of every pCPU."""
PERCENT = re.compile(r"(\d{1,9})%")
MARK = re.compile(r" ?\((?:[^()]*, )?[0-9a-f]{8}[-0-9a-f]{0,28}\)")
"""What `rebalancer.inventory.names` adds to names that several share."""
OWN_MARK = re.compile(r"([0-9a-f]{8}[-0-9a-f]{0,28})\)$")
HOUR = re.compile(r"at (?:\w{3} )?\d\d:\d\d")
ZONE = re.compile(r"(?<=\d\d:\d\d) [A-Za-z][\w+-]*(?:/[\w+-]+)*(?=[,;.]|$)")
"""What follows an hour; plans of earlier versions do not say it."""
"""The busiest hour, held against the load by `rebalancer.verify.figures`; of two equal ones, either will do."""


def close(one: float, other: float) -> bool:
    """Equal up to what rounding leaves."""
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def nearest(claimed: float, *right: float) -> float:
    """*claimed* if one of *right* is that, else the first of those."""
    return claimed if any(close(claimed, each) for each in right) else right[0]


def unmarked(claimed: str, right: str) -> bool:
    """Whether *claimed* is *right* without the marks of shared names, as plans have it that were made without them."""
    return claimed == MARK.sub("", right)


def marked(claimed: str, right: str, uuid: str) -> bool:
    """Whether *claimed* is *right* with another mark, or none: a name of *uuid* that others have, or had, as well."""
    mark = OWN_MARK.search(claimed)
    return MARK.sub("", claimed) == MARK.sub("", right) and (mark is None or uuid.startswith(mark[1]))


def as_told(claimed: str, right: str) -> str:
    """*claimed* if it says the same as *right*, else that."""
    forms = [form for each in (right, MARK.sub("", right)) for form in (each, ZONE.sub("", each))]
    said = dict.fromkeys((claimed, in_words_of_today(claimed)))
    return claimed if any(alike(words, form) for words in said for form in forms) else right


def alike(one: str, other: str) -> bool:
    """Whether both say the same, up to a percent that rounding leaves and the hour of a peak."""
    texts = [HOUR.sub("at", PERCENT.sub("%", each)) for each in (one, other)]
    percents = [[int(each) for each in PERCENT.findall(words)] for words in (one, other)]
    alike = texts[0] == texts[1] and len(percents[0]) == len(percents[1])
    return alike and all(abs(mine - yours) <= 1 for mine, yours in zip(*percents, strict=True))
