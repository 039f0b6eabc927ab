"""Networks."""

from __future__ import annotations

from rebalancer.inventory.network import Network
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import Tables


def network(tables: Tables, fields: Fields) -> Network:
    """A network; all are managed by XAPI below XenServer 7.2."""
    return Network(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        bridge=fields.text("bridge"),
        managed=fields.boolean("managed", absent=True),
        pifs=tables.uuids("PIF", fields, "PIFs"),
        other_config=fields.texts("other_config"),
    )
