"""Pages that are one file: a template, its data and its sounds, with no request to anywhere.

Text is escaped where it enters: Jinja's autoescape for the page, JSON with `<`, `>`, `&` and `'` escaped for its data.
Scripts run only if they carry the page's nonce, so that a name which slipped through would still not run.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from hubbub import __version__
from hubbub.errors import missing_extra
from hubbub.formatting import FILTERS
from hubbub.storage import digest, write_bytes
from hubbub.web.sounds import Sounds

_TEMPLATES = "hubbub.web.templates"


def write(
    path: Path, template: str, title: str, data: dict[str, Any] | None = None, sounds: Sounds | None = None, **more: Any
) -> None:
    """Write a self-contained HTML page, whole or not at all.

    Args:
        path: of the page.
        template: a file of `web/templates` that extends `base.html`.
        title: over the page, and in the browser's tab.
        data: JSON values for the page's scripts, which find them as `hubbub.data`.
        sounds: what its buttons play.
        more: what else the template shows.

    Raises RefusedError if Jinja2 is not installed, ValueError for data that is no JSON, such as NaN.
    """
    text = render(template, title, data, sounds, **more)
    write_bytes(path, text.encode("utf-8", "replace"))  # a name may hold bytes that are no text


def render(
    template: str, title: str, data: dict[str, Any] | None = None, sounds: Sounds | None = None, **more: Any
) -> str:
    """The page as text; see `write`."""
    data, sounds = data or {}, sounds or Sounds()
    # the same page gets the same nonce, and a name inside it cannot know the digest of a page that holds it
    nonce = digest(title, json.dumps(data, allow_nan=False))
    content = {"title": title, "data": data, "sounds": sounds, "nonce": nonce, "version": __version__, **more}
    return str(_environment().get_template(template).render(content))


def require() -> None:
    """Raises RefusedError if what pages are made with is not installed."""
    try:
        import jinja2  # noqa: F401
        import PIL  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_extra("report", "writing a page") from error


def _environment() -> Any:
    try:
        import jinja2
        from markupsafe import Markup
    except ModuleNotFoundError as error:
        raise missing_extra("report", "writing a page") from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.globals["file"] = lambda name: Markup(_source(name))  # our own style and scripts only
    environment.filters.update(FILTERS)
    return environment


def _source(name: str) -> str:
    return (resources.files(_TEMPLATES) / name).read_text(encoding="utf-8")
