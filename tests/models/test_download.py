"""Download of a dataset from a server that breaks off, resumes or not, and serves a wrong byte."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from reported import reported

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
                if begin >= len(site.content):
                    self.send_error(416)
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
def site():
    site = Site(archive_of(SOUNDS))
    yield site
    site.server.shutdown()
    site.server.server_close()


def unpacked(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def get(site: Site, folder: Path) -> None:
    get_dataset(site.archive, folder, pause_s=0)


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
        get_dataset(archive, tmp_path / "set", pause_s=0)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_named(site, tmp_path):
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(DatasetError, match=r"broke off after 0\.0 MB: .*refused.*http://127"):
        get(site, tmp_path / "set")


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
