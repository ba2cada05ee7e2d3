import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinysounds
from hubbub import audio
from hubbub.data import esc50
from hubbub.data.sources import open_dataset
from hubbub.report import explore_page
from hubbub.studies.explore import Exploration, explore


def explored(root: Path, cache: Path) -> Exploration:
    return explore(open_dataset(str(root)), folder=cache)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    return explored(tinysounds.write(tmp_path_factory.mktemp("mine")), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def text(found: Exploration, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "page.html"
    explore_page.write(path, found)
    return path.read_text(encoding="utf-8")


def embedded(text: str, name: str) -> Any:
    match = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert match
    return json.loads(match[1])


def test_every_clip_that_can_be_heard_is_a_point_that_plays(text: str, found: Exploration) -> None:
    maps = embedded(text, "data")["scatters"]
    readable = {found.clips[number].id for number in found.readable}
    for name in ("energy", "alike"):
        assert set(maps[name]["sound"]) == readable
        assert len(maps[name]["x"]) == len(maps[name]["y"]) == len(readable)
    assert set(embedded(text, "sounds")) == readable


def test_a_point_lies_where_its_clip_was_measured(text: str, found: Exploration) -> None:
    energy = embedded(text, "data")["scatters"]["energy"]
    for number in found.readable:
        place = energy["sound"].index(found.clips[number].id)
        assert energy["x"][place] == pytest.approx(found.measurements[number].level, abs=0.01)
        assert 2 ** energy["y"][place] == pytest.approx(found.measurements[number].centroid, rel=0.01)
        assert energy["groups"][energy["group"][place]] == found.clips[number].label


def test_a_file_name_is_never_markup(text: str) -> None:
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_problems_and_duplicates_are_shown(text: str) -> None:
    assert "broken.wav" in text
    assert "1 clip cannot be read" in text
    assert "as dog/&lt;img src=x" in text


def test_each_remark_lists_its_clips(found: Exploration) -> None:
    rows = {row["text"].split(" (")[0]: row for row in explore_page.listed(found)}
    padded = rows["1 clip with digital silence"]
    assert [(row["clip"].id, row["detail"]) for row in padded["clips"]] == [("dog/padded.wav", "62 %")]
    assert [row["clip"].id for row in rows["1 clip cannot be read"]["clips"]] == ["cat/broken.wav"]
    assert [row["broken"] for row in rows.values()][:2] == [True, False]


def test_what_was_not_read_comes_first(found: Exploration, tmp_path: Path) -> None:
    told = replace(found, dataset=replace(found.dataset, warnings=("12 <b>.xyz</b> files not read",)))
    explore_page.write(tmp_path / "page.html", told)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.index("12 &lt;b&gt;.xyz&lt;/b&gt; files not read") < text.index("1 clip cannot be read")


def test_histograms_count_all_clips(found: Exploration) -> None:
    drawn = explore_page.histograms(found)
    assert {"peak [1 is full scale]", "clipped [% of a clip]", "DC offset"} <= {one["name"] for one in drawn}
    for one in drawn:
        bars = np.array(one["bars"]) * one["most"]
        assert bars.sum() == pytest.approx(len(found.readable), abs=0.01)


def test_the_ends_of_a_histogram_are_those_of_the_clips(found: Exploration) -> None:
    even = replace(found, measurements=tuple(replace(facts, clipped=0.0) for facts in found.measurements))
    ends = {one["name"]: (one["low"], one["high"]) for one in explore_page.histograms(even)}
    assert ends["clipped [% of a clip]"] == (0, 0), "where all are alike, not half a unit around it"
    peaks = [even.measurements[number].peak for number in even.readable]
    assert ends["peak [1 is full scale]"] == (min(peaks), max(peaks))


def test_each_class_has_its_most_and_least_typical_clip(found: Exploration) -> None:
    cards = explore_page.cards(found, ("cat", "dog"), 5.0, 1, iter)
    assert [(card["label"], [clip["id"] for clip in card["clips"]]) for card in cards] == [
        (label, [found.clips[found.typical[label][place]].id for place in (0, -1)]) for label in ("cat", "dog")
    ]


def test_sounds_are_spread_over_the_classes(found: Exploration) -> None:
    order = explore_page.clips_to_hear(found, (), found.readable)
    labels = [found.clips[number].label for number in order if number not in found.duplicates[0]]
    assert set(labels[:4]) == {"cat", "dog"}
    assert sorted(order) == sorted(found.readable)


@pytest.mark.parametrize("names", [["a.wav"], ["x/a.wav", "y/b.wav"]])
def test_a_dataset_of_one_clip_a_class(names: list[str], tmp_path: Path) -> None:
    for name in names:
        audio.write_wav(tmp_path / "mine" / name, 0.1 * np.random.default_rng(0).standard_normal(8000), 8000)
    explore_page.write(tmp_path / "page.html", explored(tmp_path / "mine", tmp_path / "cache"))
    assert "most typical" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_dataset_of_which_nothing_can_be_heard(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.wav").write_bytes(b"no sound")
    explore_page.write(tmp_path / "page.html", explored(tmp_path / "mine", tmp_path / "cache"))
    assert "1 clip cannot be read" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_long_lists_are_cut(found: Exploration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore_page, "MOST_LISTED", 0)
    assert [(row["clips"], row["more"]) for row in explore_page.listed(found)][:2] == [([], 1), ([], 1)]
    monkeypatch.setattr(explore_page, "MOST_CLASSES", 1)
    assert explore_page.shown_classes(found) == ("cat",)


def test_colours_are_classes_where_there_are_few_and_categories_of_esc50_else(found: Exploration) -> None:
    few = explore_page.energy_map(found, found.readable)
    assert (few["hues"], few["hue"]) == (["cat", "dog"], [0, 1])
    for labels, hues, hue in (
        (tuple(esc50.LABELS), list(esc50.CATEGORIES), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
        (tuple(f"class {number}" for number in range(10)), [], [0] * 10),
    ):
        step = len(labels) // 10
        clips = tuple(replace(clip, label=labels[step * n]) for n, clip in enumerate(found.clips))
        many = replace(
            found, dataset=replace(found.dataset, labels=labels, clips=clips, categories=esc50.categories(labels))
        )
        drawn = explore_page.energy_map(many, range(10))
        assert (drawn["hues"], drawn["hue"]) == (hues, hue)
        assert drawn["groups"] == list(labels[::step]), "a class without a point cannot be picked out"
        assert drawn["group"] == list(range(10))


def test_of_very_many_classes_some_are_shown(
    found: Exploration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore_page, "MOST_ROWS", 1)
    explore_page.write(tmp_path / "page.html", found)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "And 1 more, which --csv and --json list" in text
