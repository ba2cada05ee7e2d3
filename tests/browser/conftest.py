"""A browser to look at pages with; where there is none, what asks for it is skipped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browsing
from browsing import Look, Visit


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a screen.

    One a module, not one a session: as long as it is open, playwright's event loop runs in this thread, and other tests
    of the session may want one of their own.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        pytest.skip("playwright is not installed: no page is looked at")
    program = browsing.chromium()
    if program is None:
        pytest.skip("there is no chromium: install it, or name one in HUBBUB_CHROMIUM, and pages will be looked at")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=browsing.FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Opens a local page, `visit(path, width=1280, dark=False)`; at the end, any of its problems fails the test."""
    looks: list[Look] = []

    def at(path: Path, width: int = browsing.WIDE, dark: bool = False) -> Any:
        looks.append(Look.at(browser, path, width, dark))
        return looks[-1].page

    yield at
    problems = [problem for look in looks for problem in look.problems()]
    for look in looks:
        look.page.close()
    assert not problems, "\n".join(problems)
