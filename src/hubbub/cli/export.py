"""`hubbub export`: a model file of a run."""

from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.options import learning


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `hubbub cv` or `hubbub train`.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The .onnx file; model.onnx in the run folder if left out.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Model name; the run folder's if left out.")] = None,
) -> None:
    """Write a run's model file, if torch and the listening stack agree on it."""
    with learning():
        from hubbub.studies import experiment
    target = output or run / "model.onnx"
    meta = experiment.export(run, target, name=name)
    size = target.stat().st_size / 1e6
    print(f"{target}: {len(meta.labels)} classes, {size:.1f} MB; torch and the listening stack agree")
