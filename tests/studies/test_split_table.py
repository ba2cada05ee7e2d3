from pathlib import Path

import pytest

from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_json
from hubbub.studies.split_table import assign


def dataset(folds: bool = True) -> Dataset:
    clips = [
        Clip(f"{label}{n}", Path(f"{label}{n}"), label, f"{label}{n // 2}", 1 + n // 2 % 2 if folds else None)
        for label in ("cat", "dog")
        for n in range(12)
    ]
    return Dataset("pets", "Pets", ("cat", "dog"), tuple(clips), "CC0", "none", "made")


class TestRules:
    def test_official_if_there_are_folds_else_grouped(self) -> None:
        pets = dataset()
        assert assign(pets).name == "official folds"
        assert assign(pets).parts == {clip.id: (f"fold {clip.fold}",) for clip in pets.clips}
        assert assign(pets).sizes == {"fold 1": 12, "fold 2": 12}
        grouped = assign(dataset(folds=False))
        assert grouped.name == "grouped folds"
        assert list(grouped.sizes) == [f"fold {n}" for n in range(1, 6)]
        parts = {(clip.group, grouped.parts[clip.id]) for clip in pets.clips}
        assert len(parts) == len({clip.group for clip in pets.clips})

    def test_random_is_called_leaky_and_holds_all(self) -> None:
        table = assign(dataset(), "random")
        assert table.name == "LEAKY random folds"
        assert len(table.parts) == 24
        assert all(len(parts) == 1 for parts in table.parts.values())

    @pytest.mark.parametrize(
        ("rule", "said"),
        [("official", "no official folds"), ("random-expanded", "no copies"), ("filename-regex", "table")],
    )
    def test_what_cannot_be(self, rule: str, said: str) -> None:
        with pytest.raises(UsageError, match=said):
            assign(dataset(folds=False), rule)


class TestTable:
    def table(self, folder: Path, rows: list[list[str]], header: list[str]) -> str:
        write_csv(folder / "split.csv", header, rows)
        return str(folder / "split.csv")

    def rows(self) -> list[list[str]]:
        return [[clip.id, str(clip.fold)] for clip in dataset().clips]

    @pytest.mark.parametrize("column", ["fold", "part"])
    def test_columns(self, tmp_path: Path, column: str) -> None:
        table = assign(dataset(), self.table(tmp_path, self.rows(), ["clip", column]))
        assert table.sizes == {f"{column} 1": 12, f"{column} 2": 12}
        assert not table.warnings

    def test_a_part_goes_before_a_fold(self, tmp_path: Path) -> None:
        rows = [[clip, fold, "test" if fold == "1" else "train"] for clip, fold in self.rows()]
        table = assign(dataset(), self.table(tmp_path, rows, ["clip", "fold", "part"]))
        assert table.sizes == {"test": 12, "train": 12}

    def test_clips_that_are_left_out(self, tmp_path: Path) -> None:
        rows = [*self.rows()[2:-1], ["dog11", ""]]
        table = assign(dataset(), self.table(tmp_path, rows, ["clip", "fold"]))
        (warning,) = table.warnings
        assert "leaves out 3 clips (cat0, cat1, dog11) of pets" in warning

    def test_a_clip_in_two_parts(self, tmp_path: Path) -> None:
        table = assign(dataset(), self.table(tmp_path, [*self.rows(), ["cat0", "2"], ["cat0", "1"]], ["clip", "fold"]))
        assert table.parts["cat0"] == ("fold 1", "fold 2")
        assert table.sizes == {"fold 1": 12, "fold 2": 13}

    @pytest.mark.parametrize(
        ("header", "more", "said"),
        [
            (["clip", "side"], [], "needs a row for each clip, with columns clip, and part or fold"),
            (["file", "part"], [], "needs a row for each clip"),
            (["clip", "part"], [["cow", "1"]], r"names 1 clip \(cow\) that pets has not"),
            (["clip", "part"], None, "needs a row for each clip"),
        ],
    )
    def test_what_is_no_split(self, tmp_path: Path, header: list[str], more: list[list[str]] | None, said: str) -> None:
        rows = [] if more is None else [*self.rows(), *more]
        with pytest.raises(DataError, match=said):
            assign(dataset(), self.table(tmp_path, rows, header))

    def test_one_part_has_nothing_to_leak_into(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="it takes two or more"):
            assign(dataset(), self.table(tmp_path, [["cat0", "1"], ["cat1", "1"]], ["clip", "part"]))

    def test_no_such_file(self) -> None:
        with pytest.raises(RefusedError, match="no split 'oficial': give official, grouped, random"):
            assign(dataset(), "oficial")


class TestRun:
    def run(self, folder: Path, tested: dict[str, int]) -> Run:
        """A cross-validation whose folds test these clips."""
        write_json(folder / "about.json", {"split": "grouped folds 1 2", "seconds": 1.0, "finished": True})
        for fold in (1, 2):
            rows = [[clip, "test" if its == fold else "train", "", "", ""] for clip, its in tested.items()]
            columns = ["clip", "part", "label", "recording", "samples"]
            write_csv(folder / f"fold{fold}" / "clips.csv", columns, rows)
        return Run.open(folder)

    def test_a_cross_validation(self, tmp_path: Path) -> None:
        tested = {clip.id: 1 + number % 2 for number, clip in enumerate(dataset().clips)}
        table = assign(dataset(), run=self.run(tmp_path / "mine", tested))
        assert table.name == "grouped folds 1 2 of mine"
        assert table.parts == {clip: (f"fold {fold}",) for clip, fold in tested.items()}

    def test_one_fold(self, tmp_path: Path) -> None:
        run = self.run(tmp_path / "mine", {clip.id: clip.fold or 0 for clip in dataset().clips})
        write_json(
            tmp_path / "mine" / "fold1" / "about.json", {"split": "official-fold1", "seconds": 1.0, "finished": True}
        )
        table = assign(dataset(), run=run.child("fold1"))
        assert (table.name, table.sizes) == ("official-fold1 of fold1", {"test": 12, "train": 12})

    def test_a_split_that_is_given_goes_before(self, tmp_path: Path) -> None:
        run = self.run(tmp_path / "mine", {clip.id: 1 for clip in dataset().clips})
        assert assign(dataset(), "official", run).name == "official folds"

    def test_no_table(self, tmp_path: Path) -> None:
        write_json(tmp_path / "about.json", {"seconds": 1.0, "finished": True})
        with pytest.raises(DataError, match=r"no clips\.csv that says how it was split: give --split"):
            assign(dataset(), run=Run.open(tmp_path))
