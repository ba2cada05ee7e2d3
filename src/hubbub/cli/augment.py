"""`hubbub augment`: more clips from those of a dataset, changed once and kept as files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """File format of the copies, 16 bit."""

    FLAC = "flac"
    WAV = "wav"


def augment(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Dataset name (esc50, esc10, synthetic) or folder.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder: a new one, or one to complete.")],
    total: Annotated[
        int | None,
        typer.Option(min=1, help="Number of clips and copies together; default 8143 for ESC-50."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Number of processes; default one for each core.")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Audio file format of the copies.")] = Format.FLAC,
) -> None:
    """Augment a dataset offline: copies of its clips with noise, time stretch or pitch shift.

    Noise has a deviation of 0.005; stretches are by 0.8 to 1.2, shifts by up to 2 semitones.
    The clips stay where they are; then give DIR as the dataset. Copies are only ever trained on, and only where their
    source is. The same command resumes an interrupted run.
    """
    from hubbub.cli.progress import track
    from hubbub.data import augmented_copies
    from hubbub.data.sources import open_dataset
    from hubbub.workers import cores

    originals = open_dataset(dataset)
    about = augmented_copies.About(dataset, total or augmented_copies.usual_total(originals), seed, file_format.value)
    expanded = augmented_copies.expand(originals, out, about, jobs or cores(), track("making copies"))
    gigabytes = sum(clip.path.stat().st_size for clip in expanded.clips if clip.made_from is not None) / 1e9
    print(f"{out}: {len(originals.clips):,} clips and {expanded.copies:,} copies of them ({gigabytes:.2f} GB)")
    print(f"use both as a dataset with: --dataset {out}")
