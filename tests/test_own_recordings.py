"""From a folder of phone recordings to a model of one's own classes, by the README's commands and nothing else."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from hubbub.data.synth import synthetic
from hubbub.types import Floats

README = Path(__file__).parents[1] / "README.md"
RATE = 16_000
CLASSES = ("clock_alarm", "crackling_fire", "siren")
#: Names as phones, people and languages give them, two of each class with something to stumble over.
NAMES = {
    "clock_alarm": ("New Recording 3.m4a", "alarme été.m4a", "$5 & more.m4a", "-v.m4a", "a'b\"c.m4a", "a.b.m4a"),
    "crackling_fire": ("fire_01.m4a", "fire_02.m4a", "fire_03.m4a", "fire_04.m4a", "焚き火.m4a", "🔥.m4a"),
    "siren": tuple(f"AUD-20260101-WA000{number}.M4A" for number in range(6)),
}


def _encode(path: Path, samples: Floats, codec: str = "aac") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        for start in range(0, len(samples), 1024):
            piece = np.ascontiguousarray(samples[None, start : start + 1024], np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen short recordings, one of 30 minutes, a silent one, a broken one, and a new one."""
    root = tmp_path_factory.mktemp("phone")
    recordings = root / "recordings"
    for label, names in NAMES.items():
        for number, name in enumerate(names):
            _encode(recordings / label / name, synthetic.make(label, number, RATE, 4.0))
    minute = np.concatenate([synthetic.make("crackling_fire", 100 + number, RATE) for number in range(12)])
    _encode(recordings / "crackling_fire" / "the whole evening.m4a", np.tile(minute, 30))
    _encode(recordings / "siren" / "pocket.m4a", np.zeros(4 * RATE, np.float32))
    whole = (recordings / "siren" / NAMES["siren"][0]).read_bytes()
    (recordings / "siren" / "broken.m4a").write_bytes(whole[: len(whole) // 2])
    (recordings / "siren" / "notes.txt").write_text("taken on Monday")
    _encode(root / "new.m4a", synthetic.make("siren", 50, RATE, 4.0))
    return root


def _commands() -> Iterator[list[str]]:
    section = README.read_text(encoding="utf-8").split("\n## Train on your own recordings\n")[1].split("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    for line in block[1].splitlines():
        if not line.startswith("pip install"):
            yield shlex.split(line, comments=True)


def test_a_new_user_gets_from_phone_recordings_to_a_model(folder: Path) -> None:
    if not os.environ.get("HUBBUB_WEIGHTS"):
        pytest.skip("HUBBUB_WEIGHTS is not set: no pretrained weights here")
    environment = os.environ | {"HUBBUB_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    said: dict[str, str] = {}
    for words in _commands():
        assert words[0] == "hubbub"
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        name = words[1]
        said[name] = done.stdout + done.stderr
        expected = 1 if name == "data" else 0  # the broken recording is named, the others are cut
        assert done.returncode == expected, f"{shlex.join(words)}: {said[name]}"
        assert "Traceback" not in said[name]
    assert "broken.m4a" in said["data"]
    assert "txt" in said["data"]
    assert sum(1 for _ in (folder / "my-sounds").rglob("*.wav")) == 18 + 360 + 1
    assert "silent" in said["explore"] or "digital silence" in said["explore"]
    assert (folder / "explore.html").stat().st_size > 100_000
    assert "grouped" in said["cv"]
    [metrics] = [json.loads(path.read_text()) for path in folder.glob("runs/*/metrics.json")]
    assert metrics["test"]["clips"] == 18 + 360 + 1
    assert metrics["test"]["accuracy"] > 0.9
    assert (folder / "report.html").stat().st_size > 100_000
    assert "siren" in said["classify"]
    answers = subprocess.run(
        [sys.executable, "-m", "hubbub", "classify", "--json", "--model", "mine.onnx", "new.m4a"],
        cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    answer = json.loads(answers.stdout)
    assert answer["label"] == "siren"
    assert not answer["warnings"]
