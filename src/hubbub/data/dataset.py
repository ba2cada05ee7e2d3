"""What a dataset is: labelled clips, with their source recordings, licence and citation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hubbub import audio
from hubbub.errors import AudioError
from hubbub.types import Track

GroupedBy = Literal["ESC-50's names", "the column recording", "file names", "each file"]  #: see `Dataset`


@dataclass(frozen=True)
class Clip:
    """One labelled sound file.

    Attributes:
        id: stable across machines and unique in its dataset; for ESC-50 the file name in the official CSV.
        path: where the file lies here.
        label: one of the dataset's labels.
        group: the source recording; clips of one group must never be on both sides of a split.
        fold: the official fold, from 1; None if the dataset has no folds.
        made_from: the id of the clip that augmentation made this one of; None for an original. A copy has its
            original's label, group and fold, and is only ever trained on.
    """

    id: str
    path: Path
    label: str
    group: str
    fold: int | None = None
    made_from: str | None = None


@dataclass(frozen=True)
class Dataset:
    """Labelled clips.

    Attributes:
        name: short, for file names and messages: "esc50", the folder's name, or "esc50+6143" with augmented copies.
        title: for people.
        labels: the classes, in the order of their numbers.
        clips: sorted by id.
        licence: of the sounds.
        citation: one reference.
        source: where the sounds come from; "made by code" for synthetic ones.
        showcase: ids of clips whose recordings are kept out of the training of models for use, so that a demonstration
            can show something unheard.
        categories: of each label, where all labels are ESC-50's; else empty.
        reference: what `hubbub.data.sources.open_dataset` opens it by, a name or a path; empty if it was not opened so.
        grouped_by: what told the source recordings; "each file" if each counts as one of its own.
        warnings: what of the source is not among the clips, a line each; whoever opens a dataset for a user says them.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    licence: str
    citation: str
    source: str
    showcase: tuple[str, ...] = ()
    categories: Mapping[str, str] = field(default_factory=dict, hash=False)
    reference: str = field(default="", compare=False)
    grouped_by: GroupedBy = field(default="each file", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def originals(self) -> tuple[Clip, ...]:
        """The clips that no augmentation made."""
        return tuple(clip for clip in self.clips if clip.made_from is None)

    @property
    def copies(self) -> int:
        """How many of the clips augmentation made."""
        return sum(clip.made_from is not None for clip in self.clips)

    @property
    def folds(self) -> tuple[int, ...]:
        """The official folds, in order; empty if there are none."""
        return tuple(sorted({clip.fold for clip in self.clips if clip.fold is not None}))

    @property
    def spanning(self) -> dict[str, tuple[Clip, ...]]:
        """Source recordings whose original clips lie in more than one official fold, with those clips."""
        groups: dict[str, list[Clip]] = {}
        for clip in self.originals:
            groups.setdefault(clip.group, []).append(clip)
        return {name: tuple(clips) for name, clips in sorted(groups.items()) if len({c.fold for c in clips}) > 1}

    def unreadable(self, track: Track = iter) -> list[str]:
        """Decode every clip; one line for each that cannot be read."""
        problems = []
        for clip in track(self.clips):
            try:
                audio.read(clip.path)
            except AudioError as error:
                problems.append(str(error))
        return problems
