"""Reports as XenCenter shows them: tables under the names that its own layouts read."""
