from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import marks
from hubbub.data.marks import Mark
from hubbub.errors import DataError, UsageError

RATE = 8000


def recording(path: Path, seconds: float, *tones: tuple[float, float]) -> Path:
    """Soft noise with a tone from and to some seconds."""
    samples = 0.003 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    for start, end in tones:
        at = np.arange(round(start * RATE), round(end * RATE))
        samples[at] += 0.3 * np.sin(at * 0.5)
    audio.write_wav(path, samples, RATE)
    return path


def test_lengths_follow_each_other_or_overlap() -> None:
    assert list(islice(marks.Lengths(5).marks(Path()), 3)) == [(0, 5, ""), (5, 10, ""), (10, 15, "")]
    assert list(islice(marks.Lengths(4, 1.5).marks(Path()), 3)) == [(0, 4, ""), (1.5, 5.5, ""), (3, 7, "")]
    for seconds, hop in ((0, None), (601, None), (5, 0), (float("nan"), None)):
        with pytest.raises(UsageError, match=r"give 0\.01 to 600 seconds"):
            marks.Lengths(seconds, hop)


class TestActivity:
    def test_events_are_where_the_tones_are(self, tmp_path: Path) -> None:
        path = recording(tmp_path / "a.wav", 30, (3, 3.5), (3.7, 4), (20, 27))
        (first, second) = marks.events(marks.frame_levels(path))
        assert first == pytest.approx((3, 4), abs=marks.FRAME) and second == pytest.approx((20, 27), abs=marks.FRAME)

    def test_a_clip_lies_around_a_short_event_and_clips_fill_a_long_one(self, tmp_path: Path) -> None:
        path = recording(tmp_path / "a.wav", 60, (1, 1.5), (20, 27.5), (29, 29.5), (59, 59.2))
        starts = [mark.start for mark in marks.Activity(5).marks(path)]
        assert starts == pytest.approx([0, 18.75, 23.75, 28.75, 55], abs=0.05)
        assert all(mark.end == mark.start + 5 for mark in marks.Activity(5).marks(path))

    def test_noise_and_silence_have_no_events(self, tmp_path: Path) -> None:
        audio.write_wav(tmp_path / "silence.wav", np.zeros(RATE), RATE)
        for path in (recording(tmp_path / "a.wav", 10), tmp_path / "silence.wav"):
            assert marks.Activity().marks(path) == []


class TestListed:
    def test_a_table_names_recordings_by_as_much_of_their_path_as_it_takes(self, tmp_path: Path) -> None:
        a, b, c = (tmp_path / name for name in ("x/rec.wav", "y/rec.wav", "c.wav"))
        (tmp_path / "t.csv").write_text("file;start;end;label\nx/rec.wav;2;3; dog \ny/rec.wav;0;1;\nc.wav;7;7;cat\n")
        rule = marks.listed(tmp_path / "t.csv", [a, b, c], seconds=4)
        assert [list(rule.marks(path)) for path in (a, b, c)] == [[(2, 3, "dog")], [(0, 1, "")], [(5, 9, "cat")]]
        assert rule.asked(a) != rule.asked(b)
        (tmp_path / "t.csv").write_text("file,start,end\nrec.wav,2,3\n")
        with pytest.raises(DataError, match=r"line 2: rec\.wav may be .*x/rec\.wav or .*y/rec\.wav: write more of"):
            marks.listed(tmp_path / "t.csv", [a, b, c])

    def test_labels_of_audacity(self, tmp_path: Path) -> None:
        text = "3.000000\t4.500000\tbark\tloud\r\n\\\t100\t2000\r\n1\t2\r\n\r\n"
        (tmp_path / "Label Track.txt").write_text(text, newline="")
        rule = marks.listed(tmp_path / "Label Track.txt", [Path("a.wav")])
        assert list(rule.marks(Path("a.wav"))) == [(1, 2, ""), (3, 4.5, "bark\tloud")]

    def test_selections_of_raven(self, tmp_path: Path) -> None:
        header = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tSpecies\n"
        rows = "1\tWaveform 1\t1.5\t2.5\t0\towl\n1\tSpectrogram 1\t1.5\t2.5\t0\towl\n"
        (tmp_path / "night.Table.1.selections.txt").write_text(header + rows)
        rule = marks.listed(tmp_path, [Path("rec/night.wav"), Path("rec/day.wav")])
        assert list(rule.marks(Path("rec/night.wav"))) == [Mark(1.5, 2.5, "owl")]
        assert list(rule.marks(Path("rec/day.wav"))) == []

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("t.csv", "file,start,end\na.wav,2,1\n", "line 2: 2 to 1 is no part of a recording"),
            ("t.csv", "file,start,end\na.wav,nan,1\n", "line 2: nan to 1 is no part"),
            ("t.csv", "file,start,end\na.wav,0,601\n", "line 2: is 601 s long, a clip at most 600 s"),
            ("t.csv", "file,start,end\na.wav,x,1\n", "line 2: could not convert"),
            ("t.csv", "file,begin,end\na.wav,0,1\n", "line 1: has no column start"),
            ("t.csv", "file,start,end\nother.wav,0,1\n", "marks nothing of these recordings"),
            ("a.txt", "1\t2\tdog\nhello\n", "line 2: is not START, END and LABEL with tabs"),
            ("a.txt", "\xff\n", "line 1: is not START"),
            ("a.txt", "Selection\tBegin Time (s)\n1\t2\n", "line 1: has no column 'end time"),
        ],
    )
    def test_a_damaged_list_names_the_line(self, name: str, text: str, said: str, tmp_path: Path) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=said):
            marks.listed(tmp_path / name, [Path("a.wav")])

    def test_one_text_for_several_recordings(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("1\t2\tdog\n")
        with pytest.raises(UsageError, match="marks one recording, not 2: give a table or a folder"):
            marks.listed(tmp_path / "a.txt", [Path("a.wav"), Path("b.wav")])
        (tmp_path / "a.old.txt").write_text("1\t2\tdog\n")
        with pytest.raises(DataError, match=r"has 2 text files for a\.wav"):
            marks.listed(tmp_path, [Path("a.wav")])
