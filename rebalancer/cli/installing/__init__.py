"""From an installed package to the first night: policy, credentials, units."""
