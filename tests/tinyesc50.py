"""A release with ESC-50's names, table and numbers, but ten samples a clip: quick to write, copy and check."""

import csv
import hashlib
import os
import shutil
import wave
from pathlib import Path

import pytest

from hubbub.data import esc50, esc50_release

ESC10 = ("dog", "rooster", "rain", "sea_waves", "crackling_fire", "crying_baby", "sneezing", "clock_tick")
ESC10 += ("helicopter", "chainsaw")
FRAMES = 10
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")


def rows() -> list[list[str]]:
    """Five folds of eight clips a class, two of each recording; recording 100000 also gave a rooster in fold 2."""
    table = []
    for fold in range(1, 6):
        for target, label in enumerate(esc50.LABELS):
            for number in range(8):
                source = 100_000 + (fold - 1) * 1000 + target * 10 + number // 2
                if (fold, target, number) == (2, 1, 0):
                    source = 100_000
                take = "AB"[number % 2]
                name = f"{fold}-{source}-{take}-{target}.wav"
                table.append([name, str(fold), str(target), label, str(label in ESC10), str(source), take])
    return table


def write(folder: Path) -> Path:
    """The release, in `folder`/ESC-50-master."""
    root = folder / "ESC-50-master"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    (root / "LICENSE").write_text("who made the clips\n")
    write_table(root, rows())
    for row in rows():
        write_clip(root / "audio" / row[0])
    return root


def write_table(root: Path, table: list[list[str]], columns: tuple[str, ...] = COLUMNS) -> None:
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *table])


def write_clip(path: Path, frames: int = FRAMES, rate: int = esc50_release.RATE, channels: int = 1) -> None:
    path.unlink(missing_ok=True)  # the file may be shared with the original of a copy
    with wave.open(str(path), "wb") as sound:
        sound.setparams((channels, 2, rate, 0, "NONE", ""))
        sound.writeframes(bytes(2 * channels * frames))


def copy(root: Path, folder: Path) -> Path:
    """A copy that may be changed: its table is its own, its clips are links to be replaced, not written into."""
    shutil.copytree(root / "audio", folder / "ESC-50-master" / "audio", copy_function=os.link)
    shutil.copytree(root / "meta", folder / "ESC-50-master" / "meta")
    return folder / "ESC-50-master"


def taken_for_real(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `esc50_release.verify` expect this table and such short clips."""
    digest = hashlib.sha256((root / "meta" / "esc50.csv").read_bytes()).hexdigest()
    monkeypatch.setattr(esc50_release, "CSV_SHA256", digest)
    monkeypatch.setattr(esc50_release, "FRAMES", FRAMES)
