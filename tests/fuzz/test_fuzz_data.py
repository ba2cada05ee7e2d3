"""Tables, notes and zips that are damaged at random: each is read, or refused in one line."""

import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub.data import augmented_copies, cutting, folder, marks
from hubbub.data.archive import unpack
from hubbub.data.dataset import Dataset
from hubbub.errors import HubbubError

SECONDS, MOST = 1.0, 3000  # for each kind of file, whichever comes first

TABLE = 'file_name,label,recording,fold\na.wav,dog,r1,1\n"b ""x"".wav",cat,,2\nsub/c.wav, dog ,r2,\n'
LINES = '{"file_name": "a.wav", "label": "dog", "fold": 1}\n{"file_name": "b.wav", "label": "cat", "recording": "r"}\n'
LABELS = "1.000000\t2.500000\tbark\n\\\t100.0\t2000.0\n3\t3\tclick\n"
SELECTIONS = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t1.5\t2.5\towl\n"
CUTS = "file,start,end,label\na.wav,1,2,dog\na.wav,3.5,4.5,\n"
NOTE = '{"source": "synthetic", "total": 15, "seed": 0, "format": "flac", "version": 2}'
CUT = '{"source": "a", "size": 1, "changed": 2, "rule": "r", "name": "a", "rows": [["a/a.wav", "a", "a", "0", "1"]]}'
PIECES = (
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b'"',
        b"\n",
        b"\r",
        b",",
        b";",
        b"\t",
        b"..",
        b"/",
        b"nan",
        b"-1",
        b"1e999",
    ),
    *(
        b"9" * 5000,
        b"[" * 5000,
        b"{}",
        b"null",
        b"true",
        b"\\ud800",
        b"\x1b[31m",
        "犬".encode(),
        b"\\",
        b"%00",
        b"1e400",
    ),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with one to four parts of it replaced, repeated, cut off or changed bit by bit."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(changed))
        end = min(len(changed), start + rng.choice((0, 1, 3, 20)))
        match rng.randrange(4):
            case 0:
                changed[start:end] = rng.choice(PIECES)
            case 1:
                changed[start:end] = changed[start:end] * 3
            case 2:
                del changed[start : start + rng.choice((1, 5, len(changed)))]
            case 3 if start < len(changed):
                changed[start] ^= 1 << rng.randrange(8)
    return bytes(changed)


def readable(path: Path, read: Callable[[Path], object], content: bytes) -> None:
    """Damage the content over and over: reading raises nothing but errors of hubbub, of one line."""
    rng = random.Random(22)
    end = time.monotonic() + SECONDS
    for _ in range(MOST):
        if time.monotonic() > end:
            break
        path.write_bytes(damaged(content, rng))
        try:
            read(path)
        except HubbubError as error:
            assert "\n" not in str(error), path.read_bytes()[:1000]
        except Exception as error:
            raise AssertionError(f"{error!r:.300} of {path.read_bytes()[:1000]!r}") from error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("metadata.csv", TABLE, lambda path: folder.load(path.parent)),
        ("metadata.jsonl", LINES, lambda path: folder.load(path.parent)),
        ("a.txt", LABELS, lambda path: marks.listed(path, [Path("a.wav")])),
        ("a.txt", SELECTIONS, lambda path: marks.listed(path, [Path("a.wav")])),
        ("cuts.csv", CUTS, lambda path: marks.listed(path, [Path("a.wav")])),
        ("augmented.json", NOTE, lambda path: augmented_copies.read_about(path.parent)),
        ("0123456789abcdef.json", CUT, cutting._read_note),
    ],
)
def test_texts(name: str, content: str, read: Callable[[Path], object], tmp_path: Path) -> None:
    readable(tmp_path / name, read, content.encode())


@pytest.mark.slow
def test_the_table_of_copies(tmp_path: Path) -> None:
    header, row = ",".join(augmented_copies.COLUMNS), "a.wav-copy1.flac,a.wav,1,dog,a,,hiss,0.005"
    clips = folder.load(_folder_of_one(tmp_path)).clips
    source = Dataset("mine", "Mine", ("dog",), clips, "CC0", "nobody", "nowhere")
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "augmented.json").write_text('{"source": "mine", "total": 2}')
    table = tmp_path / "copies" / "augmented.csv"
    readable(table, lambda path: augmented_copies.load(path.parent, source), f"{header}\n{row}\n".encode())


def _folder_of_one(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metadata.csv").write_text("file_name,label,recording\na.wav,dog,a\n")
    return tmp_path / "mine"


@pytest.mark.slow
def test_zips(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("release/audio/a.wav", bytes(300))
        bundle.writestr("release/meta/esc50.csv", "filename\n")
    out = tmp_path / "out"
    count = 0

    def read(path: Path) -> None:
        nonlocal count
        count += 1
        unpack(path, out / str(count), limit=10**6)

    readable(tmp_path / "a.zip", read, content.getvalue())
    assert {path.name for path in tmp_path.iterdir()} <= {"a.zip", "out"}
    assert all(path.name.isdigit() for path in out.iterdir())
