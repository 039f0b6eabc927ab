"""Values of XenAPI types as they look on the wire."""
