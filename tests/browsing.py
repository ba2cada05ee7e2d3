"""Looking at a page as a reader does, in headless Chromium, and noting what a reader must not meet."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: No sandbox, for containers; no host is looked up, so that a page which asks for one cannot get it.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
WIDE, PHONE = 1280, 390  #: pixels
_INSIDE = ("data:", "blob:")


def chromium() -> str | None:
    """The program: as HUBBUB_CHROMIUM says, or Debian's; None if there is none."""
    return os.environ.get("HUBBUB_CHROMIUM") or shutil.which("chromium")


@dataclass
class Look:
    """A page that is open, and what went wrong in it so far."""

    page: Any
    address: str
    errors: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Any, path: Path, width: int = WIDE, dark: bool = False) -> "Look":
        """Open a local file in a window of its own, `width` pixels wide."""
        scheme = "dark" if dark else "light"
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.set_default_timeout(5000)
        look = cls(page, path.resolve().as_uri())
        page.on("console", lambda said: look.errors.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: look.errors.append(f"script: {error}"))
        page.on("request", lambda asked: look._asked(asked.url))
        page.on("dialog", look._told)
        page.goto(look.address)
        return look

    def problems(self) -> list[str]:
        """Errors, requests to elsewhere, and a page that is wider than its window."""
        width, room = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        wide = [f"overflow: the page is {width} pixels wide in a window of {room}"] if width > room else []
        return [*self.errors, *wide]

    def _asked(self, url: str) -> None:
        if url.partition("#")[0] != self.address and not url.startswith(_INSIDE):
            self.errors.append(f"request: {url}")

    def _told(self, dialog: Any) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def plays(page: Any, button: Any, seconds: float = 5.0) -> None:
    """Press what plays a sound (a locator or a selector), and wait until it is really heard. AssertionError if not."""
    (page.locator(button) if isinstance(button, str) else button).click()
    hears(page, seconds)


def hears(page: Any, seconds: float = 5.0) -> None:
    """AssertionError unless the page's player gets on within so many seconds."""
    state = "({ paused: hubbub.player.paused, at: hubbub.player.currentTime, failed: hubbub.player.error?.message })"
    end = time.monotonic() + seconds
    while (found := page.evaluate(state))["paused"] or found["at"] < 0.02:
        assert time.monotonic() < end and not found["failed"], f"the player does not play: {found}"
        page.wait_for_timeout(20)


def is_quiet(page: Any) -> None:
    """AssertionError if the page's player plays, or something is marked as playing."""
    assert page.evaluate("hubbub.player.paused"), "the player still plays"
    assert page.locator(".on").count() == 0, "something is still marked as playing"


Visit = Callable[..., Any]
