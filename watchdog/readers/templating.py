"""How pages are rendered: one environment for all of them, which escapes whatever it is given."""

from collections.abc import Callable
from typing import Any

import jinja2


def templates(package: str, **filters: Callable[..., Any]) -> jinja2.Environment:
    """The templates in a package's folder `templates`, with the filters that they use."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        # Names, particulars and versions may come from outside.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters)
    return environment
