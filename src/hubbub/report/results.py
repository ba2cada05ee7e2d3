"""The published tables, made from the predictions that are kept in docs/results and from nothing else.

A row is two files: `<row>.csv`, every test clip's prediction, and `<row>.json`, what ran and its training and
validation figures. Accuracy, interval and loss of the test clips are computed from the CSV each time.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.evaluate import summary
from hubbub.runs import Predictions, Run, read_json
from hubbub.storage import write_json, write_text

_FOLDER = Path("docs", "results")
_PAGES = (Path("README.md"), Path("docs", "results.md"))
_FACTS = {
    "parameters",
    "train",
    "validation",
    "budget",
    "seconds",
    "machine",
    "commit",
}  # what the tables show of a run
_MARK = "<!-- results:{} -->"


@dataclass(frozen=True)
class Row:
    """One published row: its name, what ran, and the figures of its test clips."""

    name: str
    facts: dict[str, Any]
    test: dict[str, Any]
    folds: dict[int, float]


def publish(run: Run, root: Path, name: str | None, machine: str | None) -> None:
    """Keep a cross-validation's predictions and facts as the row `name`.

    Raises UsageError if the name makes no file name or `root` has no pages for tables, RefusedError if the run is not
    a cross-validation, DataError if it is not one on ESC-50.
    """
    _require_pages(root)
    name = name or run.folder.name
    if not name.replace("-", "").replace(".", "").isalnum():
        raise UsageError(f"a row's name is of letters, digits, dots and dashes, not {name!r}")
    metrics, about = run.metrics, run.about
    if "folds" not in metrics:
        raise RefusedError(f"{run.folder} is not a cross-validation: publish a run of `hubbub cv`")
    environment = about["environment"]
    facts = {
        "run": run.folder.name,
        "dataset": about["dataset"],
        "protocol": about["split"],
        "seed": about["seed"],
        "budget": _budget(run),
        "parameters": metrics["parameters"],
        "train": metrics["train"],
        "validation": metrics["validation"],
        "seconds": about["seconds"],
        "machine": machine or environment["machine"],
        "commit": environment["commit"],
        "versions": environment["versions"],
    }
    predictions = run.predictions
    for clip in predictions.clips:
        recording(clip)
    predictions.write(root / _FOLDER / f"{name}.csv")
    write_json(root / _FOLDER / f"{name}.json", facts)


def rows(root: Path) -> list[Row]:
    """All published rows, best first. Raises DataError for a CSV without its JSON."""
    found = [_row(path) for path in sorted((root / _FOLDER).glob("*.csv"))]
    return sorted(found, key=lambda row: (-row.test["accuracy"], row.name))


def refresh(root: Path, write: bool = True) -> list[Path]:
    """Pages whose tables differ from the kept predictions; with `write`, they are brought up to date.

    A page holds its table between `<!-- results:start -->` and `<!-- results:end -->`. Raises UsageError if there are
    no kept predictions under `root`, DataError if a page has no such place.
    """
    _require_pages(root)
    if not (root / _FOLDER).is_dir():
        raise UsageError(f"no {_FOLDER} under {root.resolve()}: publish a run with `hubbub results --add RUN`")
    published = rows(root)
    tables = (short_table(published), long_table(published))
    stale = []
    for page, table in zip(_PAGES, tables, strict=True):
        before = (root / page).read_text(encoding="utf-8")
        after = _replaced(before, table, page)
        if after != before:
            stale.append(page)
            if write:
                write_text(root / page, after)
    return stale


def _require_pages(root: Path) -> None:
    for page in _PAGES:
        if not (root / page).is_file():
            raise UsageError(f"no {page} under {root.resolve()}: run this in hubbub's source tree, or give --root")


def short_table(published: list[Row]) -> str:
    """For the README: what, parameters, accuracy with interval."""
    lines = ["| recipe | parameters | five-fold accuracy | 95 % interval |", "|---|--:|--:|--:|"]
    for row in published:
        lines.append(
            f"| `{_title(row)}` | {row.facts['parameters']:,} | {_percent(row.test['accuracy'])} | {_span(row)} |"
        )
    return "\n".join(lines)


def long_table(published: list[Row]) -> str:
    """For the docs: all that a row is made of."""
    head = ("row", "parameters", "accuracy", "95 % interval", "folds", "macro F1", "training", "validation", "test")
    tail = ("budget", "time", "machine", "run at commit")
    lines = ["| " + " | ".join((*head, *tail)) + " |", "|---|" + "--:|" * 8 + "---|" * 4]
    for row in published:
        facts = row.facts
        cells = [
            f"[`{_title(row)}`](results/{row.name}.csv)",
            f"{facts['parameters']:,}",
            _percent(row.test["accuracy"]),
            _span(row),
            " ".join(f"{100 * value:.2f}" for value in row.folds.values()),
            f"{100 * row.test['macro_f1']:.2f}",
            *(_part(part) for part in (facts["train"], facts["validation"], row.test)),
            facts["budget"],
            f"{facts['seconds'] / 60:.0f} min",
            facts["machine"],
            f"`{facts['commit']}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _budget(run: Run) -> str:
    """How much training a fold had, for people."""
    import yaml  # of the learning stack, which made the run

    recipe = yaml.safe_load((run.folder / "recipe.yaml").read_text(encoding="utf-8"))
    if recipe["kind"] == "probe":
        return f"{len(recipe['c_grid'])} values of C"
    return " + ".join(str(stage["epochs"]) for stage in recipe["stages"]) + " epochs"


def _row(path: Path) -> Row:
    kept = Predictions.read(path)
    facts = read_json(path.with_suffix(".json"))
    if missing := _FACTS - facts.keys():
        raise DataError(f"{path.with_suffix('.json')} lacks {', '.join(sorted(missing))}: publish its run again")
    groups = [recording(clip) for clip in kept.clips]
    folds = {int(fold): float(kept.right[kept.folds == fold].mean()) for fold in sorted(set(kept.folds.tolist()))}
    return Row(path.stem, facts, summary.full(kept.targets, kept.probabilities, groups, kept.classes), folds)


def recording(clip: str) -> str:
    """The source recording in the name of an ESC-50 clip.

    >>> recording("1-100032-A-0.wav")
    '100032'
    """
    parts = clip.split("-")
    if len(parts) != 4:
        raise DataError(f"{clip!r} is not the name of an ESC-50 clip")
    return parts[1]


def _replaced(text: str, table: str, page: Path) -> str:
    start, end = _MARK.format("start"), _MARK.format("end")
    if start not in text or end not in text.split(start)[1]:
        raise DataError(f"{page} has no place for its table: put {start} and {end} around it")
    before, rest = text.split(start, 1)
    return f"{before}{start}\n{table}\n{end}{rest.split(end, 1)[1]}"


def _title(row: Row) -> str:
    return f"LEAKY {row.name}" if "leak" in row.name else row.name


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _span(row: Row) -> str:
    low, high = row.test["interval"]
    return f"{100 * low:.1f}–{100 * high:.1f}"


def _part(part: dict[str, Any]) -> str:
    if not part["clips"]:
        return "none"
    return f"{part['clips']} clips, {_percent(part['accuracy'])}, loss {part['loss']:.3f}"
