import os
import signal
import sys
from pathlib import Path

import pytest

from hubbub import workers
from hubbub.errors import RefusedError
from hubbub.workers import cores, mapped


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of eight cores without limits; its control groups."""
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(workers, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(workers, "_MEMBERSHIP", tmp_path / "membership")
    return tmp_path / "cgroup"


def member(machine: Path, line: str, group: str, **files: str) -> None:
    """Put this process into a control group, and give the group `group` its files, in whose names "__" is a dot."""
    (machine.parent / "membership").write_text(f"3:memory:/else\n{line}\n")
    (machine / group).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (machine / group / name.replace("__", ".")).write_text(content)


class TestCores:
    def test_without_control_groups(self, machine: Path) -> None:
        assert cores() == 8

    @pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity")
    def test_affinity(self, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "process_cpu_count", raising=False)
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 5, 6})
        assert cores() == 3

    def test_a_quota_is_rounded_up(self, machine: Path) -> None:
        member(machine, "0::/", ".", cpu__max="250000 100000\n")
        assert cores() == 3

    def test_a_share_of_one_core_is_one(self, machine: Path) -> None:
        member(machine, "0::/", ".", cpu__max="1000 100000\n")
        assert cores() == 1

    def test_no_quota(self, machine: Path) -> None:
        member(machine, "0::/", ".", cpu__max="max 100000\n")
        assert cores() == 8

    def test_groups_further_out_limit_too(self, machine: Path) -> None:
        member(machine, "0::/batch/job", "batch/job", cpu__max="400000 100000\n")
        member(machine, "0::/batch/job", "batch", cpu__max="200000 100000\n")
        assert cores() == 2

    def test_version_1(self, machine: Path) -> None:
        files = {"cpu__cfs_quota_us": "150000\n", "cpu__cfs_period_us": "100000\n"}
        member(
            machine, "4:cpu,cpuacct:/of/the/host", "cpu", **files
        )  # as a container without its own namespace sees it
        assert cores() == 2
        member(machine, "4:cpu,cpuacct:/of/the/host", "cpu", cpu__cfs_quota_us="-1\n")
        assert cores() == 8

    def test_what_cannot_be_read_is_no_limit(self, machine: Path) -> None:
        member(machine, "0::/", ".", cpu__max="?")
        assert cores() == 8


def squared(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


def process(number: int) -> int:
    return os.getpid()


def killed(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def touched(path: Path) -> Path:
    path.touch()
    return path


class TestMapped:
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_results_are_in_order(self, jobs: int) -> None:
        assert list(mapped(squared, range(40), jobs)) == [number**2 for number in range(40)]
        assert list(mapped(squared, [], jobs)) == []

    def test_one_item_is_worked_on_here(self) -> None:
        assert list(mapped(process, [0], 2)) == [os.getpid()]
        assert os.getpid() not in set(mapped(process, range(4), 2))

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_an_error_is_raised_where_it_is_due(self, jobs: int) -> None:
        results = mapped(squared, [*range(20), -1, *range(20)], jobs)
        with pytest.raises(ValueError, match="-1 is negative"):
            list(results)

    def test_a_caller_that_stops_leaves_the_rest_undone(self, tmp_path: Path) -> None:
        results = mapped(touched, [tmp_path / str(number) for number in range(4000)], 2)
        assert next(results) == tmp_path / "0"
        results.close()
        assert len(list(tmp_path.iterdir())) < 4000

    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
    def test_a_killed_process_is_told(self) -> None:
        with pytest.raises(RefusedError, match="a process was killed"):
            list(mapped(killed, range(2), 2))

    def test_without_semaphores_it_is_done_here(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refused(*arguments: object, **options: object) -> None:
            raise PermissionError(13, "Permission denied")  # as where /dev/shm cannot be written

        monkeypatch.setattr(workers, "ProcessPoolExecutor", refused)
        assert list(mapped(process, range(4), 2)) == [os.getpid()] * 4
        (message,) = caplog.messages
        assert "one process instead of 2" in message and "Permission denied" in message and "/dev/shm" in message
