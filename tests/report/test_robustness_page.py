from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyconditions
import tinypages
from hubbub import audio
from hubbub.report import robustness_page, robustness_plot
from hubbub.runs.robustness import Robustness

HOSTILE = "<b onclick='alert(1)'>&"
MODELS = [Robustness(tinyconditions.predictions(model=HOSTILE)), Robustness(tinyconditions.predictions(1, model="b"))]


def test_the_page_has_the_figures_and_escapes_names(tmp_path: Path) -> None:
    sounds = robustness_page.write(tmp_path / "deep" / "page.html", MODELS)
    text = tinypages.body(tmp_path / "deep" / "page.html")
    assert not len(sounds) and "<b onclick" not in text and "&lt;b onclick=" in text
    assert text.count('<figure class="panel">') == 2 and text.count("<polyline") == 4
    row = MODELS[1].conditions[2]
    assert f'<td class="num" data-value="{row.log_loss}">{row.log_loss:.3f}</td>' in text
    clean, worst = MODELS[0].clean.accuracy, MODELS[0].conditions[2].accuracy
    assert f"0.0,{110 * (1 - clean):.1f}" in text and f"120.0,{110 * (1 - worst):.1f}" in text


def test_one_clip_can_be_heard_under_each_corruption(tmp_path: Path) -> None:
    for label in ("dog", "rain"):
        audio.write_wav(tmp_path / "sounds" / label / f"{label}.wav", np.sin(np.arange(44_100) / 9) / 3, 44_100)
    kept = tinyconditions.predictions()
    clips = ("dog/dog.wav", *kept.clips[1:])
    sounds = robustness_page.write(
        tmp_path / "page.html", [Robustness(replace(kept, clips=clips))], str(tmp_path / "sounds")
    )
    assert (
        sorted(sounds) == ["clean-0", "excerpt-3", "gain-3"] == sorted(tinypages.kept(tmp_path / "page.html", "sounds"))
    )
    assert 'data-sound="gain-3"' in tinypages.body(tmp_path / "page.html")


@pytest.mark.parametrize("dataset", ["nowhere", "empty"])
def test_without_the_sounds_there_is_a_page_all_the_same(tmp_path: Path, dataset: str) -> None:
    audio.write_wav(tmp_path / "empty" / "dog" / "other.wav", np.sin(np.arange(44_100) / 9) / 3, 44_100)
    assert not len(robustness_page.write(tmp_path / "page.html", MODELS, str(tmp_path / dataset)))


def test_a_plot(tmp_path: Path) -> None:
    robustness_plot.plot(MODELS, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert robustness_plot.by_severity(MODELS[1], "gain") == (
        [0, 1, 3],
        [MODELS[1].conditions[row].accuracy for row in (0, 1, 2)],
    )
    only = Robustness(tinyconditions.predictions(conditions=(("clean", 0),)))
    robustness_plot.plot([only], tmp_path / "clean.png")
    robustness_page.write(tmp_path / "clean.html", [only])
