import re
from pathlib import Path

import numpy as np
import pytest

import tinyleaks
import tinypages
from hubbub import audio
from hubbub.data.dataset import Clip
from hubbub.evaluate.intervals import Interval
from hubbub.report import audit_page
from hubbub.report.audit_terminal import counted, verdict, words
from hubbub.studies.audit import Audit
from hubbub.studies.label_issues import Candidate, LabelIssues
from hubbub.studies.leaks import Overlap, SplitClip
from hubbub.studies.near_duplicates import Match
from hubbub.studies.shortcuts import ClassGuess, Guess, Shortcuts
from hubbub.studies.split_table import SplitTable

HOSTILE = '<b onclick="alert(1)">\'&🐶.wav'


@pytest.fixture
def places(tmp_path: Path) -> list[SplitClip]:
    """Six clips, the second with a name that is markup, the last one unreadable."""
    made = []
    for number, name in enumerate(["a.wav", HOSTILE, "c.wav", "d.wav", "e.wav", "broken.wav"]):
        path = tmp_path / f"{number}.wav"
        audio.write_wav(path, 0.1 * np.sin(np.arange(8000) * (number + 1) / 50), 8000)
        clip = Clip(name, path, "door_knock" if number % 2 else "<i>rain", f"r{number // 2}")
        made.append(SplitClip(clip, (f"fold {1 + number % 2}",)))
    (tmp_path / "5.wav").write_text("no sound")
    return made


def audit(places: list[SplitClip], findings: list[Overlap], **more: object) -> Audit:
    split = SplitTable("official folds", {place.clip.id: place.parts for place in places})
    shortcuts = more.pop("shortcuts", Shortcuts("too small to say"))
    return Audit("tiny", split, tuple(places), tuple(findings), shortcuts, **more)  # type: ignore[arg-type]


def near(first: SplitClip, second: SplitClip, lag: float = 0.25) -> Overlap:
    return Overlap("near", (first, second), Match(0, 1, 2.0, lag, 0.5))


def test_leaks_are_shown_side_by_side_with_players(places: list[SplitClip], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    sounds = audit_page.write(
        page, audit(places, [Overlap("recording", tuple(places[:2])), near(places[0], places[3])])
    )
    assert sorted(sounds) == sorted(["a.wav", HOSTILE, "d.wav"]) == sorted(tinypages.kept(page, "sounds"))
    text = tinypages.body(page)
    sections = re.findall(r'<section class="finding">.*?</section>', text)
    assert [section.count('<button class="play"') for section in sections] == [2, 2]
    assert "recording r0" in sections[0]
    assert "near copy, 2.0 s in common" in sections[1]
    assert "0.25 s later in the first; correlation peak 0.50" in sections[1]
    assert "LEAKS: 1 source recording and 1 near copy on two sides of the split" in text
    assert "fold 1 · &lt;i&gt;rain" in text


def test_a_name_is_never_markup(places: list[SplitClip], tmp_path: Path) -> None:
    found = audit(
        places,
        [near(places[1], places[2])],
        unreadable=((HOSTILE, f"{HOSTILE} does not decode"),),
        labels=LabelIssues(HOSTILE, 6, 0, (Candidate(places[1].clip, "<i>rain", "door_knock", 0.1, 0.8),)),
        warnings=(HOSTILE,),
        stale=(HOSTILE,),
    )
    audit_page.write(tmp_path / "page.html", found)
    text = tinypages.body(tmp_path / "page.html")
    assert "<b onclick" not in text
    assert "<i>rain" not in text
    assert text.count("&lt;b onclick") >= 6


def test_a_clip_that_does_not_decode_has_no_player(places: list[SplitClip], tmp_path: Path) -> None:
    sounds = audit_page.write(tmp_path / "page.html", audit(places, [Overlap("recording", tuple(places[4:]))]))
    assert list(sounds) == ["e.wav"]
    assert '<span class="mute">broken.wav</span>' in tinypages.body(tmp_path / "page.html")


def test_long_lists_are_cut_and_say_so(
    places: list[SplitClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "PICTURED", 2)
    monkeypatch.setattr(audit_page, "LISTED", 3)
    leaks = [near(places[0], places[3], lag) for lag in (0.0, 1.0, 2.0, 3.0, 4.0)]
    audit_page.write(tmp_path / "page.html", audit(places, leaks))
    text = tinypages.body(tmp_path / "page.html")
    assert text.count('<section class="finding">') == 2
    assert "<h3>3 more</h3>" in text
    assert text.count("<td>near copy, 2.0 s in common</td>") == 1
    assert "The table ends here" in text
    assert "at the same moment in both" in text


def test_what_can_be_guessed(places: list[SplitClip], tmp_path: Path) -> None:
    shortcuts = Shortcuts(
        "",
        0.02,
        100,
        (Guess("bandwidth and silence", Interval(0.2, 0.15, 0.25)),),
        (ClassGuess("door_knock", 40, 0.5, 8000, 0.25),),
    )
    audit_page.write(tmp_path / "page.html", audit(places, [], shortcuts=shortcuts))
    text = tinypages.body(tmp_path / "page.html")
    assert "no leak found" in text
    assert "20.0 % of clips of unheard recordings; chance is 2.0 %" in text
    assert 'style="width: 80.0%"' in text  # 0.2 of 0.25, the widest
    assert "left: 60.0%; right: 0.0%" in text
    assert "8.0 kHz" in text
    assert "gives classes away" in text


@pytest.mark.parametrize("candidates", [0, 3])
def test_label_candidates(
    places: list[SplitClip], tmp_path: Path, candidates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "PICTURED", 2)
    rows = [Candidate(place.clip, "door_knock", "rain", 0.1, 0.8) for place in places[:candidates]]
    audit_page.write(tmp_path / "page.html", audit(places, [], labels=LabelIssues("mine", 6, 0, tuple(rows))))
    text = tinypages.body(tmp_path / "page.html")
    if candidates:
        assert text.count("labelled door knock (10 %), suggested rain (80 %)") == 2
        assert "<td>c.wav</td>" in text
    else:
        assert "No label of run mine" in text


class TestWords:
    def test_verdict(self, places: list[SplitClip]) -> None:
        leak = near(places[0], places[3])
        known = Overlap(leak.kind, leak.clips, leak.match, accepted=True)
        assert verdict(audit(places, [])) == "no leak found"
        assert verdict(audit(places, [known])) == "no other leak than the one accepted"
        assert verdict(audit(places, [known, known])) == "no other leak than the 2 accepted"
        assert verdict(audit(places, [leak, known])) == "LEAKS: 1 near copy on two sides of the split; 1 more accepted"

    def test_counts(self, places: list[SplitClip]) -> None:
        found = audit(places, [])
        one, two = Overlap("exact", tuple(places[:2])), near(places[0], places[1])
        assert counted(found, [one, two, two]) == "1 exact duplicate and 2 near copies"
        assert counted(found, [Overlap("clip", (places[0],)), one, two]) == "1 clip, 1 exact duplicate and 1 near copy"

    def test_kinds(self, places: list[SplitClip]) -> None:
        assert words(Overlap("exact", tuple(places[:2]))) == "same samples"
        assert words(Overlap("clip", (places[0],))) == "clip in two parts"


def test_leaks_of_a_real_audit_can_be_written(tmp_path: Path) -> None:
    """A folder's clips, as the command hands them over."""
    given = tinyleaks.dataset(tinyleaks.write(tmp_path / "mine"))
    places = [SplitClip(clip, (f"fold {clip.fold}",)) for clip in given.clips]
    same = tuple(place for place in places if place.clip.id in (tinyleaks.ORIGINAL, tinyleaks.SAME))
    sounds = audit_page.write(tmp_path / "page.html", audit(places, [Overlap("exact", same)]))
    assert len(sounds) == 2
