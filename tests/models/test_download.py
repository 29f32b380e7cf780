"""Download of a dataset from a server that breaks off, resumes or not, and serves a wrong byte."""

from __future__ import annotations

import contextlib
import hashlib
import io
import resource
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from reported import reported

from models import progress
from models.data.download import Archive, get_dataset
from models.errors import DatasetError

SOUNDS = {
    f"{word}/{speaker}_nohash_0.wav": np.random.default_rng(speaker).bytes(50_000)
    for word in ("yes", "no")
    for speaker in range(3)
}


def archive_of(files: dict[str, bytes], *members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in members:
            tar.addfile(member)
    return out.getvalue()


class Site:
    """A server of one file.

    Attributes:
        content: the file.
        breaks: numbers of bytes after which the next answers end.
        ranges: whether it understands Range.
        asked: the Range of each request, "" for none.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.breaks, self.ranges = content, [], True
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range", "")
                site.asked.append(asked)
                begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges else 0
                if begin >= len(site.content) or self.path != "/set.tar.gz":
                    self.send_error(416 if begin else 404)
                    return
                self.send_response(206 if begin else 200)
                self.send_header("Content-Length", str(len(site.content) - begin))
                self.end_headers()
                stop = begin + site.breaks.pop(0) if site.breaks else len(site.content)
                self.wfile.write(site.content[begin:stop])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def archive(self) -> Archive:
        url = f"http://127.0.0.1:{self.server.server_port}/set.tar.gz"
        return Archive(url, hashlib.sha256(self.content).hexdigest())


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr("models.data.download._PAUSE_S", 0.0)
    site = Site(archive_of(SOUNDS))
    yield site
    site.server.shutdown()
    site.server.server_close()


def unpacked(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def get(site: Site, folder: Path) -> None:
    get_dataset(site.archive, folder)


def test_a_dataset_is_downloaded_and_unpacked(site, tmp_path):
    with reported(tasks := []) as lines:
        get(site, tmp_path / "data" / "set")
    assert unpacked(tmp_path / "data" / "set") == SOUNDS
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["set"]
    assert "download …" in [*lines, *tasks]


def test_a_download_that_breaks_off_is_resumed_where_it_broke(site, tmp_path):
    site.breaks = [100_000, 50_000]
    get(site, tmp_path / "set")
    assert site.asked == ["", "bytes=100000-", "bytes=150000-"]
    assert unpacked(tmp_path / "set") == SOUNDS


def test_a_server_that_cannot_resume_sends_everything_again(site, tmp_path):
    site.breaks, site.ranges = [100_000], False
    get(site, tmp_path / "set")
    assert unpacked(tmp_path / "set") == SOUNDS


def test_a_later_call_resumes_what_an_earlier_one_left(site, tmp_path):
    site.breaks = [100_000, 0, 0, 0, 0]
    with pytest.raises(
        DatasetError, match=r"broke off after 0\.1 MB.*Run the command again; it resumes there"
    ):
        get(site, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    site.asked.clear()
    get(site, tmp_path / "set")
    assert site.asked == ["bytes=100000-"] and unpacked(tmp_path / "set") == SOUNDS


def test_a_complete_download_that_was_not_unpacked_is_not_loaded_again(site, tmp_path):
    (tmp_path / "set.part").write_bytes(site.content)
    get(site, tmp_path / "set")
    assert unpacked(tmp_path / "set") == SOUNDS


def test_a_wrong_byte_is_found_and_nothing_is_unpacked(site, tmp_path):
    archive = site.archive
    site.content = site.content[:1000] + bytes([site.content[1000] ^ 1]) + site.content[1001:]
    with pytest.raises(DatasetError, match="damaged or another file: its SHA-256 is"):
        get_dataset(archive, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_named(site, tmp_path):
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(DatasetError, match=r"broke off after 0\.0 MB: .*refused.*http://127"):
        get(site, tmp_path / "set")


def test_another_page_in_place_of_the_rest_costs_nothing_that_has_arrived(site, tmp_path):
    archive, site.ranges, site.breaks = site.archive, False, [100_000, 0, 0, 0, 0]
    with pytest.raises(DatasetError, match="broke off"):
        get(site, tmp_path / "set")
    whole, site.content = site.content, b"<html>Log in</html>"
    with pytest.raises(DatasetError, match=r"broke off after 0\.1 MB: the server sent less than has arrived"):
        get_dataset(archive, tmp_path / "set")
    site.content, site.ranges = whole, True
    get(site, tmp_path / "set")
    assert site.asked[-1] == "bytes=100000-" and unpacked(tmp_path / "set") == SOUNDS


def test_a_file_that_the_server_does_not_have_is_asked_for_once(site, tmp_path):
    archive = replace(site.archive, url=f"{site.archive.url}.other")
    with pytest.raises(DatasetError, match=r"refuses the download: HTTP Error 404.*mirror"):
        get_dataset(archive, tmp_path / "set")
    assert site.asked == [""]


def test_two_downloads_into_one_folder_do_not_mix(site, tmp_path):
    site.breaks = [100_000]
    began, go_on = threading.Event(), threading.Event()

    def receive(report: progress.Report) -> None:
        if isinstance(report, progress.Line) and "resuming" in report.text:
            began.set()
            go_on.wait(60)

    with progress.sent_to(receive), ThreadPoolExecutor(1) as other:
        first = other.submit(get, site, tmp_path / "set")
        assert began.wait(60)
        try:
            with pytest.raises(DatasetError, match="another process downloads this dataset"):
                get(site, tmp_path / "set")
        finally:
            go_on.set()
        first.result()
    assert unpacked(tmp_path / "set") == SOUNDS


@contextlib.contextmanager
def largest_file(size: int):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_be_written_is_named_and_not_taken_for_a_broken_connection(site, tmp_path):
    with largest_file(100_000), pytest.raises(OSError, match=r"File too large: '.*/set\.part'"):
        get(site, tmp_path / "set")
    assert site.asked == [""] and (tmp_path / "set.part").stat().st_size == 100_000
    (tmp_path / "set.part").write_bytes(site.content)
    with largest_file(10_000), pytest.raises(OSError, match=r"File too large: '.*/set\.part'"):
        get(site, tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set.part"]
    get(site, tmp_path / "set")
    assert unpacked(tmp_path / "set") == SOUNDS


def test_an_interruption_says_where_the_download_goes_on(site, tmp_path):
    def interrupt(report: progress.Report) -> None:
        if isinstance(report, progress.Line) and "resuming" in report.text:
            raise KeyboardInterrupt

    site.breaks = [100_000]
    with progress.sent_to(interrupt), pytest.raises(KeyboardInterrupt) as stop:
        get(site, tmp_path / "set")
    assert stop.value.__notes__ == ["The same command resumes at 0.1 MB."]
    get(site, tmp_path / "set")
    assert site.asked == ["", "bytes=100000-"]


def test_a_folder_with_files_is_left_alone(site, tmp_path):
    (tmp_path / "mine.wav").write_text("mine")
    with pytest.raises(DatasetError, match="something in place of the dataset"):
        get(site, tmp_path)
    assert site.asked == [] and (tmp_path / "mine.wav").read_text() == "mine"


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def device(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.CHRTYPE
    return member


@pytest.mark.parametrize(
    "content",
    [
        archive_of({"yes/a.wav": b"a", "../outside.wav": b"b"}),
        archive_of({"yes/a.wav": b"a", "yes/../../outside.wav": b"b"}),
        archive_of({}, link("yes", "../..")),
        archive_of({}, device("yes")),
        archive_of({"yes/a.wav": b"a" * 100_000})[:-50],
        b"no archive",
    ],
    # An archive holds the second of its making, which differs between the processes that collect the tests.
    ids=["parent", "hidden parent", "link", "device", "cut off", "no archive"],
)
def test_an_archive_that_does_not_keep_to_its_folder_is_refused(site, tmp_path, content):
    site.content = content
    with pytest.raises(DatasetError, match="cannot be unpacked"):
        get(site, tmp_path / "data" / "set")
    assert not (tmp_path / "data" / "set").exists()
    assert not list(tmp_path.rglob("outside.wav"))
