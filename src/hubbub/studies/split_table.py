"""Split tables: in which part of a split each clip lies, by a rule, by a CSV file, or as a run had it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from hubbub.data import splits
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.runs.run import Run
from hubbub.storage import read_csv

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset

RULES = ("official", "grouped", "random", "random-expanded")
_COLUMNS = ("part", "fold")
_SHOWN = 3  # clips that a message names


@dataclass(frozen=True)
class SplitTable:
    """Which clips lie on which side.

    Attributes:
        name: of the split, for people.
        parts: the parts of each clip; two for one that lies on two sides, which is a leak in itself.
        warnings: what is odd about it, a line each.
    """

    name: str
    parts: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """Clips in each part, in order of their names."""
        return dict(sorted(Counter(part for parts in self.parts.values() for part in parts).items(), key=_natural))


def assign(dataset: "Dataset", split: str | None = None, run: Run | None = None) -> SplitTable:
    """The split that was asked for.

    Args:
        dataset: what is split.
        split: one of `RULES`, or the path of a table, see `from_table`. If left out, it is the run's; without a run the
            official folds, or grouped ones where there are none.
        run: a finished run.

    Raises UsageError for a rule that the dataset cannot be split by, and as `from_table` and `from_run`.
    """
    if split is None and run is not None:
        return from_run(dataset, run)
    rule = split or ("official" if dataset.folds else "grouped")
    if rule in RULES:
        return from_rule(dataset, rule)
    if rule in get_args(splits.Kind):
        raise UsageError(f"a split by {rule} cannot be named here: give its table, such as the clips.csv of a run")
    return from_table(dataset, Path(rule))


def from_rule(dataset: "Dataset", rule: str) -> SplitTable:
    """The folds of a rule: which clips each of them tests. Raises UsageError if there are none."""
    plan = splits.Plan(rule)  # type: ignore[arg-type]
    tested = {fold: splits.make(dataset, plan, fold).test for fold in splits.fold_numbers(dataset, plan)}
    name = f"{'LEAKY ' if plan.leaky else ''}{rule} folds"
    return SplitTable(name, {clip: (f"fold {fold}",) for fold, clips in tested.items() for clip in clips})


def from_table(dataset: "Dataset", path: Path) -> SplitTable:
    """What a CSV file says: columns `clip` and `part` or `fold`; others are ignored, so that a run's clips.csv will do.

    Rows of a clip with nothing in that column are in no part. Raises RefusedError if there is no such file, DataError
    if it has not those columns, or names a clip that the dataset has not, or leaves all in one part.
    """
    if not path.is_file():
        raise RefusedError(f"no split {str(path)!r}: give {', '.join(RULES)}, or a CSV file with columns clip and part")
    rows = read_csv(path)
    column = next((name for name in _COLUMNS if rows and name in rows[0]), None)
    if column is None or "clip" not in rows[0]:
        raise DataError(f"{path} is no split: it needs a row for each clip, with columns clip, and part or fold")
    return _checked(dataset, str(path), ((row["clip"], row[column].strip()) for row in rows), column)


def from_run(dataset: "Dataset", run: Run) -> SplitTable:
    """The split of a run: its folds if it is a cross-validation, else its three parts. Raises DataError as a table."""
    name = f"{run.record.split} of {run.folder.resolve().name}"
    if (run.folder / "clips.csv").is_file():
        return _checked(dataset, name, ((row["clip"], row["part"]) for row in run.clips), "part")
    folds = sorted(run.folder.glob("fold*/clips.csv"), key=lambda path: _natural((path.parent.name, 0)))
    if not folds:
        raise DataError(f"{run.folder} has no clips.csv that says how it was split: give --split")
    rows = ((path.parent.name.replace("fold", "fold "), Run(path.parent).clips) for path in folds)
    tested = [(row["clip"], fold) for fold, clips in rows for row in clips if row["part"] == "test"]
    return _checked(dataset, name, tested, "fold")


def _checked(dataset: "Dataset", name: str, rows: Iterable[tuple[str, str]], column: str) -> SplitTable:
    parts: dict[str, tuple[str, ...]] = {}
    for clip, part in rows:
        name_of_part = f"{column} {part}" if part.isdigit() else part
        if part and name_of_part not in parts.get(clip, ()):
            parts[clip] = (*parts.get(clip, ()), name_of_part)
    unknown = sorted(parts.keys() - {clip.id for clip in dataset.clips})
    if unknown:
        raise DataError(f"{name} names {_some(unknown)} that {dataset.name} has not: give the dataset that it splits")
    sides = {part for parts_of_clip in parts.values() for part in parts_of_clip}
    if len(sides) < 2:
        raise DataError(f"{name} has {len(sides)} parts: there is nothing to leak between; it takes two or more")
    missing = sorted({clip.id for clip in dataset.originals} - parts.keys())
    warnings = (f"{name} leaves out {_some(missing)} of {dataset.name}",) if missing else ()
    return SplitTable(name, parts, warnings)


def _some(clips: list[str]) -> str:
    shown = ", ".join(clips[:_SHOWN]) + (", ..." if len(clips) > _SHOWN else "")
    return f"{len(clips):,} clip{'s' if len(clips) != 1 else ''} ({shown})"


def _natural(item: tuple[str, int]) -> tuple[str, int]:
    """Order of part names: by the words, then by the number at the end."""
    head = item[0].rstrip("0123456789")
    return head, int(item[0][len(head) :] or 0)
