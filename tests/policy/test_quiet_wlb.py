"""`execution.quiet_wlb`: addresses as XAPI has them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rebalancer.policy import Policy


@pytest.mark.parametrize("address", ["wlb.example.com:8012", "10.0.0.1:8012", "[fd00::1]:8012"])
def test_addresses_are_taken(address: str) -> None:
    """Names and addresses with a port."""
    assert Policy.model_validate({"execution": {"quiet_wlb": [address]}}).execution.quiet_wlb == (address,)


@pytest.mark.parametrize("address", ["", "wlb", "wlb:", ":80", "https://wlb:80", "wlb:80/x", "a b:1", "fd00::1:80"])
def test_what_xapi_would_never_have_is_refused(address: str) -> None:
    """No scheme, no path, and never without a port."""
    with pytest.raises(ValidationError):
        Policy.model_validate({"execution": {"quiet_wlb": [address]}})
