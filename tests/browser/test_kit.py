from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import browsing
from browsing import PHONE, WIDE, Look, Visit
from hubbub import audio
from hubbub.web import images, page
from hubbub.web.sounds import Sounds

HOSTILE = ("<b>.wav", '"><script>alert(1)</script>.wav', "'&amp;</script>\\.wav", "\N{DOG FACE} bark.wav", "a" * 200)
MUTE = "no <i>sound</i>.wav"
TEMPLATE = """{% extends "base.html" %}{% import "macros.html" as ui %}{% block content %}
{{ ui.note("a note on <b>bold</b>") }}{{ ui.facts([("name", names[0]), ("clips", names|length)]) }}
<p id="mute">{{ ui.play(mute, mute, sounds) }}</p>
<div class="scroll"><table class="sortable">
<thead><tr><th>name</th><th class="num">count</th><th>share</th></tr></thead><tbody>
{% for name in names %}<tr><td>{{ ui.play(name, name, sounds) }}</td>
<td class="num" data-value="{{ counts[loop.index0] }}">{{ "{:,}".format(counts[loop.index0]) }}</td>
<td data-value="">{{ ui.bar(0.5, "half") }}</td></tr>{% endfor %}
</tbody></table></div>
{{ ui.scatter("map", "a map") }}
<div class="clips">{% for name in names %}{{ ui.clip(name, name, picture, wave, axes, sounds, name) }}{% endfor %}</div>
{% endblock %}"""
COUNTS = (3, 1000, 20, 100, 7)
LOOKS = [pytest.param(width, dark, id=f"{width}{'dark' if dark else ''}") for width in (WIDE, PHONE) for dark in (0, 1)]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything that pages are made of, and with names that would be markup if anything let them."""
    folder = tmp_path_factory.mktemp("kit")
    tone = (0.1 * np.sin(np.arange(32_000) / 20)).astype(np.float32)
    audio.write_wav(folder / "tone.wav", tone, 16_000)
    sounds = Sounds()
    for name in HOSTILE:
        sounds.add(name, folder / "tone.wav")
    names = [*HOSTILE, MUTE]
    points = range(len(names))
    scatter: dict[str, Any] = {"x": list(points), "y": [number % 3 for number in points], "title": names}
    scatter |= {"group": [number % 2 for number in points], "groups": HOSTILE[:2], "sound": [*HOSTILE, None]}
    scatter |= {"hue": [0, 1], "hues": HOSTILE[:2], "xlabel": HOSTILE[0], "ylabel": HOSTILE[1]}
    scatter |= {"xticks": [[2, HOSTILE[0]]], "yticks": [[1, HOSTILE[1]]]}
    content = {"names": HOSTILE, "counts": COUNTS, "mute": MUTE}
    content |= {"picture": images.logmel_png(tone, 16_000, 5), "wave": images.waveform(tone, 16_000, 5)}
    content |= {"axes": images.axes(5)}
    shipped = page._source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "_source", lambda name: TEMPLATE if name == "kit.html" else shipped(name))
        page.write(folder / "kit.html", "kit.html", HOSTILE[1], {"scatters": {"map": scatter}}, sounds, **content)
    return folder / "kit.html"


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_looks(kit: Path, visit: Visit, width: int, dark: bool) -> None:
    opened = visit(kit, width, dark)
    paper = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in paper[4:-1].split(",")) < 200) == dark
    assert opened.title() == HOSTILE[1] == opened.locator("h1").inner_text()
    pictures = opened.evaluate("[...document.images].map((image) => image.complete && image.naturalWidth)")
    assert pictures == [images.WIDTH] * len(HOSTILE)
    marks = opened.locator(".clip").first.locator(".axes i").all_inner_texts()
    assert marks == ["kHz", "0.5", "2", "5", "10", "20", "0", "1", "2", "3", "4", "5 s"]


class TestPlayers:
    def test_a_press_plays_and_a_second_one_stops(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        button = opened.locator("td .play").first
        browsing.is_quiet(opened)
        browsing.plays(opened, button)
        assert opened.locator(".on").count() == 1
        button.click()
        browsing.is_quiet(opened)

    def test_one_sound_at_a_time_for_any_name(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit, PHONE)
        for name in HOSTILE:
            button = opened.locator(".clip .play").filter(has_text=name)
            browsing.plays(opened, button)
            assert opened.locator(".on").all_inner_texts() == [name]

    def test_what_is_not_in_the_page_is_no_button(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        assert opened.locator("#mute .mute").inner_text() == MUTE
        assert opened.locator("#mute button").count() == 0

    def test_a_sound_ends(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        browsing.plays(opened, opened.locator("td .play").first)
        opened.evaluate("() => { hubbub.player.currentTime = hubbub.player.duration - 0.05; }")
        opened.locator(".on").wait_for(state="detached")
        browsing.is_quiet(opened)


class TestTable:
    @pytest.mark.parametrize("width", [WIDE, PHONE])
    def test_a_header_sorts_numbers_and_turns_round(self, kit: Path, visit: Visit, width: int) -> None:
        opened = visit(kit, width)
        for expected in (sorted(COUNTS, reverse=True), sorted(COUNTS)):
            opened.get_by_role("button", name="count").click()
            assert opened.locator("td.num").all_inner_texts() == [f"{count:,}" for count in expected]

    def test_a_header_sorts_names_by_the_keyboard(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        opened.locator("th button", has_text="name").press("Enter")
        names = opened.locator("td .play").all_inner_texts()
        assert names != list(HOSTILE) and sorted(names) == sorted(HOSTILE)
        assert opened.locator("th[aria-sort]").all_inner_texts() == ["name"]


class TestMap:
    @pytest.mark.parametrize("width", [WIDE, PHONE])
    def test_a_point_tells_its_name_and_plays(self, kit: Path, visit: Visit, width: int) -> None:
        opened = visit(kit, width)
        browsing.plays(opened, 'circle[data-index="1"]')
        assert opened.locator("#tip").inner_text() == f"{HOSTILE[1]}\n{HOSTILE[1]}"
        opened.locator('circle[data-index="1"]').click()
        browsing.is_quiet(opened)

    def test_a_point_without_a_sound_says_so(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        opened.locator(f'circle[data-index="{len(HOSTILE)}"]').click()
        assert "its sound is not in this page" in opened.locator("#tip").inner_text()
        browsing.is_quiet(opened)

    def test_one_class_stands_out(self, kit: Path, visit: Visit) -> None:
        opened = visit(kit)
        faded: Callable[[], list[str]] = lambda: opened.evaluate(  # noqa: E731
            "[...document.querySelectorAll('circle.faded')].map((dot) => dot.dataset.index).sort()"
        )
        opened.locator(".scatter select").select_option(label=HOSTILE[1])
        assert faded() == ["0", "2", "4"]
        opened.locator(".scatter select").select_option("")
        assert faded() == []


class TestWhatIsNoted:
    """That each of the checks which all pages go through can fail."""

    @pytest.fixture
    def look(self, browser: Any, tmp_path: Path) -> Any:
        looks = []

        def at(body: str) -> Look:
            path = tmp_path / "page.html"
            path.write_text(f"<!DOCTYPE html><link rel=icon href='data:,'>{body}")
            looks.append(Look.at(browser, path))
            return looks[-1]

        yield at
        for opened in looks:
            opened.page.close()

    def test_nothing_of_a_good_page(self, look: Callable[[str], Look]) -> None:
        assert look("<p>fine<script>console.log('fine')</script>").problems() == []

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("<script>console.error('ouch')</script>", "console: ouch"),
            ("<script>alert(1)</script>", "dialog: 1"),
            ("<script>missing()</script>", "script: missing is not defined"),
            ("<script>Promise.reject(new Error('late'))</script>", "script: late"),
            ("<img src='http://pictures.invalid/a.png'>", "request: http://pictures.invalid/a.png"),
            ("<script src='other.js'></script>", "request: file://"),
            ("<div style='width: 2000px'>wide</div>", "overflow: the page is 20"),
        ],
    )
    def test_what_a_reader_must_not_meet(self, look: Callable[[str], Look], body: str, kind: str) -> None:
        opened = look(body)
        opened.page.wait_for_timeout(100)
        assert any(problem.startswith(kind) for problem in opened.problems()), opened.problems()

    def test_a_player_that_does_not_play(self, browser: Any, kit: Path, tmp_path: Path) -> None:
        sounds = Sounds()
        sounds._texts["broken"] = "AAAA"
        shipped = page._source
        text = '{% extends "base.html" %}{% import "macros.html" as ui %}{% block content %}'
        text += '{{ ui.play("broken", "broken", sounds) }}{% endblock %}'
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page, "_source", lambda name: text if name == "one.html" else shipped(name))
            page.write(tmp_path / "one.html", "one.html", "broken", {}, sounds)
        opened = Look.at(browser, tmp_path / "one.html")
        with pytest.raises(AssertionError, match="does not play"):
            browsing.plays(opened.page, ".play", seconds=1)
        assert any("script: " in problem for problem in opened.problems())
        opened.page.close()
