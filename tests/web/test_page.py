import json
import re
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.errors import RefusedError
from hubbub.web import page
from hubbub.web.sounds import Sounds

HOSTILE = '<img src=x onerror="alert(1)">\'&.wav'


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template of the test's own beside the shipped ones."""
    text = (
        '{% extends "base.html" %}{% import "macros.html" as ui %}{% block content %}{{ ui.play(name, name, sounds) }}'
    )
    shipped = page._source
    monkeypatch.setattr(page, "_source", lambda name: text + "{% endblock %}" if name == "one.html" else shipped(name))


def embedded(text: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.usefixtures("templates")
class TestRender:
    def test_a_name_is_never_markup(self) -> None:
        text = page.render(
            "one.html", HOSTILE, {"clips": [HOSTILE, "</script><script>alert(1)</script>"]}, name=HOSTILE
        )
        assert "<img" not in text
        assert "<script>alert" not in text
        assert embedded(text, "data") == {"clips": [HOSTILE, "</script><script>alert(1)</script>"]}

    def test_scripts_run_by_the_nonce_alone(self) -> None:
        text = page.render("one.html", "title", {}, name="x")
        nonces = re.findall(r'<script nonce="([^"]+)">', text)
        assert len(nonces) == 1
        assert f"script-src 'nonce-{nonces[0]}'" in text
        assert "default-src 'none'" in text

    def test_the_same_content_gives_the_same_page(self) -> None:
        one, again = (page.render("one.html", "title", {"a": 1}, name="x") for _ in range(2))
        assert one == again

    def test_no_other_host_is_named(self) -> None:
        text = page.render("one.html", "title", {}, name="x").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text

    def test_what_a_template_forgets_is_an_error(self) -> None:
        with pytest.raises(Exception, match="'name' is undefined"):
            page.render("one.html", "title")

    def test_nan_is_no_json(self) -> None:
        with pytest.raises(ValueError, match="JSON"):
            page.render("one.html", "title", {"a": float("nan")}, name="x")

    def test_a_sound_in_the_page_gets_a_button_and_another_does_not(self, tmp_path: Path) -> None:
        audio.write_wav(tmp_path / "a.wav", np.zeros(8000), 8000)
        sounds = Sounds()
        assert sounds.add("a", tmp_path / "a.wav")
        assert '<button class="play" type="button" data-sound="a">' in page.render(
            "one.html", "t", {}, sounds, name="a"
        )
        text = page.render("one.html", "t", {}, sounds, name="b")
        assert "<button" not in text
        assert '<span class="mute">b</span>' in text
        assert embedded(text, "sounds") == sounds.as_json()


@pytest.mark.usefixtures("templates")
class TestWrite:
    def test_bytes_that_are_no_text_do_not_break_the_page(self, tmp_path: Path) -> None:
        page.write(tmp_path / "page.html", "one.html", "a \udcff b", {"clip": "\udcff"}, name="\udcff")
        assert "<title>a ? b</title>" in (tmp_path / "page.html").read_text(encoding="utf-8")

    def test_a_page_that_fails_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "page.html"
        path.write_text("old")
        with pytest.raises(Exception, match="undefined"):
            page.write(path, "one.html", "title")
        assert path.read_text() == "old"

    def test_without_jinja_the_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
        with pytest.raises(RefusedError, match=r"\.\[report\]"):
            page.write(tmp_path / "page.html", "one.html", "title", name="x")
