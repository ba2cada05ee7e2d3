from pathlib import Path

import pytest

from hubbub.data.dataset import Clip
from hubbub.errors import RefusedError, UsageError
from hubbub.studies import leaks
from hubbub.studies.leaks import Exceptions, Overlap, SplitClip
from hubbub.studies.near_duplicates import Match


def place(clip: str, *parts: str, group: str | None = None, label: str = "dog") -> SplitClip:
    return SplitClip(Clip(clip, Path(clip), label, group or clip), parts)


A, B, C = place("a", "1", group="r"), place("b", "2", group="r", label="cat"), place("c", "2")


class TestFindings:
    def test_a_recording_on_two_sides(self) -> None:
        found = leaks.shared_recordings([A, B, C, place("d", "1", group="q"), place("e", "1", group="q")])
        assert [(one.recordings, one.parts, one.is_leak, one.lines) for one in found] == [
            (("r",), ("1", "2"), True, ("r",))
        ]
        assert not found[0].relabelled  # one recording may hold a hen and a rooster

    def test_a_clip_on_two_sides(self) -> None:
        (found,) = leaks.clips_in_two_parts([A, place("b", "test", "train")])
        assert (found.kind, found.parts, found.is_leak, found.lines) == ("clip", ("test", "train"), True, ("b",))

    def test_the_same_samples(self) -> None:
        (found,) = leaks.exact_duplicates([A, B, C], {"a": "x", "b": "y", "c": "x"})
        assert found.clips == (A, C)
        assert found.is_leak
        assert found.lines == ("a,c",)
        assert not leaks.exact_duplicates([A, B], {})

    def test_inside_one_part_or_one_recording_they_do_not_leak(self) -> None:
        assert not Overlap("exact", (B, C)).is_leak
        assert not Overlap("near", (A, B)).is_leak
        assert Overlap("exact", (A, B, C)).is_leak  # a and c differ in both
        assert Overlap("exact", (A, C)).relabelled is False
        assert Overlap("near", (A, B)).relabelled

    def test_a_near_copy_in_order_of_ids(self) -> None:
        matches = [Match(0, 1, 2.0, 0.5, 0.3), Match(1, 2, 1.0, 0.25, 0.2)]
        found = leaks.near_copies([C, A, B], matches, {"a": "x", "b": "y", "c": "z"})
        assert [(one.clips, one.match and one.match.lag) for one in found] == [((A, C), -0.5), ((A, B), 0.25)]
        assert found[0].to_dict()["lag_seconds"] == -0.5
        assert found[0].to_dict()["accept"] == ["a,c"]
        assert "accept" not in found[1].to_dict()

    def test_the_same_samples_are_no_near_copy(self) -> None:
        assert not leaks.near_copies([A, C], [Match(0, 1, 2.0, 0.0, 1.0)], {"a": "x", "c": "x"})


class TestExceptions:
    def written(self, folder: Path, text: str) -> Exceptions:
        (folder / "known.txt").write_text(text, encoding="utf-8")
        return Exceptions.read(folder / "known.txt")

    def test_lines(self, tmp_path: Path) -> None:
        text = '# known\n\n131943 # a clock\n a.wav , b.wav\n"x, y.wav",z.wav\nno#comment\n"c #1.wav"\n'
        found = self.written(tmp_path, text)
        assert found.names == {"131943", "no#comment", "c #1.wav"}
        assert found.pairs == {frozenset({"a.wav", "b.wav"}), frozenset({"x, y.wav", "z.wav"})}

    def test_what_a_finding_says_is_read_as_that_finding(self, tmp_path: Path) -> None:
        names = ("a,b.wav", "c #1.wav", 'say "hi".wav', " blank.wav", "🐶.wav")
        for first in names:
            for finding in (
                Overlap("clip", (place(first, "1", "2"),)),
                Overlap("near", (place(first, "1"), place("#other", "2"))),
            ):
                known = self.written(tmp_path, "\n".join(finding.lines))
                assert known.mark([finding])[0].accepted, finding.lines
                assert not known.stale([finding])

    @pytest.mark.parametrize("line", ["a,b,c", "a,"])
    def test_a_line_that_is_neither(self, tmp_path: Path, line: str) -> None:
        with pytest.raises(UsageError, match=r"known.txt, line 2: .* is neither a recording nor two clips"):
            self.written(tmp_path, f"ok\n{line}\n")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(RefusedError, match=r"cannot read the exceptions in .*none\.txt"):
            Exceptions.read(tmp_path / "none.txt")

    def test_only_what_is_named_is_accepted(self) -> None:
        findings = [*leaks.shared_recordings([A, B]), Overlap("near", (A, C)), Overlap("near", (B, C))]
        known = Exceptions(frozenset({"r", "gone"}), frozenset({frozenset("ab"), frozenset("bc")}))
        assert [one.accepted for one in known.mark(findings)] == [True, False, False]
        assert known.stale(findings) == ("a,b", "b,c", "gone")

    def test_a_recording_does_not_stand_for_its_copies(self) -> None:
        (found,) = Exceptions(frozenset({"r"})).mark([Overlap("exact", (A, C))])
        assert not found.accepted

    @pytest.mark.parametrize(("pairs", "accepted"), [(["ab", "bc"], True), (["ab"], False), (["ab", "cd"], False)])
    def test_many_of_the_same_hang_together_by_pairs(self, pairs: list[str], accepted: bool) -> None:
        known = Exceptions(frozenset(), frozenset(map(frozenset, pairs)))
        assert known.mark([Overlap("exact", (A, B, C))])[0].accepted == accepted
