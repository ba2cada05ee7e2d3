import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import tinylearning
from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import RefusedError, UsageError
from hubbub.evaluate.intervals import Interval
from hubbub.runs.record import DatasetRecord
from hubbub.runs.run import Run
from hubbub.storage import digest
from hubbub.studies import leak_study
from hubbub.studies.experiment import Experiment
from hubbub.studies.leak_study import WAYS, SplitOutcome, Way
from hubbub.train import recipe_file as recipes
from hubbub.train.arrays import ClipArrays
from hubbub.train.callbacks import BatchEnd
from hubbub.train.config import Stage
from hubbub.train.job import TrainingJob

PER_CLASS, COPIES, EPOCHS = 4, 2, 6
RECIPE = tinylearning.changed(
    tinylearning.SCRATCH, stages=(Stage(0, EPOCHS, 3e-3, batch_norm="trained"), Stage(0, 1, 1e-3))
)
UNSEEN = (2, 4)
SPANNING = "r3-bark-0"  # a recording whose clips lie in folds 3 and 4


def world() -> tuple[Dataset, ClipArrays]:
    """Four folds; of each class two recordings a fold, two clips a recording, two copies a clip.

    A fifth of the clips sound like another class, so that no way names all of them right.
    """
    given = tinylearning.clip_arrays(each=PER_CLASS)
    clips = []
    for row, (name, target, fold) in enumerate(zip(given.ids, given.targets, given.folds, strict=True)):
        label, take = given.labels[target], row // len(given.labels) % PER_CLASS
        group = SPANNING if (fold, label, take) == (4, "bark", 0) else f"r{fold}-{label}-{take // 2}"
        clip = Clip(name, Path(name), label, group, int(fold))
        copies = (dataclasses.replace(clip, id=f"{name}-copy{number}", made_from=name) for number in range(COPIES))
        clips += [clip, *copies]
    rows = np.repeat(np.arange(len(given.ids)), 1 + COPIES)
    confusing = np.where(
        np.arange(len(given.ids))[:, None, None] % 5, given.logmels, np.roll(given.logmels, 10, axis=1)
    )
    hiss = np.random.default_rng(1).normal(0, 0.1, given.logmels[rows].shape).astype(np.float32)
    arrays = ClipArrays(
        "tiny+96",
        given.labels,
        tuple(clip.id for clip in clips),
        confusing[rows] + hiss,
        given.targets[rows],
        np.array([clip.group for clip in clips]),
        given.folds[rows],
        tuple(digest(clip.id) for clip in clips),
    )
    return Dataset("tiny+96", "Tiny", given.labels, tuple(clips), "CC0", "nobody", "made by code"), arrays


class Study:
    """The study in the tiny world; `heard` has the steps of each training by its line "fold 2 put aside, ..."."""

    def __init__(self, folder: Path):
        self.folder, self.cache = folder / "study", folder / "cache"
        self.dataset, self.arrays = world()
        self.heard: dict[str, list[BatchEnd]] = {}
        self.found: list[SplitOutcome] = []

    def run(self, unseen: Iterable[int] = UNSEEN, dataset: Dataset | None = None) -> "Study":
        job = TrainingJob(
            arrays=self.arrays,
            dataset=DatasetRecord("tiny", "tiny", 96),
            recipe=RECIPE,
            trunk=tinylearning.cnn(),
            seed=0,
            cache=self.cache,
            log=self.say,
            on_batch_end=self.watch,
        )
        self.heard = {}
        experiment = Experiment(request={}, dataset=dataset or self.dataset, job=job)
        self.found = leak_study.run(experiment, unseen, Run(self.folder))
        return self

    def say(self, line: str) -> None:
        if "put aside" in line:
            self.heard[line] = []

    def watch(self, step: BatchEnd) -> None:
        list(self.heard.values())[-1].append(step)

    def steps(self, fold: int, way: Way) -> list[BatchEnd]:
        (found,) = (steps for line, steps in self.heard.items() if f"fold {fold} put aside, {way.title}:" in line)
        return found

    def of(self, fold: int, way: Way) -> Run:
        return Run.open(self.folder / f"unseen{fold}-{way.name}")

    def clips(self, fold: int, way: Way, part: str) -> list[dict[str, str]]:
        return [row for row in self.of(fold, way).clips if row["part"] == part]

    def files(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One that has been run; to be left as it is."""
    return Study(tmp_path_factory.mktemp("leak")).run()


every = pytest.mark.parametrize(("fold", "way"), [(fold, way) for fold in UNSEEN for way in WAYS])


def values(rows: Iterable[dict[str, str]], column: str) -> set[str]:
    return {row[column] for row in rows}


# --- who hears what ---------------------------------------------------------------------------------------------------


@every
def test_no_recording_of_the_fold_that_was_put_aside_is_heard(study: Study, fold: int, way: Way) -> None:
    aside = {clip.group for clip in study.dataset.clips if clip.fold == fold}
    rows = study.of(fold, way).clips
    assert values(rows, "part") == {"train", "validation", "test"}
    assert not aside & values(rows, "recording")
    _, named = rights(study.of(fold, way).folder / "unseen.csv")
    assert sorted(named) == sorted(clip.id for clip in study.dataset.originals if clip.fold == fold)


def test_a_recording_in_two_folds_is_put_aside_with_either(study: Study) -> None:
    assert SPANNING in values(study.of(2, WAYS[0]).clips, "recording")
    assert SPANNING not in values(study.of(4, WAYS[0]).clips, "recording")


@every
def test_what_is_called_leaky_leaks_and_nothing_else(study: Study, fold: int, way: Way) -> None:
    train, test = (values(study.clips(fold, way, part), "recording") for part in ("train", "test"))
    leaky = study.of(fold, way).record.split.leaky
    assert leaky == ("LEAKY" in way.title) == ("LEAKY" in way.name)
    assert len(train & test) > 1 if leaky else train & test <= {SPANNING}  # which the given folds have, as ESC-50's do


@every
def test_copies_take_part_where_they_should(study: Study, fold: int, way: Way) -> None:
    parts = ("train", "validation", "test")
    copies = [part for part in parts if any("copy" in row["clip"] for row in study.clips(fold, way, part))]
    where = {"official-copies": ["train"], "LEAKY-random-expanded": list(parts)}
    assert copies == where.get(way.name, [])


@pytest.mark.parametrize(("unseen", "tested"), [(2, {"3"}), (4, {"1"})])
def test_official_ways_differ_in_copies_alone(study: Study, unseen: int, tested: set[str]) -> None:
    assert values(study.clips(unseen, WAYS[0], "test"), "fold") == tested
    plain, copied = (
        {(row["clip"], row["part"]) for row in study.of(unseen, way).clips if "copy" not in row["clip"]}
        for way in WAYS[:2]
    )
    assert plain == copied


# --- how much ---------------------------------------------------------------------------------------------------------


@every
def test_with_copies_as_many_steps_are_made_within_rounding(study: Study, fold: int, way: Way) -> None:
    clips, usual = (len(study.clips(fold, one, "train")) for one in (way, WAYS[0]))
    steps, usual_steps = ([step for step in study.steps(fold, one) if step.stage == 1] for one in (way, WAYS[0]))
    epochs = steps[-1].epoch
    if way.copies:
        assert clips > 2 * usual and epochs < EPOCHS
        assert abs(epochs * clips - EPOCHS * usual) <= clips / 2  # an epoch more or less would be further away
        assert abs(len(steps) - len(usual_steps)) <= steps[-1].batches / 2 + EPOCHS
    else:
        assert epochs == EPOCHS
    assert {step.stage for step in study.steps(fold, way)} == {1, 2}  # no stage is cut away
    assert recipes.load(str(study.of(fold, way).folder / "recipe.yaml")).stages[0].epochs == epochs


# --- what it finds ----------------------------------------------------------------------------------------------------


def rights(path: Path) -> tuple[NDArray[np.float64], list[str]]:
    """Whether each clip was named right, and the clips."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([row["label"] == row["prediction"] for row in rows], float), [row["clip"] for row in rows]


def bootstrap(right: NDArray[np.float64], groups: list[str]) -> tuple[float, float]:
    """The 95 % interval over recordings, drawn in another way than ours."""
    names = sorted(set(groups))
    member = np.array([[group == name for group in groups] for name in names], float)
    draws = np.random.default_rng(99).multinomial(len(names), [1 / len(names)] * len(names), size=4000)
    low, high = np.percentile(draws @ member @ right / (draws @ member).sum(1), [2.5, 97.5])
    return float(low), float(high)


def test_the_table_has_the_figures_of_the_predictions(study: Study) -> None:
    groups = {clip.id: clip.group for clip in study.dataset.clips}
    head, rule, *lines = leak_study.table(study.found).splitlines()
    assert head.count("|") == rule.count("|") == 7 and len(lines) == len(WAYS)
    for line, way in zip(lines, WAYS, strict=True):
        title, *told, inflation = (cell.strip() for cell in line.strip("|").split("|"))
        assert title == way.title
        means = []
        for name, share, span in zip(("predictions.csv", "unseen.csv"), told[::2], told[1::2], strict=True):
            parts = [rights(study.of(fold, way).folder / name) for fold in UNSEEN]
            right, clips = np.concatenate([part[0] for part in parts]), [clip for part in parts for clip in part[1]]
            means.append(right.mean())
            assert share == f"{100 * right.mean():.2f} %"
            ends = [float(end) / 100 for end in span.split("–")]
            assert ends == pytest.approx(bootstrap(right, [groups[clip] for clip in clips]), abs=0.07)
            assert ends[0] < ends[1]
        assert inflation == f"{100 * (means[0] - means[1]):+.1f} points"
    assert [line.startswith("| LEAKY: ") for line in lines] == [False, False, True, True]


def test_a_line_of_the_table() -> None:
    finding = SplitOutcome(WAYS[2], Interval(0.9933, 0.985, 1.0), Interval(0.75, 0.7, 0.7949))
    assert finding.inflation == pytest.approx(24.33)
    line = "| LEAKY: random clips | 99.33 % | 98.5–100.0 | 75.00 % | 70.0–79.5 | +24.3 points |"
    assert leak_study.table([finding]).splitlines()[2] == line


# --- going on ---------------------------------------------------------------------------------------------------------


def test_what_is_trained_is_not_trained_again(tmp_path: Path) -> None:
    study = Study(tmp_path)
    watch, trained = study.watch, WAYS[0]

    def interrupted(step: BatchEnd) -> None:
        watch(step)
        if len(study.heard) == 2:
            raise KeyboardInterrupt

    study.watch = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        study.run([4])
    done = study.of(4, trained)
    before = {name: (done.folder / name).read_bytes() for name in ("model.pt", "about.json", "unseen.csv")}
    study.watch = watch  # type: ignore[method-assign]

    study.run([4])
    assert [bool(study.steps(4, way)) for way in WAYS] == [False, True, True, True]
    assert {name: (done.folder / name).read_bytes() for name in before} == before

    found, files = study.found, study.files()
    study.run([4, 4])
    assert not any(study.heard.values()) and study.found == found and study.files() == files

    (done.folder / "unseen.csv").unlink()
    study.run([4])
    assert not any(study.heard.values()) and study.found == found
    assert (done.folder / "unseen.csv").read_bytes() == before["unseen.csv"]


# --- what cannot be studied -------------------------------------------------------------------------------------------


def test_without_copies_there_is_nothing_to_pool(tmp_path: Path) -> None:
    study = Study(tmp_path)
    plain = dataclasses.replace(study.dataset, clips=study.dataset.originals)
    with pytest.raises(RefusedError, match=r"tiny\+96 has no copies to pool: make them with `hubbub augment`"):
        study.run(dataset=plain)
    assert not study.folder.exists()


def test_an_unknown_fold_is_told_before_any_training(tmp_path: Path) -> None:
    study = Study(tmp_path)
    with pytest.raises(UsageError, match="has no fold 9; its folds are: 1, 2, 3, 4"):
        study.run([2, 9])
    assert not study.folder.exists()


@pytest.mark.parametrize("folds", [(), (1, 2)])
def test_too_few_folds(tmp_path: Path, folds: tuple[int, ...]) -> None:
    study = Study(tmp_path)
    clips = tuple(c for c in study.dataset.clips if c.fold in folds) or tuple(
        dataclasses.replace(clip, fold=None) for clip in study.dataset.clips
    )
    with pytest.raises(UsageError, match="too few official folds"):
        study.run([1], dataclasses.replace(study.dataset, clips=clips))
    assert not study.folder.exists()


def test_the_published_table_follows_from_the_published_predictions() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    with (docs / "leak-study.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    page = (docs / "leak-study.md").read_text(encoding="utf-8")
    for way in WAYS:
        line = next(line for line in page.splitlines() if line.startswith(f"| {way.title} |"))
        for scored, cell in (("test", 2), ("unseen", 4)):
            mine = [row for row in rows if row["split"] == way.name and row["scored_on"] == scored]
            share = sum(row["label"] == row["prediction"] for row in mine) / len(mine)
            assert line.split("|")[cell].strip() == f"{100 * share:.2f} %"
    unseen = {row["clip"].split("-")[1] for row in rows if row["scored_on"] == "unseen"}
    assert not unseen & {row["clip"].split("-")[1] for row in rows if row["scored_on"] == "test"}


def test_evidence_holds_every_clip_that_a_model_was_scored_on(study: Study, tmp_path: Path) -> None:
    leak_study.write_evidence(tmp_path / "evidence.csv", Run(study.folder), UNSEEN)
    with (tmp_path / "evidence.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for finding in study.found:
        for scored, said in (("test", finding.says), ("unseen", finding.unseen)):
            mine = [row for row in rows if row["split"] == finding.way.name and row["scored_on"] == scored]
            right = sum(row["label"] == row["prediction"] for row in mine)
            assert right / len(mine) == pytest.approx(said.value)
