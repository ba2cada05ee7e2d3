"""`hubbub classify` and `hubbub embed`: name sounds, or turn them into numbers."""

import io
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hubbub.cli.streams import print_json, say
from hubbub.errors import AudioError, ExitCode, UsageError

if TYPE_CHECKING:
    from hubbub.audio import Source
    from hubbub.listen.answer import Answer
    from hubbub.listen.many import Embedding
    from hubbub.types import Floats

    Result = TypeVar("Result", Answer, Embedding)

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", help="Files, folders or patterns; folders are walked. - is standard input."),
]
Model = Annotated[Path | None, typer.Option(help="Model file; the built-in 50-class model if left out.")]
Jobs = Annotated[int, typer.Option(min=1, help="Number of processes, for many files.")]


def classify(
    paths: Paths,
    top: Annotated[int, typer.Option(min=1, help="Number of labels to print, best first.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
    model: Model = None,
    jobs: Jobs = 1,
) -> None:
    """Name the sound in each file."""
    from hubbub.cli.show import AnswerTable
    from hubbub.listen.classifier import load
    from hubbub.listen.many import answers

    labels = load(model).labels
    sources, failed = _sources(paths, as_json)
    table = AnswerTable("file", sources, labels)
    for path, answer in _heard(sources, answers(list(sources.values()), model, top, jobs), as_json):
        if answer is None:
            failed += 1
        elif as_json:
            print_json(replace(answer, path=path).to_dict())
        else:
            table.add(path, answer)
    if failed:
        raise typer.Exit(ExitCode.FINDING)


def embed(
    paths: Paths,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .npz file to write.")],
    model: Model = None,
    jobs: Jobs = 1,
) -> None:
    """Write each file's embedding: arrays `paths` and `embeddings` (files × size) and the `trunk` that made them."""
    import numpy as np

    from hubbub.formatting import count
    from hubbub.listen.classifier import load
    from hubbub.listen.many import embeddings
    from hubbub.storage import write_with

    if output.suffix != ".npz":
        raise UsageError(f"embeddings are written as .npz, not {output.name!r}: give -o {output.stem or 'sounds'}.npz")
    trunk = load(model).meta.trunk
    sources, failed = _sources(paths, as_json=False)
    rows: dict[str, Floats] = {}
    for path, embedding in _heard(sources, embeddings(list(sources.values()), model, jobs), as_json=False):
        if embedding is None:
            failed += 1
        else:
            rows[path] = embedding.values
    if rows:
        arrays = np.stack(list(rows.values()))
        write_with(
            output, lambda part: np.savez(part, paths=np.array(list(rows)), embeddings=arrays, trunk=np.array(trunk))
        )
        print(f"{count(len(rows), 'embedding')} of {arrays.shape[1]} values in {output}")
    if failed:
        raise typer.Exit(ExitCode.FINDING)


class _StandardInput(io.BytesIO):
    name = "-"


def _sources(paths: list[str], as_json: bool) -> tuple[dict[str, "Source"], int]:
    """The files that the paths mean, by the names that answers give them, and how many paths mean none."""
    from hubbub.soundfiles import find

    sources: dict[str, Source] = {}
    seen: set[Path] = set()
    repeated, failed = False, 0
    for path in paths:
        if path == "-":
            repeated |= path in sources
            sources.setdefault(path, _StandardInput(sys.stdin.buffer.read() if sys.stdin else b""))
        elif not path or "://" in path:  # which the audio door refuses; a Path would make "." or lose a slash
            sources[path] = path
        else:
            try:
                files = find([path], log=say)
            except AudioError as error:
                failed += 1
                _report(path, error, as_json)
                continue
            for file in files:
                repeated |= file.absolute() in seen
                if file.absolute() not in seen:
                    sources[str(file)] = file
                seen.add(file.absolute())
    if repeated:
        say("a file that is given more than once is heard once")
    return sources, failed


def _heard(
    sources: dict[str, "Source"], results: Generator["Result | AudioError", None, None], as_json: bool
) -> Iterator[tuple[str, "Result | None"]]:
    """Each sound's name and result as they come, None for one that cannot be heard; errors and warnings are said."""
    from hubbub.cli.progress import Lines

    with closing(results), Lines("listening", len(sources)) as lines:
        for path, result in zip(sources, results, strict=True):
            with lines.printing():
                if isinstance(result, AudioError):
                    _report(path, result, as_json)
                    yield path, None
                    continue
                for warning in result.warnings:
                    say(warning)
                yield path, result


def _report(path: str, error: AudioError, as_json: bool) -> None:
    say(str(error))
    if as_json:
        print_json({"path": path, "error": str(error)})
