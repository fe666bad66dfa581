"""A Docker engine that answers is not yet one that has the images: then the tests and the demo go on without it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from testcontainers.core.config import testcontainers_config

from sigill.embedded import engine


class _Engine(BaseHTTPRequestHandler):
    """An engine on a machine without a network: it has some images, and cannot fetch any."""

    has: frozenset[str] = frozenset()

    def _answer(self, status: int, body: object) -> None:
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        if self.path.endswith("/_ping"):
            self._answer(200, "OK")
        elif self.path.endswith("/version"):
            self._answer(200, {"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "26.1.5"})
        elif any(f"/images/{image}/json" in self.path for image in self.has):
            self._answer(200, {"Id": "sha256:0", "RepoTags": []})
        else:
            self._answer(404, {"message": "No such image"})

    def do_POST(self) -> None:
        self._answer(500, {"message": "dial tcp: lookup: no such host"})

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Engine]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    engine.runs.cache_clear()
    yield _Engine
    engine.runs.cache_clear()
    _Engine.has = frozenset()
    server.shutdown()
    server.server_close()


def test_an_engine_without_images_is_passed_over_and_told_of(
    docker: type[_Engine], capfd: pytest.CaptureFixture[str]
) -> None:
    assert not engine.runs("apache/kafka:4.2.0")
    assert "Docker answers, but cannot fetch apache/kafka:4.2.0" in capfd.readouterr().err


def test_an_engine_that_has_the_images_is_taken(docker: type[_Engine]) -> None:
    docker.has = frozenset({"apache/kafka:4.2.0", testcontainers_config.ryuk_image})
    assert engine.runs("apache/kafka:4.2.0")


def test_an_engine_that_cannot_clean_up_is_passed_over(docker: type[_Engine]) -> None:
    docker.has = frozenset({"apache/kafka:4.2.0"})
    assert not engine.runs("apache/kafka:4.2.0")


def test_where_no_engine_answers_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    engine.runs.cache_clear()
    assert not engine.runs("apache/kafka:4.2.0")
    engine.runs.cache_clear()
