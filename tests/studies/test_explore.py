from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinysounds
from hubbub import audio
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.esc50 import categories
from hubbub.data.sources import open_dataset
from hubbub.studies import explore_tables
from hubbub.studies.explore import Exploration, explore, flat_map, sample
from hubbub.studies.findings import findings
from hubbub.studies.measure import Measurements


@pytest.fixture(scope="module")
def exploration(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    root = tinysounds.write(tmp_path_factory.mktemp("mine"))
    return explore(open_dataset(str(root)), folder=tmp_path_factory.mktemp("cache"))


def made(vectors: list[list[float]], labels: list[str]) -> Exploration:
    """An exploration of clips with those embeddings, which nobody listened to."""
    clips = tuple(Clip(f"{n}.wav", Path(f"{n}.wav"), label, f"{n}") for n, label in enumerate(labels))
    dataset = Dataset("made", "made", tuple(sorted(set(labels))), clips, "", "", "")
    return Exploration(
        dataset, tuple(Measurements(rate=8000, peak=0.5, samples=str(n)) for n in range(len(clips))), np.array(vectors)
    )


class TestExploration:
    def test_classes_hold_the_clips_that_can_be_heard(self, exploration: Exploration) -> None:
        assert {label: len(numbers) for label, numbers in exploration.by_class.items()} == {"cat": 4, "dog": 5}

    def test_the_same_samples_are_duplicates(self, exploration: Exploration) -> None:
        assert [[exploration.clips[number].id for number in group] for group in exploration.duplicates] == [
            [f"dog/{tinysounds.HOSTILE}", "dog/a.wav"]
        ]

    def test_silence_is_no_duplicate_of_silence(self, tmp_path: Path) -> None:
        for name in "ab":
            audio.write_wav(tmp_path / f"{name}.wav", np.zeros(8000), 8000)
        silent = explore(open_dataset(str(tmp_path)), folder=tmp_path / "cache")
        assert silent.duplicates == ()
        total = explore_tables.totals(silent)
        assert (total["silent"], total["padded"]) == (2, 0)

    def test_silence_has_no_brightness(self) -> None:
        exploration = made([[0.0, 1.0]] * 3, ["a"] * 3)
        dark = replace(exploration.measurements[0], centroid=1000.0, duration=1.0)
        measurements = (dark, Measurements(rate=8000, duration=3.0), replace(dark, centroid=2000.0))
        row = explore_tables.class_table(replace(exploration, measurements=measurements))[0]
        assert row["centroid"] == 1500
        assert (row["duration"], row["duration_q3"]) == (1, 2), "but it lasts"

    def test_typical_is_what_lies_near_the_middle_of_its_class(self) -> None:
        vectors = [[1.0, 0.1], [1.0, 0.0], [0.2, 1.0], [-1.0, 0.0], [-1.0, -0.1], [-0.1, -1.0]]
        typical = made(vectors, ["a"] * 3 + ["b"] * 3).typical
        assert typical["a"][-1] == 2
        assert typical["b"][-1] == 5

    def test_clips_in_the_models_training_record(self, esc50_root: Path, tmp_path: Path) -> None:
        clips = tuple(clip for clip in open_dataset("esc50").clips if clip.fold == 5)
        shown = open_dataset("esc50").showcase
        some = tuple(clip for clip in clips if clip.id in shown)[:2] + tuple(c for c in clips if c.id not in shown)[:3]
        dataset = Dataset("esc50", "", open_dataset("esc50").labels, some, "", "", "")
        assert len(explore(dataset, folder=tmp_path).in_training) == 3


class TestTables:
    def test_totals(self, exploration: Exploration) -> None:
        total = explore_tables.totals(exploration)
        wanted = {"clips": 10, "classes": 2, "unreadable": 1, "missing": 0, "duplicates": 1, "clipped": 1, "padded": 1}
        assert {name: total[name] for name in wanted} == wanted
        assert total["offset"] == 1
        assert total["rates"] == {"16000": 9}
        assert total["hours"] * 3600 == pytest.approx(sum(one.duration for one in exploration.measurements))

    def test_a_line_for_each_clip(self, exploration: Exploration) -> None:
        rows = {row["clip"]: row for row in explore_tables.clip_table(exploration)}
        assert len(rows) == 10
        assert rows["dog/padded.wav"]["silence"] == pytest.approx(1 / 1.6, abs=0.01)
        assert rows["dog/padded.wav"]["tail"] == pytest.approx(1, abs=0.01)
        assert rows["cat/broken.wav"]["level"] is None
        assert "broken.wav" in rows["cat/broken.wav"]["problem"]
        assert rows[f"dog/{tinysounds.HOSTILE}"]["class"] == "dog"

    def test_quartiles_of_a_class_are_numpys(self, exploration: Exploration) -> None:
        row = next(row for row in explore_tables.class_table(exploration) if row["class"] == "dog")
        levels = [exploration.measurements[number].level for number in exploration.by_class["dog"]]
        assert [row["level_q1"], row["level"], row["level_q3"]] == np.percentile(levels, [25, 50, 75]).tolist()
        assert (row["clips"], row["unreadable"], row["recordings"], row["padded"]) == (5, 0, 5, 1)
        assert row["typical"] != row["least_typical"]

    def test_what_is_worth_saying(self, exploration: Exploration) -> None:
        said = "\n".join(explore_tables.remarks(exploration))
        for part in ("1 clip cannot be read", "very samples", "clipped", "DC offset", "fewer than 10", "no source rec"):
            assert part in said
        assert "uneven" not in said

    def test_findings_name_the_clips_the_worst_first(self) -> None:
        exploration = made([[0.0, 1.0]] * 4, ["a"] * 4)
        loud = replace(exploration.measurements[0], bandwidth=4000.0, duration=5.0)
        measurements = (
            replace(loud, silence=0.2),
            replace(loud, silence=0.9, samples="1"),
            replace(loud, warnings=("is cut off", "is of opposite phase"), samples="2"),
            replace(loud, samples="0", offset=-0.2),
        )
        rows = findings(replace(exploration, measurements=measurements))
        assert [(row.name, row.clips, row.details) for row in rows] == [
            ("warned", (2,), ("is cut off; is of opposite phase",)),
            ("duplicates", (3,), ("as 0.wav (a)",)),
            ("padded", (1, 0), ("90 %", "20 %")),
            ("offset", (3,), ("-0.200",)),
        ]
        assert str(rows[0]) == "1 clip heard with a warning"

    def test_long_files_that_begin_alike_are_no_duplicates(self) -> None:
        exploration = made([[0.0, 1.0]] * 2, ["a"] * 2)
        first = replace(exploration.measurements[0], duration=900.0)
        assert replace(exploration, measurements=(first, replace(first, duration=901.0))).duplicates == ()

    def test_what_was_not_read_is_the_first_remark(self) -> None:
        exploration = made([[0.0, 1.0]], ["a"])
        told = replace(exploration, dataset=replace(exploration.dataset, warnings=("12 .xyz files not read",)))
        assert explore_tables.remarks(told)[0] == "12 .xyz files not read"
        assert explore_tables.to_dict(told)["remarks"][0] == "12 .xyz files not read"

    @pytest.mark.parametrize(
        ("labels", "said"),
        [
            (["a"] * 3, "one class only"),
            (["a"] * 31 + ["b"] * 10, "classes are uneven: from 10 to 31"),
            (["a"] * 20 + ["b"] * 9, "1 class has fewer than 10"),
        ],
    )
    def test_balance(self, labels: list[str], said: str) -> None:
        assert said in "\n".join(explore_tables.remarks(made([[0.0, 1.0]] * len(labels), labels)))

    def test_categories_are_those_of_esc50(self) -> None:
        exploration = made([[0.0, 1.0]] * 3, ["dog", "siren", "siren"])
        dataset = replace(exploration.dataset, categories=categories(["dog", "siren"]))
        exploration = replace(exploration, dataset=dataset)
        assert explore_tables.category_table(exploration) == [
            {"category": "animals", "classes": 1, "clips": 1},
            {"category": "urban", "classes": 1, "clips": 2},
        ]
        assert categories(["dog", "kettle"]) == {}


class TestMap:
    def test_what_is_alike_lies_together(self) -> None:
        rng = np.random.default_rng(0)
        centres = rng.normal(size=(3, 20)) * 10
        vectors = np.concatenate([centre + rng.normal(size=(15, 20)) for centre in centres]).astype(np.float32)
        places = flat_map(vectors)
        assert places is not None
        group = np.repeat(np.arange(3), 15)
        distance = np.linalg.norm(places[:, None] - places, axis=-1) + np.diag(np.full(45, np.inf))
        assert (group[distance.argmin(1)] == group).all()
        np.testing.assert_array_equal(places, flat_map(vectors))

    @pytest.mark.parametrize("clips", [0, 1, 2, 7, 8])
    def test_a_few_clips(self, clips: int) -> None:
        places = flat_map(np.random.default_rng(0).normal(size=(clips, 6)).astype(np.float32))
        assert places is not None
        assert places.shape == (clips, 2)
        assert np.isfinite(places).all()

    def test_clips_that_are_all_the_same(self) -> None:
        places = flat_map(np.ones((20, 6), np.float32))
        assert places is not None
        assert np.isfinite(places).all()

    def test_without_scikit_learn_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "sklearn.manifold", None)
        assert flat_map(np.ones((20, 6), np.float32)) is None

    def test_a_sample_is_always_the_same_and_in_order(self) -> None:
        assert sample(range(5), 10) == (0, 1, 2, 3, 4)
        drawn = sample(range(1000), 10)
        assert len(set(drawn)) == 10
        assert drawn == tuple(sorted(drawn)) == sample(range(1000), 10)
