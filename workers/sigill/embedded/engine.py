"""The Docker engine of this machine, where there is one that can run what is wanted."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from sigill.embedded.processes import progress, say

if TYPE_CHECKING:
    from docker import DockerClient


@cache
def runs(image: str) -> bool:
    """
    Say whether testcontainers is installed, a Docker engine answers, and it has an image or can fetch it.

    An engine that cannot fetch (no network, no right) is told of in a line and passed over. Asked once a process.
    """
    try:
        import docker
        from testcontainers.core.config import testcontainers_config
    except ImportError:
        return False
    # what testcontainers starts beside, so that nothing is left behind
    beside = [] if testcontainers_config.ryuk_disabled else [testcontainers_config.ryuk_image]
    prefix = testcontainers_config.hub_image_name_prefix
    try:
        with closing(docker.from_env(timeout=3)) as client:
            client.ping()
            missing = [
                tagged
                for tagged in (f"{prefix}{name}" for name in (image, *beside))
                if not _has(client, tagged)
            ]
    except Exception:
        return False
    return all(map(_fetches, missing))


def _has(client: DockerClient, image: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _fetches(image: str) -> bool:
    import docker

    try:
        # not within the three seconds of a question
        with closing(docker.from_env()) as client, progress(f"fetching {image}"):
            client.images.pull(image)
    except Exception as error:  # the engine's own, and its connection's
        say(f"Docker answers, but cannot fetch {image} ({type(error).__name__}): going on without it")
        return False
    return True
