"""How surely near copies are found: planted ones in real ESC-50, and what else is taken for one. Prints tables.

    python benchmarks/near_copies.py [--clips 200] [--exhaustive]

Needs ESC-50 (`$HUBBUB_ESC50`, or fetched). Recordings are dealt to two halves. The thresholds of
`hubbub.studies.near_duplicates` were set above what pairs of different classes and recordings of the first reach. It is
no blind test: near copies of all pairs, of both halves, had been looked at while the rule was made. `--exhaustive`
compares all pairs, not only the candidates: each spectrum with sums of eight others, and those one by one where a sum
has a peak (minutes).
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import soundfile

from hubbub import audio
from hubbub.data import esc50
from hubbub.data.dataset import Clip
from hubbub.listen.classifier import Classifier
from hubbub.storage import digest
from hubbub.studies import measure, near_duplicates
from hubbub.types import Floats

SIZE = 81_920  # samples of a spectrum, for clips of 5 s
CLOSEST = 200  # pairs of each half, those with the highest peaks, that are compared to the end
GROUP, GROUP_PEAK = 8, 0.07  # spectra that are summed; and a sum's peak from which its members are compared
LEFT = 0.5  # seconds of sound that a planted copy must hold to count in the last column


def encoded(samples: Floats, rate: int, **how: object) -> tuple[Floats, int]:
    """What a lossy encoder leaves."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), rate, **how)
    file.seek(0)
    return soundfile.read(file, dtype="float32")


def moved(samples: Floats, by: int) -> Floats:
    empty = np.zeros(abs(by), np.float32)
    return np.concatenate([empty, samples[:-by]] if by > 0 else [samples[-by:], empty])


def noisy(samples: Floats, rng: np.random.Generator) -> Floats:
    scale = np.sqrt(np.mean(samples**2)) * 10 ** (-30 / 20)
    return samples + rng.normal(0, scale, len(samples)).astype(np.float32)


def copies(samples: Floats, rate: int, rng: np.random.Generator) -> Iterator[tuple[str, Floats, int, Floats]]:
    """A clip's planted copies: name, samples, rate; and at the clip's own rate what of the clip they hold."""

    def lag(low: float, high: float) -> int:
        return int(rate * rng.uniform(low, high)) * int(rng.choice([-1, 1]))

    def cut() -> Floats:
        start = rng.integers(0, max(1, len(samples) - 3 * rate))
        return samples[start : start + 3 * rate]

    mp3 = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.9, "bitrate_mode": "CONSTANT"}
    yield "12 dB louder, clipped", np.clip(samples * 4, -1, 1), rate, samples
    yield "12 dB fainter", samples / 4, rate, samples
    for name, part in (("shifted by 0.1 to 0.5 s", (0.1, 0.5)), ("shifted by 0.5 to 2 s", (0.5, 2))):
        yield name, (held := moved(samples, lag(*part))), rate, held
    yield "rolled by 0.1 to 2 s", np.roll(samples, lag(0.1, 2)), rate, samples
    yield "MP3, 56 kbit/s", *encoded(samples, rate, **mp3), samples
    yield "Ogg Vorbis", *encoded(samples, rate, format="OGG", subtype="VORBIS", compression_level=0.8), samples
    opus = audio.resample(samples, rate, 48_000)
    yield "Opus", *encoded(opus, 48_000, format="OGG", subtype="OPUS", compression_level=0.9), samples
    yield "to 16 kHz and back", audio.resample(audio.resample(samples, rate, 16_000), 16_000, rate), rate, samples
    yield "noise at 30 dB", noisy(samples, rng), rate, samples
    yield "cut to 3 s", (held := cut()), rate, held
    held = moved(samples, lag(0.1, 2))
    yield "shifted by 0.1 to 2 s, 12 dB fainter, MP3", *encoded(held / 4, rate, **mp3), held
    held = cut()
    yield "cut to 3 s, 16 kHz, noise at 30 dB", noisy(audio.resample(held, rate, 16_000), rng), 16_000, held


def first_half(clip: Clip) -> bool:
    return int(digest(clip.group), 16) % 2 == 0


def spectra_of(clips: Sequence[Clip]) -> tuple[list[Floats], list[near_duplicates.Spectrum]]:
    """Levelled sounds and their whitened spectra."""
    levelled = [near_duplicates.level(near_duplicates.read(clip.path)) for clip in clips]
    return levelled, [near_duplicates.whiten(sound, SIZE) for sound in levelled]


def false_alarms(clips: Sequence[Clip], embeddings: Floats) -> None:
    """Pairs of different classes and recordings: candidates, and as many drawn at random."""
    print("| half | pairs of different classes | highest peak | most seconds in common | taken for copies |")
    print("|---|--:|--:|--:|--:|")
    rng = np.random.default_rng(0)
    for name, wanted in (("first", True), ("second", False)):
        rows = [row for row, clip in enumerate(clips) if first_half(clip) == wanted]
        half = [clips[row] for row in rows]
        pairs = near_duplicates.candidates(embeddings[rows], [clip.group for clip in half]).tolist()
        pairs += [(int(a), int(b)) for a, b in rng.integers(0, len(half), (len(pairs), 2))]
        null = [(a, b) for a, b in pairs if half[a].label != half[b].label and half[a].group != half[b].group]
        levelled, spectra = spectra_of(half)
        peaks = [near_duplicates.correlate(spectra[a], spectra[b]) for a, b in null]
        closest = sorted(range(len(null)), key=lambda pair: -peaks[pair][0])[:CLOSEST]
        shared = [near_duplicates.in_common(*(levelled[row] for row in null[i]), peaks[i][1]) for i in closest]
        sounds = [[near_duplicates.read(half[row].path) for row in null[i]] for i in closest]
        wrong = sum(near_duplicates.compare(*pair) is not None for pair in sounds)
        print(f"| {name} | {len(null):,} | {max(peaks)[0]:.3f} | {max(shared):.1f} | {wrong} |", flush=True)


def recall(clips: Sequence[Clip], embeddings: Floats, count: int) -> None:
    """Planted copies of clips of the second half: recognised as copies, among the candidates, and both."""
    results: dict[str, list[tuple[bool, bool, bool]]] = {}
    classifier = Classifier(threads=1)
    rows = [row for row, clip in enumerate(clips) if not first_half(clip)]
    for row in np.random.default_rng(0).permutation(rows)[:count]:
        clip = clips[row]
        (samples, rate), original = audio.read(clip.path), near_duplicates.read(clip.path)
        for name, copy, copy_rate, held in copies(samples, rate, np.random.default_rng(int(digest(clip.id), 16))):
            recognised = near_duplicates.compare(original, audio.resample(copy, copy_rate, near_duplicates.RATE))
            near = candidate(embeddings, int(row), classifier.embed(copy, copy_rate))
            left = near_duplicates.sounding(near_duplicates.level(audio.resample(held, rate, near_duplicates.RATE)))
            results.setdefault(name, []).append((recognised is not None, near, left >= LEFT * near_duplicates.RATE))
    print("\n| planted copy | copies | recognised | a candidate | both | both, where half a second of sound is left |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, planted in [*results.items(), ("all", list(chain.from_iterable(results.values())))]:
        recognised, near, left = np.array(planted).T
        both = recognised & near
        shares = (recognised.mean(), near.mean(), both.mean(), both[left].mean())
        print(f"| {name} | {len(planted)} | {' | '.join(f'{share:.1%}' for share in shares)} |")


def candidate(embeddings: Floats, row: int, copy: Floats) -> bool:
    """Whether a clip and its copy would be candidates: one is among the nearest ones of the other."""
    vectors = np.vstack([embeddings, copy]) - embeddings.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = vectors[row] @ vectors[-1]
    ranks = [np.sum(np.delete(vectors @ vectors[at], [row, len(embeddings)]) > alike) for at in (row, -1)]
    return bool(min(ranks) < near_duplicates.NEIGHBOURS)


def exhaustive(clips: Sequence[Clip], embeddings: Floats) -> None:
    """Near copies among all pairs of different recordings, and how many of them are candidates."""
    levelled, spectra = spectra_of(clips)
    rows = sorted(
        (row for row, sound in enumerate(levelled) if sound.any()),
        key=lambda row: near_duplicates.sounding(levelled[row]),
    )
    near_copies = []
    for position, row in enumerate(rows):
        for start in range(position + 1, len(rows), GROUP):
            others = rows[start : start + GROUP]
            if near_duplicates.correlate(spectra[row], sum(spectra[other] for other in others))[0] < GROUP_PEAK:
                continue
            for other in others:
                peak, _ = near_duplicates.correlate(spectra[row], spectra[other])
                if clips[row].group != clips[other].group and peak >= near_duplicates.LEAST_PEAK:
                    pair = [near_duplicates.read(clips[number].path) for number in (row, other)]
                    if near_duplicates.compare(*pair):
                        near_copies.append((min(row, other), max(row, other)))
    candidates = set(map(tuple, near_duplicates.candidates(embeddings, [clip.group for clip in clips]).tolist()))
    all_pairs = len(clips) * (len(clips) - 1) // 2
    missed = [pair for pair in near_copies if pair not in candidates]
    print(
        f"\nnear copies of different recordings: {len(near_copies)} among all {all_pairs:,} pairs;"
        f" {len(missed)} of them are not among the {len(candidates):,} candidates"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--exhaustive", action="store_true")
    arguments = parser.parse_args()
    clips = esc50.load().clips
    embeddings = measure.embeddings(measure.measure_files([clip.path for clip in clips]))
    false_alarms(clips, embeddings)
    recall(clips, embeddings, arguments.clips)
    if arguments.exhaustive:
        exhaustive(clips, embeddings)


if __name__ == "__main__":
    main()
