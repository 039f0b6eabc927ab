"""Prices as people read them: no row looks like nothing, and nothing is minus zero."""

from __future__ import annotations

import pytest

from rebalancer.cli.output import show
from rebalancer.cli.views.prices import price_tables
from rebalancer.whatif.prices.price import OPENS_NOTHING, Price


def price(name: str, *, overload: float = 0.0, breaches: float = 0.0, condition: str = OPENS_NOTHING) -> Price:
    """The price of a rule of XAPI."""
    return Price(
        name=name,
        kind="rule",
        says="",
        origin="xapi",
        relaxable=False,
        how="",
        overload_saved=overload,
        overload_saved_at_most=0.0,
        breaches_saved=breaches,
        condition=condition,
    )


def printed(capsys: pytest.CaptureFixture[str], *found: Price) -> str:
    """What is said of them."""
    show(*price_tables(found, every=False))
    return capsys.readouterr().out


def test_a_rule_that_costs_only_breaches_shows_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its breaches; a sliver of overload that is rounded away is no minus zero."""
    monkeypatch.delenv("COLUMNS", raising=False)
    told = printed(capsys, price("apart", overload=-0.004, breaches=2.0), price("free"))
    assert told.splitlines()[1].split()[:7] == ["rule", "kind", "overload", "at", "most", "GiB", "moves"]
    assert told.splitlines()[2].split()[:7] == ["apart", "rule", "0.0", "0.0", "0.0", "0", "2"]
    assert "Not listed: 1 that cost nothing." in " ".join(told.split())


@pytest.mark.parametrize(
    ("condition", "words"),
    [(OPENS_NOTHING, "all prices are proved."), ("beside placements found", "1 of 2 prices are proved")],
)
def test_how_sure_prices_are(capsys: pytest.CaptureFixture[str], condition: str, words: str) -> None:
    """Nobody speaks of others where there are none."""
    assert words in " ".join(printed(capsys, price("a"), price("b", condition=condition)).split())
