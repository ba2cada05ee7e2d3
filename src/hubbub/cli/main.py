"""The command `hubbub`: one app from the command groups beside this file, and one way to end.

Command groups import what is heavy inside their commands, so that `hubbub --help` is quick.
"""

import signal
import sys
from typing import Annotated

import typer

from hubbub import __version__
from hubbub.cli import (
    audit,
    cv,
    data,
    evaluate,
    explore,
    export,
    features,
    leak_study,
    listen,
    recipes,
    report,
    robustness,
    streams,
    train,
)
from hubbub.cli.augment import augment
from hubbub.cli.demo import demo
from hubbub.errors import ExitCode, HubbubError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    listen.classify,
    listen.embed,
    demo,
    explore.explore,
    audit.audit,
    evaluate.evaluate,
    cv.cv,
    train.train,
    export.export,
    augment,
    recipes.recipes,
    leak_study.leak_study,
    report.report,
    robustness.robustness,
):
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")

#: Commands that keep what they have finished when they are interrupted; the others write whole results or none.
_RESUMED = (
    ("audit",),
    ("augment",),
    ("cv",),
    ("data", "fetch"),
    ("evaluate",),
    ("explore",),
    ("features", "pictures"),
    ("leak-study",),
    ("robustness",),
    ("train",),
)


def _version(asked: bool) -> None:
    if asked:
        print(f"hubbub {__version__}")
        raise typer.Exit


@app.callback()
def hubbub(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """Name everyday sounds: classify files, or train, evaluate and export classifiers of your own.

    Exit codes: 0 done; 1 a finding, or an input that failed; 2 wrong usage; 3 refused, or not available here.
    """


def main() -> None:
    """Run the command line; errors that hubbub raises on purpose end as one line on stderr."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with all its cleaning up
    try:
        with streams.opened():
            app()
    except HubbubError as error:
        sys.exit(_fail(str(error), error.exit_code))
    except BrokenPipeError:  # `hubbub ... | head`
        sys.exit(ExitCode.FINDING)
    except OSError as error:  # a disk that is full, a folder that may not be written
        sys.exit(
            _fail(
                f"{error.filename or 'standard output, or a file'}: {error.strerror or error}; check it",
                ExitCode.REFUSED,
            )
        )
    except (KeyboardInterrupt, SystemExit) as end:
        if not _interrupted(end):
            raise
        sys.exit(_fail(f"interrupted; {_after_interruption()}", ExitCode.FINDING))


def _interrupted(end: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: typer and Lightning both turn it into a silent exit of their own."""
    return end is not None and (isinstance(end, KeyboardInterrupt) or _interrupted(end.__context__))


def _after_interruption() -> str:
    command = next((name for name in _RESUMED if sys.argv[1 : 1 + len(name)] == list(name)), None)
    if command is None:
        return "the same command starts from the beginning"
    return "what was finished is kept, and the same command goes on from there"


def _fail(message: str, code: ExitCode) -> int:
    streams.say(message)
    return int(code)
