"""`hubbub augment`: more clips from those of a dataset, changed once and kept as files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Of the files, 16 bit."""

    FLAC = "flac"
    WAV = "wav"


def augment(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="esc50, esc10 or synthetic.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder, or one to complete.")],
    total: Annotated[
        int | None, typer.Option(min=1, help="Clips and copies together; 8143 for ESC-50, others in proportion.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core if left out.")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.FLAC,
) -> None:
    """Make changed copies of a dataset's clips: with noise, stretched by 0.8 to 1.2, or shifted by up to 2 semitones.

    The clips stay where they are; then give DIR as the dataset. Copies are only ever trained on, and only where their
    source is. What was interrupted goes on with the same command.
    """
    from hubbub.cli.progress import track
    from hubbub.data import augmented_copies
    from hubbub.data.sources import open_dataset
    from hubbub.workers import cores

    clips = open_dataset(dataset)
    about = augmented_copies.About(dataset, total or augmented_copies.usual_total(clips), seed, file_format.value)
    made = augmented_copies.expand(clips, out, about, jobs or cores(), track("making copies"))
    copies = [clip for clip in made.clips if clip.made_from is not None]
    size = sum(clip.path.stat().st_size for clip in copies) / 1e9
    print(f"{out}: {len(clips.clips):,} clips and {len(copies):,} copies of them ({size:.2f} GB)")
    print(f"use both as a dataset with: --dataset {out}")
