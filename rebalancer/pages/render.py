"""HTML pages that need nothing else: no font, no picture, no script from elsewhere.

Names come from the pool, so everything is escaped, and a page forbids whatever is not in it
(Content-Security-Policy): its style sheet and its script are named by their hashes. Attributes hold no style: the size
of what is drawn stands in SVG, its colour in classes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from rebalancer.sanitise import one_line
from rebalancer.units import moment_shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page is made of.

    Args:
        package: the package whose folder holds its files.
        template: its template, which extends `pages/base.html`; other files of the folder are `own/NAME` to it, what
            several pages share is `pages/NAME`.
        timezone: IANA name of the zone that its moments are told in.
        styles: further style sheets, `own/NAME` or `pages/NAME`, which follow that of all pages.
        scripts: names of its own scripts; none, and it may run none.
        filters: further filters, beside `line` (a name on one line) and `moment`.
    """

    package: str
    template: str
    timezone: str
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def rendered(page: Page, **values: object) -> str:
    """*page* as HTML, where its template knows *values*."""
    environment = Environment(
        loader=PrefixLoader({"own": PackageLoader(page.package, "."), "pages": PackageLoader("rebalancer.pages", ".")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": one_line, "moment": partial(moment_shown, timezone=page.timezone), **page.filters}
    style = _joined(environment, "pages/base.css", *page.styles)
    script = _joined(environment, *(f"own/{name}" for name in page.scripts))
    template = environment.get_template(f"own/{page.template}")
    return template.render(style=style, script=script, content_policy=content_policy(style, script), **values)


def _joined(environment: Environment, *names: str) -> Markup:
    """Files of ours, one after another; nothing in them is escaped."""
    loader = environment.loader
    found = [loader.get_source(environment, name)[0] for name in names] if loader else []
    return Markup("".join(found))  # noqa: S704 - files of this package, which hold no value


def content_policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page with this *style* sheet and *script* and nothing else."""
    runs = f" script-src '{hash_of(script)}';" if script else ""
    return f"default-src 'none'; style-src '{hash_of(style)}';{runs} base-uri 'none'; form-action 'none'"


def hash_of(text: str) -> str:
    """What a Content-Security-Policy calls a style sheet or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
