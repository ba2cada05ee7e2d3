import hashlib
import socket
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from hubbub.data.download import download
from hubbub.errors import DataError, ExitCode, RefusedError

CONTENT = np.random.default_rng(0).bytes(100_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Site(ThreadingHTTPServer):
    """Serves `content` under any path, with Range and If-Range; `plan` says what to do otherwise, one word a request.

    "break" stops halfway through what it sends, "little" gives 1,000 bytes of the rest, "plain" knows no Range,
    "stubborn" heeds no If-Range, "404" and other numbers are answered alone, "moved" sends on to /moved.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.validators = {"ETag": '"one"'}
        self.plan: deque[str] = deque()
        self.asked: list[dict[str, str]] = []  # the headers of each request, and its path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        site = self.server
        site.asked.append(dict(self.headers) | {"path": self.path})
        act = site.plan.popleft() if site.plan else ""
        if act.isdigit():
            self.send_response(int(act))
            self.end_headers()
        elif act == "moved":
            self.send_response(302)
            self.send_header("Location", "/moved")
            self.end_headers()
        else:
            self.send_content(act)

    def send_content(self, act: str) -> None:
        site = self.server
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        same = self.headers.get("If-Range") in (None, *site.validators.values())
        if act == "plain" or not (same or act == "stubborn"):
            start = 0
        if start and start >= len(site.content):
            self.send_response(416)
            self.end_headers()
            return
        stop = start + 1000 if act == "little" else len(site.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(site.content)}")
        for name, value in site.validators.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(stop - start))
        self.end_headers()
        self.wfile.write(site.content[start : (start + stop) // 2 if act == "break" else stop])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "made" / "file.bin"


def is_alone(target: Path) -> bool:
    return list(target.parent.iterdir()) == [target]


def leave_part(site: Site, target: Path, **settings: str) -> None:
    """A first call that breaks off after half of the file."""
    site.plan.append("break")
    with pytest.raises(RefusedError, match=r"broke off after 50,000 bytes"):
        download(site.url, target, attempts=1, **settings)  # type: ignore[arg-type]
    assert not target.exists()


def test_a_file_arrives_whole(site: Site, target: Path) -> None:
    sizes: list[tuple[int, int | None]] = []
    download(site.url, target, SHA256, on_bytes=lambda done, total: sizes.append((done, total)))
    assert target.read_bytes() == CONTENT and is_alone(target)
    assert sizes[-1] == (100_000, 100_000) and sizes == sorted(sizes)


def test_redirects_are_followed(site: Site, target: Path) -> None:
    site.plan.append("moved")
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT and site.asked[-1]["path"] == "/moved"


@pytest.mark.parametrize("validators", [{"ETag": '"one"'}, {"Last-Modified": "Fri, 04 Sep 2020 10:00:00 GMT"}])
def test_what_breaks_off_goes_on_from_there(site: Site, target: Path, validators: dict[str, str]) -> None:
    site.validators = validators
    site.plan.extend(["break", "break"])
    sizes: list[int] = []
    download(site.url, target, on_bytes=lambda done, total: sizes.append(done), pause=0)
    assert target.read_bytes() == CONTENT and is_alone(target)
    assert site.ranges == [None, "bytes=50000-", "bytes=75000-"]
    assert {headers["If-Range"] for headers in site.asked[1:]} == set(validators.values())
    assert sizes == sorted(sizes)


def test_a_later_call_goes_on_too(site: Site, target: Path) -> None:
    leave_part(site, target)
    download(site.url, target)
    assert target.read_bytes() == CONTENT and is_alone(target)
    assert site.ranges == [None, "bytes=50000-"]


def test_tries_that_bring_something_new_are_not_counted(site: Site, target: Path) -> None:
    site.plan.extend(["break"] * 6)
    download(site.url, target, attempts=2, pause=0)
    assert target.read_bytes() == CONTENT and len(site.asked) == 7


def test_a_server_may_send_less_than_was_asked_for(site: Site, target: Path) -> None:
    site.plan.extend(["break", "little"])
    download(site.url, target, pause=0)
    assert target.read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=50000-", "bytes=51000-"]


def test_a_server_without_ranges_sends_all_again(site: Site, target: Path) -> None:
    site.plan.extend(["break", "plain"])
    download(site.url, target, pause=0)
    assert target.read_bytes() == CONTENT and is_alone(target)


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(site: Site, target: Path) -> None:
    site.validators = {}
    site.plan.extend(["break"] * 9)
    with pytest.raises(RefusedError, match="broke off after 50,000 bytes"):
        download(site.url, target, attempts=3, pause=0)
    assert len(site.asked) == 3


@pytest.mark.parametrize("plan", [["break"], ["break", "stubborn"]])
def test_changed_content_is_fetched_from_the_start(site: Site, target: Path, plan: list[str]) -> None:
    leave_part(site, target)
    site.content, site.validators = CONTENT[::-1], {"ETag": '"two"'}
    site.plan.extend(plan[1:])
    download(site.url, target, pause=0)
    assert target.read_bytes() == CONTENT[::-1] and is_alone(target)


def test_content_that_became_shorter_is_fetched_from_the_start(site: Site, target: Path) -> None:
    leave_part(site, target)
    site.content = CONTENT[:20_000]
    download(site.url, target, pause=0)
    assert target.read_bytes() == CONTENT[:20_000] and is_alone(target)


@pytest.mark.parametrize("validators", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_validator_only_a_checksum_allows_to_go_on(
    site: Site, target: Path, validators: dict[str, str]
) -> None:
    site.validators = validators
    leave_part(site, target)
    site.plan.append("break")
    with pytest.raises(RefusedError, match="broke off"):
        download(site.url, target, attempts=1)
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT
    assert site.ranges == [None, None, "bytes=50000-"]


def test_a_part_of_another_address_is_not_continued(site: Site, target: Path) -> None:
    leave_part(site, target)
    download(site.url + "?other", target, SHA256)
    assert target.read_bytes() == CONTENT and site.ranges == [None, None]


@pytest.mark.parametrize("note", ["", "[]"])
def test_a_part_with_a_damaged_note_is_not_continued(site: Site, target: Path, note: str) -> None:
    leave_part(site, target)
    target.with_name("file.bin.part.json").write_text(note)
    download(site.url, target)
    assert target.read_bytes() == CONTENT and is_alone(target) and site.ranges == [None, None]


def test_a_passing_trouble_is_waited_for(site: Site, target: Path) -> None:
    site.plan.extend(["503", "429"])
    download(site.url, target, attempts=3, pause=0)
    assert target.read_bytes() == CONTENT


def test_a_lasting_trouble_is_reported(site: Site, target: Path) -> None:
    site.plan.extend(["500"] * 9)
    with pytest.raises(RefusedError, match=r"the server answered 500 Internal Server Error\): try again later"):
        download(site.url, target, attempts=3, pause=0)
    assert len(site.asked) == 3 and not target.exists()


def test_what_the_server_does_not_have_is_asked_for_once(site: Site, target: Path) -> None:
    site.plan.append("404")
    with pytest.raises(RefusedError, match="404 Not Found") as caught:
        download(site.url, target, pause=0)
    assert len(site.asked) == 1 and site.url in str(caught.value)


def test_what_has_arrived_survives_a_trouble(site: Site, target: Path) -> None:
    leave_part(site, target)
    site.plan.append("404")
    with pytest.raises(RefusedError, match="404"):
        download(site.url, target)
    download(site.url, target)
    assert target.read_bytes() == CONTENT and site.ranges[-1] == "bytes=50000-"


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_without_a_network_the_message_says_what_to_do(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = f"http://127.0.0.1:{closed_port()}/file.bin"
    with pytest.raises(
        RefusedError, match=r"no network, or 127\.0\.0\.1 cannot be reached.*put it at .*file\.bin"
    ) as e:
        download(url, target, attempts=2, pause=0)
    assert e.value.exit_code == ExitCode.REFUSED and "\n" not in str(e.value)
    with pytest.raises(RefusedError, match=r"or import a copy$"):
        download(url, target, attempts=1, instead="import a copy")


def test_a_wrong_file_is_discarded_and_the_old_one_stays(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(DataError, match=r"is not the expected file \(SHA-256 .*it was discarded; try again"):
        download(site.url, target, "0" * 64)
    assert target.read_text() == "old" and is_alone(target)


def test_a_part_with_wrong_bytes_is_found_out(site: Site, target: Path) -> None:
    leave_part(site, target)
    part = target.with_name("file.bin.part")
    part.write_bytes(b"x" + part.read_bytes()[1:])
    with pytest.raises(DataError, match="not the expected file"):
        download(site.url, target, SHA256)
    download(site.url, target, SHA256)
    assert target.read_bytes() == CONTENT and is_alone(target)


def test_a_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match=r"cannot write .*file/x\.bin"):
        download(site.url, tmp_path / "file" / "x.bin")
