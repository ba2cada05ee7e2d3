"""`hubbub classify` and `hubbub embed`: name sounds, or turn them into numbers."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.errors import AudioError, ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.logmel import Floats

Paths = Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders or patterns; folders are walked.")]
Model = Annotated[Path | None, typer.Option(help="Model file; the built-in 50-class model if left out.")]


def classify(
    paths: Paths,
    top: Annotated[int, typer.Option(min=1, help="Number of labels to print, best first.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
    model: Model = None,
) -> None:
    """Name the sound in each file."""
    from hubbub.listen.answer import Answer
    from hubbub.listen.classifier import answer_all, load

    classifier = load(model)
    files, failed = _found(paths, as_json)
    answers: list[tuple[str, Answer]] = []
    for path, answer in zip(files, answer_all(classifier, files, top), strict=True):
        if isinstance(answer, AudioError):
            failed += 1
            _report(str(path), answer, as_json)
        elif as_json:
            _line(answer.to_dict())
        else:
            answers.append((str(path), answer))
    if answers:
        from hubbub.cli import show

        show.console().print(show.answers(answers, "file"))
    if failed:
        raise typer.Exit(ExitCode.FINDING)


def embed(
    paths: Paths,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .npz file to write.")],
    model: Model = None,
) -> None:
    """Write each file's embedding: arrays `paths` and `embeddings` (files × size) and the `trunk` that made them."""
    import numpy as np

    from hubbub.listen.classifier import load
    from hubbub.storage import write_with

    if output.suffix != ".npz":
        raise UsageError(f"embeddings are written as .npz, not {output.name!r}: give -o {output.stem or 'sounds'}.npz")
    classifier = load(model)
    files, failed = _found(paths, as_json=False)
    rows: dict[str, Floats] = {}
    for path in files:
        try:
            rows[str(path)] = classifier.embed(path)
        except AudioError as error:
            failed += 1
            _report(str(path), error, as_json=False)
    if rows:
        names, arrays, trunk = np.array(list(rows)), np.stack(list(rows.values())), np.array(classifier.meta.trunk)
        write_with(output, lambda part: np.savez(part, paths=names, embeddings=arrays, trunk=trunk))
        print(f"{len(rows)} embeddings of {arrays.shape[1]} values in {output}")
    if failed:
        raise typer.Exit(ExitCode.FINDING)


def _found(paths: list[str], as_json: bool) -> tuple[list[Path], int]:
    """The files that the paths mean, and how many paths mean none that can be heard."""
    from hubbub.soundfiles import find

    files: dict[Path, None] = {}
    failed = 0
    for path in paths:
        try:
            files |= dict.fromkeys(find([path]))
        except AudioError as error:
            failed += 1
            _report(path, error, as_json)
    return list(files), failed


def _report(path: str, error: AudioError, as_json: bool) -> None:
    print(f"hubbub: {error}", file=sys.stderr)
    if as_json:
        _line({"path": path, "error": str(error)})


def _line(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False), flush=True)
