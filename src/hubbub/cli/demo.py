"""`hubbub demo`: names sounds that come with hubbub, and real ones where they are at hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hubbub.listen.answer import Answer
    from hubbub.logmel import Floats

_SECONDS = 5.0


def demo(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Your own sounds, instead.")] = [],  # noqa: B006
    out: Annotated[Path, typer.Option(help="Folder for the picture and the sound of the scene.")] = Path(),
) -> None:
    """Name eight sample sounds with the built-in model and draw them as one scene; or name your own files."""
    if files:
        from hubbub.cli.listen import classify

        classify(files)
        return
    _samples(out)
    _recordings()
    print("\nNext: hubbub classify FILE...      name your own sounds (WAV, FLAC, MP3, M4A, Ogg ...; files or folders)")
    print("      hubbub classify --json FILE  the same, for programs")
    print("      hubbub --help                train, evaluate and export classifiers of your own")


def _samples(out: Path) -> None:
    from hubbub.cli import show
    from hubbub.data.synth.synthetic import SAMPLES, make
    from hubbub.formatting import label
    from hubbub.listen.classifier import load

    classifier = load()
    rate = classifier.meta.frontend.sample_rate
    chosen = SAMPLES[:8]
    truths = [name for name, _ in chosen]
    sounds = [make(name, seed, rate, _SECONDS) for name, seed in chosen]
    answers = [classifier.classify(sound, rate) for sound in sounds]
    print("Eight sounds made by code (physical and spectral models, nothing recorded), named by the built-in model:\n")
    names = [label(name) for name in truths]
    table = show.AnswerTable("made as", names, classifier.labels, tells=True)
    for name, answer, truth in zip(names, answers, truths, strict=True):
        table.add(name, answer, truth)
    _scene(out, sounds, answers, truths, rate)


def _scene(out: Path, sounds: list["Floats"], answers: list["Answer"], truths: list[str], rate: int) -> None:
    import numpy as np

    from hubbub import audio
    from hubbub.formatting import label
    from hubbub.listen.classifier import load
    from hubbub.report.spectrograms import Stretch, draw_scene

    scene = np.concatenate(sounds)
    stretches = [
        Stretch(index * _SECONDS, (index + 1) * _SECONDS, label(answer.label or "unknown"), answer.label == truth)
        for index, (answer, truth) in enumerate(zip(answers, truths, strict=True))
    ]
    title = "Eight made sounds in a row, with the names that the built-in model gave them"
    draw_scene(out / "hubbub-demo.png", scene, load().meta.frontend, stretches, title)
    audio.write_wav(out / "hubbub-demo.wav", scene, rate)
    print(f"\nThe eight as one scene: {out / 'hubbub-demo.png'} to look at, {out / 'hubbub-demo.wav'} to listen to.")


def _recordings() -> None:
    from hubbub.cli import show
    from hubbub.data import esc50
    from hubbub.formatting import label
    from hubbub.listen.classifier import load

    try:
        dataset = esc50.load()
    except esc50.MissingDatasetError:
        print(
            "\nReal recordings: `hubbub data fetch esc50`, then this demo names eight that the model has never heard."
        )
        return
    clips = [clip for clip in dataset.clips if clip.id in dataset.showcase]
    print("\nEight recordings from ESC-50 that were kept out of the model's training, so that it never heard them:\n")
    names = [f"{label(clip.label)} ({clip.id})" for clip in clips]
    table = show.AnswerTable("recorded as", names, load().labels, tells=True)
    for name, clip in zip(names, clips, strict=True):
        table.add(name, load().classify(clip.path), clip.label)
