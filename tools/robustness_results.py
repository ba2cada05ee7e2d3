"""Makes the tables of docs/robustness.md from the kept predictions in docs/results/robustness.

With --add, publishes what `hubbub robustness` measured of a model first.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hubbub.augment.corruptions import CONDITIONS, CORRUPTIONS
from hubbub.errors import ExitCode, HubbubError, UsageError
from hubbub.report.markdown import filled
from hubbub.report.robustness_tables import markdown
from hubbub.runs.condition_predictions import CLEAN, ConditionPredictions
from hubbub.runs.robustness import Robustness, require_comparable
from hubbub.storage import write_text

PAGE, FOLDER = Path("docs", "robustness.md"), Path("docs", "results", "robustness")

NOTHING = "No model has been measured on the whole suite yet."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; the exit codes are those of `hubbub`."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--add", type=Path, metavar="FILE", help="The .npz file of a model to publish as a row.")
    action.add_argument("--check", action="store_true", help="Change nothing; exit 1 if the table is out of date.")
    parser.add_argument("--row", metavar="NAME", help="Name of the new row; the model's if left out.")
    parser.add_argument("--seen", nargs="*", default=[], metavar="NAME", help="Corruptions whose kind training heard.")
    parser.add_argument("--root", type=Path, default=Path(), help="Source tree with docs/robustness.md.")
    options = parser.parse_args(arguments)
    if (options.row or options.seen) and not options.add:
        parser.error("--row and --seen are for --add")
    try:
        filled(options.root / PAGE, robustness="")  # told before anything is written
        if options.add:
            publish(options.add, options.root, options.row, options.seen)
        stale = refresh(options.root, write=not options.check)
    except HubbubError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if not stale:
        print(f"{PAGE} is up to date")
        return ExitCode.DONE
    print(f"{PAGE}: {'out of date, run python tools/robustness_results.py' if options.check else 'brought up to date'}")
    return ExitCode.FINDING if options.check else ExitCode.DONE


def publish(file: Path, root: Path, row: str | None, seen: Sequence[str]) -> None:
    """Put what was measured of a model among the published rows.

    Raises UsageError unless it is a pass over all conditions and no sample, or for a corruption that there is not.
    """
    predictions = ConditionPredictions.read(file)
    if unknown := sorted(set(seen) - set(CORRUPTIONS)):
        raise UsageError(f"no corruption is called {unknown[0]!r}: they are {', '.join(CORRUPTIONS)}")
    if predictions.measured.sampled or predictions.conditions != (CLEAN, *CONDITIONS):
        raise UsageError(f"{file} was measured on a sample, or in some conditions only: measure all that there are")
    name = row or predictions.measured.model
    measured = replace(predictions.measured, model=name, seen=tuple(seen))
    replace(predictions, measured=measured).write(root / FOLDER / f"{name}.npz")


def refresh(root: Path, write: bool = True) -> bool:
    """Whether the page's table differed from the kept predictions; with `write`, it is brought up to date.

    Rows are in order of the mean, best first. Raises DataError for predictions that are damaged.
    """
    models = [Robustness(ConditionPredictions.read(path)) for path in sorted((root / FOLDER).glob("*.npz"))]
    if models:
        require_comparable(models)
    models.sort(key=lambda model: -model.mean.value)
    text = filled(root / PAGE, robustness=markdown(models) if models else NOTHING)
    stale = (root / PAGE).read_text(encoding="utf-8") != text
    if stale and write:
        write_text(root / PAGE, text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
