"""Makes the tables of README.md, docs/results.md and `hubbub recipes` from the kept predictions in docs/results.

With --add, publishes a run first; with --join, makes one row of all folds from rows of single folds first.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hubbub.errors import ExitCode, HubbubError
from hubbub.runs.run import Run
from published import join, rows, tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; the exit codes are those of `hubbub`."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--add", type=Path, metavar="RUN", help="Run folder to publish as a row.")
    action.add_argument("--join", nargs="+", metavar="ROW", help="Rows of single folds to make one row of.")
    action.add_argument("--check", action="store_true", help="Change nothing; exit 1 if a table is out of date.")
    parser.add_argument(
        "--row", metavar="NAME", help="Name of the new row; the run's, or that of the folds, if left out."
    )
    parser.add_argument("--machine", metavar="TEXT", help="What the run ran on.")
    parser.add_argument("--root", type=Path, default=Path(), help="Source tree with README.md and docs/results.")
    options = parser.parse_args(arguments)
    if (options.row or options.machine) and not (options.add or options.join):
        parser.error("--row and --machine are for --add and --join")
    try:
        tables.require_pages(options.root)
        if options.add:
            rows.publish(Run.open(options.add), options.root, options.row, options.machine)
        if options.join:
            name = join.join(options.root, options.join, options.row, options.machine)
            print(f"{name}: {len(options.join)} rows joined")
        stale = tables.refresh(options.root, write=not options.check)
    except HubbubError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for path in stale:
        print(f"{path}: {'out of date, run python tools/results.py' if options.check else 'brought up to date'}")
    if not stale:
        print("all tables are up to date")
    return ExitCode.FINDING if options.check and stale else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
