"""Nights, plans and reports as static pages, for any web server."""
