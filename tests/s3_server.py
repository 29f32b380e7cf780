"""A real S3 server on the loopback (moto's), behind a proxy that can break each request."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

BUCKET = "benches"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = "us-east-1"

Fault = Callable[[str, str], "Answer | str | None"]
"""Returns what happens to a request, by method and path: an answer in place of the server's, "half" for half
the server's answer, None for all of it."""

Answer = tuple[int, str]
"""HTTP status and S3's code."""

SLOW_DOWN: Answer = 503, "SlowDown"


class S3:
    """The server and its proxy.

    Attributes:
        url: of an empty bucket.
        fault: of each request.
        requests: "METHOD path" of each request so far.
    """

    def __init__(self) -> None:
        self._moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._moto.start()
        self.server = self._moto.get_host_and_port()
        self.url = f"s3://{BUCKET}/earshot"
        self.fault: Fault = lambda method, path: None
        self.requests: list[str] = []
        self.has_new_clients = False
        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._proxy.server_port}"
        self.client = boto3.client(
            "s3",
            endpoint_url="http://{}:{}".format(*self.server),
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name=REGION,
        )

    def reset(self) -> None:
        """Begin with one empty bucket and no faults."""
        self.fault = lambda method, path: None
        if self.client.list_buckets()["Buckets"]:
            self.remove_bucket()
        self.client.create_bucket(Bucket=BUCKET)
        self.requests.clear()

    def remove_bucket(self) -> None:
        for name in self.names():
            self.client.delete_object(Bucket=BUCKET, Key=name)
        self.client.delete_bucket(Bucket=BUCKET)

    def names(self) -> list[str]:
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def content(self, name: str) -> bytes:
        return self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def close(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._moto.stop()


def _handler(s3: S3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            s3.requests.append(f"{self.command} {self.path}")
            fault = s3.fault(self.command, self.path)
            if isinstance(fault, tuple):
                status, code = fault
                text = f"<Error><Code>{code}</Code><Message>made by the proxy</Message></Error>".encode()
                self.answer(status, {"Content-Type": "application/xml"}, text, len(text))
                return
            server = http.client.HTTPConnection(*s3.server, timeout=20)
            server.request(self.command, self.path, body, dict(self.headers))
            answer = server.getresponse()
            found = answer.read()
            size = int(answer.headers.get("Content-Length", len(found)))
            self.answer(answer.status, dict(answer.headers), found[: size // 2] if fault else found, size)
            self.close_connection = self.close_connection or fault == "half"
            server.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes, size: int) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def running() -> Iterator[S3]:
    """Run the server; no client of an earlier one is left."""
    S3FileSystem.clear_instance_cache()
    server = S3()
    try:
        yield server
    finally:
        server.close()


def use(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """Empty the server and lead every client of this process and its children there."""
    server.reset()
    if server.has_new_clients:  # those of a test before have other settings
        S3FileSystem.clear_instance_cache()
        server.has_new_clients = False
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    return server


def _new_clients(s3: S3) -> None:
    S3FileSystem.clear_instance_cache()
    s3.has_new_clients = True


def no_credentials(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    _new_clients(s3)


def no_bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.remove_bucket()


def no_network(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    _new_clients(s3)


def wrong_clock(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.fault = lambda method, path: (403, "RequestTimeTooSkewed")


def wrong_key(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.fault = lambda method, path: (403, "InvalidAccessKeyId")


def read_only(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.fault = lambda method, path: (403, "AccessDenied") if method == "PUT" else None


FAULTS = [
    (no_credentials, "there are no credentials"),
    (no_bucket, "there is no such bucket"),
    (no_network, "the server cannot be reached"),
    (wrong_clock, "the clock of this machine is off"),
    (wrong_key, "the credentials are refused"),
    (read_only, "access is denied"),
]
"""Functions that break the server or its client, and the sentence on each."""
