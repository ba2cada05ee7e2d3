import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyleaks
import tinyruns
from hubbub import audio
from hubbub.data import esc50
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import UsageError
from hubbub.listen.classifier import WindowResult
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.studies import audit, measure, near_duplicates, shortcuts
from hubbub.studies.leaks import Exceptions
from hubbub.studies.split_table import SplitTable, assign
from tinyleaks import ENCODED, INSIDE, ORIGINAL, SAME, SHIFTED

SPANNING = {"131943", "134049", "209698", "234879"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinyleaks.write(tmp_path_factory.mktemp("leaks"))


@pytest.fixture(scope="module")
def result(root: Path, tmp_path_factory: pytest.TempPathFactory) -> audit.Audit:
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setenv("HUBBUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        patched.setattr(shortcuts, "_TREES", 12)
        dataset = tinyleaks.dataset(root)
        return audit.run(dataset, assign(dataset))


def pairs(result: audit.Audit, kind: str, leaks: bool = True) -> set[frozenset[str]]:
    overlaps = result.leaks if leaks else result.noted
    return {frozenset(member.clip.id for member in one.clips) for one in overlaps if one.kind == kind}


class TestPlanted:
    def test_each_leak_is_named(self, result: audit.Audit) -> None:
        assert pairs(result, "recording") == {frozenset({"siren/0.wav", tinyleaks.SPANNING})}
        assert pairs(result, "exact") == {frozenset({ORIGINAL, SAME})}
        assert pairs(result, "near") >= {frozenset({ORIGINAL, SHIFTED}), frozenset({ORIGINAL, ENCODED})}

    def test_nothing_else_is(self, result: audit.Audit) -> None:
        copies = {ORIGINAL, *tinyleaks.PLANTED}
        assert all(pair <= copies for leaks in (True, False) for pair in pairs(result, "near", leaks))

    def test_inside_a_part_it_is_noted(self, result: audit.Audit) -> None:
        assert frozenset({ORIGINAL, INSIDE}) in pairs(result, "near", leaks=False)

    def test_how_it_was_moved(self, result: audit.Audit) -> None:
        (one,) = [f for f in result.leaks if {member.clip.id for member in f.clips} == {ORIGINAL, SHIFTED}]
        assert one.match is not None
        assert one.match.lag == pytest.approx(-0.4, abs=0.005)
        assert one.match.shared == pytest.approx(2.6, abs=0.3)

    def test_as_json(self, result: audit.Audit) -> None:
        values = result.to_dict()
        assert values["verdict"] == "leaks"
        assert values["parts"] == {"fold 1": 13, "fold 2": 16}
        assert (values["clips"], values["recordings"]) == (29, 28)
        assert [one["kind"] for one in values["leaks"]][:2] == ["recording", "exact"]
        assert values["leaks"][0]["accept"] == ["siren0"]
        assert values["labels"] is None
        assert values["shortcuts"]["clips"] == 29

    def test_a_duplicate_under_another_label_is_told(self, result: audit.Audit) -> None:
        assert [one.relabelled for one in result.overlaps if one.kind == "exact"] == [True]


@pytest.mark.usefixtures("result")
class TestRun:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Nothing is heard but what a test wants."""
        monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(shortcuts, "_TREES", 3)
        monkeypatch.setattr(measure, "_model", lambda: Silent())
        monkeypatch.setattr(measure, "_trunk", lambda: "none")

    def test_what_is_accepted_leaks_no_more(self, root: Path, result: audit.Audit) -> None:
        dataset = tinyleaks.dataset(root)
        lines = [line.split(",") for one in result.leaks for line in one.lines]
        names = frozenset(cells[0] for cells in lines if len(cells) == 1)
        known = Exceptions(names | {"gone"}, frozenset(frozenset(cells) for cells in lines if len(cells) == 2))
        again = audit.run(dataset, assign(dataset), exceptions=known)
        assert again.leaks
        assert not again.open
        assert again.to_dict()["verdict"] == "accepted"
        assert again.stale == ("gone",)

    def test_unreadable_clips(self, root: Path, tmp_path: Path) -> None:
        shutil.copytree(root, tmp_path / "mine")
        (tmp_path / "mine" / ORIGINAL).write_text("no sound")
        dataset = tinyleaks.dataset(tmp_path / "mine")
        again = audit.run(dataset, assign(dataset))
        ((clip, problem),) = again.unreadable
        assert clip == ORIGINAL
        assert "does not decode" in problem
        assert not pairs(again, "exact")

    def test_only_the_clips_of_the_split(self, root: Path) -> None:
        dataset = tinyleaks.dataset(root)
        two = SplitTable("mine", {ORIGINAL: ("train",), SAME: ("test",)})
        again = audit.run(dataset, two)
        assert [member.clip.id for member in again.clips] == [ORIGINAL, SAME]
        assert pairs(again, "exact") == {frozenset({ORIGINAL, SAME})}
        with pytest.raises(UsageError, match="mine holds no clip of"):
            audit.run(dataset, SplitTable("mine", {}))

    def test_a_run_gives_label_candidates(self, root: Path, tmp_path: Path) -> None:
        dataset = tinyleaks.dataset(root)
        run = predicting(tmp_path / "run", dataset)
        again = audit.run(dataset, assign(dataset, "official"), run)
        assert again.labels is not None
        assert again.labels.clips == len(dataset.clips)
        assert again.to_dict()["labels"]["run"] == "run"

    def test_without_the_extra_leaks_are_found(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("cleanlab.filter", "sklearn.ensemble"):
            monkeypatch.setitem(sys.modules, name, None)
        dataset = tinyleaks.dataset(root)
        again = audit.run(dataset, assign(dataset, "official"), predicting(tmp_path / "run", dataset))
        assert pairs(again, "exact")
        assert again.labels is None
        assert ".[report]" in again.warnings[0]
        assert ".[report]" in again.shortcuts.problem

    def test_silent_clips_and_duplicates_are_searched_once(
        self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(root, tmp_path / "mine")
        tinyleaks._write(tmp_path / "mine" / "rain" / "1.wav", np.zeros(48_000, np.float32))
        dataset = tinyleaks.dataset(tmp_path / "mine")
        asked = []
        monkeypatch.setattr(near_duplicates, "find", lambda paths, vectors, *_: asked.append(vectors) or [])
        audit.run(dataset, assign(dataset))
        left_out = [clip.id for clip, row in zip(dataset.clips, asked[0], strict=True) if np.isnan(row).all()]
        assert left_out == ["rain/1.wav", SAME]


class Silent:
    """A model that hears the same in everything, so that all are neighbours."""

    def windows(self, samples: np.ndarray, rate: int, log: object) -> list[WindowResult]:
        return [WindowResult(0.0, 1.0, np.ones(2, np.float32), np.ones(2, np.float32), 1.0)]


def predicting(folder: Path, dataset: Dataset) -> Run:
    """A run that names every clip of a dataset right."""
    made = tinyruns.write(folder)
    targets = np.array([dataset.labels.index(clip.label) for clip in dataset.clips])
    sure = 0.9 * np.eye(len(dataset.labels))[targets] + 0.1 / len(dataset.labels)
    names = tuple(clip.id for clip in dataset.clips)
    Predictions(dataset.labels, names, np.ones(len(targets), int), targets, sure).write(made.folder / "predictions.csv")
    return made


@pytest.fixture
def real(esc50_root: Path) -> Dataset:
    return esc50.load(esc50_root)


def test_what_was_not_read_and_what_is_not_known_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `hubbub explore` does: the dataset's own warnings, clips that are cut off, recordings that nobody named."""
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
    clips = []
    for number in range(3):
        path = tmp_path / f"{number}.wav"
        audio.write_wav(path, np.random.default_rng(number).standard_normal(8000) / 10, 8000)
        clips.append(Clip(path.name, path, "rain", path.name))
    clips[1].path.write_bytes(clips[1].path.read_bytes()[:4000])
    dataset = Dataset("mine", "Mine", ("rain",), tuple(clips), "", "", "", warnings=("12 .xyz files not read",))
    split = SplitTable("mine", {clip.id: ("train",) for clip in clips})
    first, recordings, cut = audit.run(dataset, split).warnings
    assert first == "12 .xyz files not read"
    assert recordings.startswith("no source recordings are known")
    assert cut.startswith("clips heard with a warning: 1, the first is 1.wav: is cut off, heard up to 0.2")
    known = replace(dataset, clips=tuple(replace(clip, group="one") for clip in clips))
    assert not any("recordings" in line for line in audit.run(known, split).warnings)


def without_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings alone."""
    monkeypatch.setattr(
        measure,
        "measure_files",
        lambda paths, *_, **__: [measure.MeasuredFile(measure.Measurements(samples=str(path))) for path in paths],
    )
    monkeypatch.setattr(near_duplicates, "find", lambda *_: [])
    monkeypatch.setattr(shortcuts, "find", lambda *_: shortcuts.Shortcuts("not asked"))


def test_real_official_folds_have_four_spanning_recordings(real: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without_listening(monkeypatch)
    result = audit.run(real, assign(real, "official"))
    assert {one.recordings[0] for one in result.leaks} == SPANNING == set(real.spanning)
    assert not audit.run(real, assign(real, "grouped")).leaks


def test_real_random_folds_leak(real: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    without_listening(monkeypatch)
    result = audit.run(real, assign(real, "random"), exceptions=Exceptions(frozenset(SPANNING)))
    assert len(result.open) > 200


def test_real_near_copies(real: Dataset) -> None:
    """Three pairs across the official folds, and one with a little in common, among sounds that are like them."""
    names = {
        *("1-14262-A-37.wav", "4-198841-A-37.wav", "2-110011-A-5.wav", "5-256452-A-5.wav"),
        *("3-151080-A-20.wav", "5-151085-A-20.wav", "3-142601-A-21.wav", "3-142605-A-21.wav"),
    }
    labels = {"clock_alarm", "cat", "crying_baby", "sneezing"}
    like = [clip for clip in real.clips if clip.label in labels and clip.fold == 1 and clip.id not in names]
    clips = [clip for clip in real.clips if clip.id in names] + like[::2]
    spectra = near_duplicates.Spectra([clip.path for clip in clips])
    matches = (spectra.match(a, b) for a in range(len(clips)) for b in range(a + 1, len(clips)))
    result = {(clips[one.first].id, clips[one.second].id) for one in matches if one}
    assert result == {
        ("1-14262-A-37.wav", "4-198841-A-37.wav"),
        ("2-110011-A-5.wav", "5-256452-A-5.wav"),
        ("3-151080-A-20.wav", "5-151085-A-20.wav"),
        ("3-142601-A-21.wav", "3-142605-A-21.wav"),
    }
