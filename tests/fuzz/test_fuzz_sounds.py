"""Damaged sounds: samples or an `AudioError` of one line, nothing written by the decoders, memory bounded.

The mutants are read in a process of their own, so that a crash is seen, and so is what a library prints. For more of
them: `python tests/fuzz/test_fuzz_sounds.py SEED MUTANTS`.
"""

import io
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import tinysounds
from hubbub import audio
from hubbub.errors import AudioError

RATE = 16_000
MOST_MEMORY = 400e6  # bytes of the process at its largest; the libraries alone take 100 MB
SLOWEST = 20.0  # seconds; an endless loop is what is meant


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_sounds(seed: int) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(seed), "300"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)  # and nothing else
    assert report["memory"] < MOST_MEMORY
    assert report["heard"] > 20 and report["refused"] > 20


# --- the mutants ------------------------------------------------------------------------------------------------------


def originals() -> dict[str, bytes]:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE // 4, 2))
    made: dict[str, bytes] = {}
    for format, subtype in (
        ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"),
        ("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "IMA_ADPCM"),
        ("CAF", "ALAC_16"), ("CAF", "PCM_16"), ("AU", "PCM_16"), ("AU", "G721_32"), ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
    ):  # fmt: skip
        file = io.BytesIO()
        channels = 1 if subtype in ("GSM610", "G721_32") or (format, subtype) == ("AIFF", "IMA_ADPCM") else 2
        soundfile.write(file, noise[:, :channels], RATE, format=format, subtype=subtype)
        made[f"{format} {subtype}"] = file.getvalue()
    for suffix in tinysounds.ENCODINGS:
        amr = "amr" in tinysounds.ENCODINGS[suffix][1]
        made[suffix] = tinysounds.encode(suffix, noise[:, : 1 if amr else 2], 8000 if amr else RATE)
    made[".mp4 in fragments"] = in_fragments(made[".mp4"])
    return made


def in_fragments(content: bytes) -> bytes:
    """An MP4 as browsers record it."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(content)) as source,
        av.open(file, "w", format="mp4", options={"movflags": "+frag_keyframe+empty_moov"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return file.getvalue()


def flip(content: bytearray, rng: np.random.Generator) -> bytearray:
    for place in rng.integers(len(content), size=rng.integers(1, 9)):
        content[place] ^= 1 << int(rng.integers(8))
    return content


def flip_head(content: bytearray, rng: np.random.Generator) -> bytearray:
    for place in rng.integers(min(len(content), 512), size=rng.integers(1, 5)):
        content[place] = int(rng.integers(256))
    return content


def set_field(content: bytearray, rng: np.random.Generator) -> bytearray:
    """A size, a count or a rate of two, four or eight bytes becomes an extreme."""
    length = int(rng.choice([2, 4, 8]))
    place = int(rng.integers(min(len(content), int(rng.choice([64, 512, 1 << 20]))) - length))
    value = int(rng.choice([0, 1, 0x7F, 0xFF])).to_bytes(1, "little") * length
    content[place : place + length] = value if rng.random() < 0.7 else value[::-1][:1] + bytes(length - 1)
    return content


def cut(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: rng.integers(1, len(content))]


def leave_out(content: bytearray, rng: np.random.Generator) -> bytearray:
    start, end = sorted(rng.integers(len(content), size=2))
    return content[:start] + content[end:]


def repeat(content: bytearray, rng: np.random.Generator) -> bytearray:
    start, end = sorted(rng.integers(len(content), size=2))
    return content[:end] + content[start:]


def join(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content + content[rng.integers(0, 64) :]


def noise(content: bytearray, rng: np.random.Generator) -> bytearray:
    start = int(rng.integers(len(content)))
    length = int(rng.integers(1, 2000))
    content[start : start + length] = rng.bytes(length)
    return content


MUTATIONS: list[Callable[[bytearray, np.random.Generator], bytearray]] = [
    flip, flip_head, flip_head, set_field, set_field, cut, leave_out, repeat, join, noise,
]  # fmt: skip


def check(content: bytes, path: Path) -> bool:
    """Whether the mutant is heard; AssertionError for anything but samples or an error of one line."""
    path.write_bytes(content)
    lines: list[str] = []
    heard = False
    for way in (
        lambda: audio.probe(path),
        lambda: audio.read(path, log=lines.append)[0],
        lambda: np.concatenate(list(audio.blocks(content, RATE, 5000, log=lines.append))),
    ):
        try:
            answer = way()
        except AudioError as error:
            lines.append(str(error))
            continue
        if isinstance(answer, np.ndarray):
            assert len(answer) and answer.dtype == np.float32 and np.isfinite(answer).all()
            heard = True
    assert all(line and line.isprintable() and len(line) < 500 for line in lines), lines
    return heard


def main(seed: int, mutants: int) -> None:
    """Print how many mutants of `originals` were heard and refused, and the memory in bytes; keep one that fails."""
    logging.disable()
    rng = np.random.default_rng(seed)
    made = originals()
    names = sorted(made)
    counts = {"heard": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.wav"
        for number in range(mutants):
            name = names[number % len(names)]
            content = bytearray(made[name])
            for _ in range(int(rng.integers(1, 4))):
                mutation = MUTATIONS[rng.integers(len(MUTATIONS))]
                content = mutation(content, rng) if len(content) > 16 else content
            begun, before = time.monotonic(), memory()
            try:
                counts["heard" if check(bytes(content), path) else "refused"] += 1
                assert memory() - before < MOST_MEMORY / 2, f"{(memory() - before) / 1e6:.0f} MB more"
                assert time.monotonic() - begun < SLOWEST, "no end"
            except Exception as error:
                mutant = Path(tempfile.gettempdir()) / f"mutant-{seed}-{number}"
                mutant.write_bytes(content)
                raise AssertionError(f"mutant {number} of {name}, kept as {mutant}: {error!r}") from error
    print(json.dumps({"memory": memory(), **counts}))


def memory() -> int:
    """The largest size of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux's `ru_maxrss` begins with the size of the process that started this one
        [peak] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(peak) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
