"""The Docker engine of this machine, where there is one that can run what is wanted."""

from __future__ import annotations

from functools import cache

from infra.processes import progress, say


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
        client = docker.from_env(timeout=3)
    except Exception:
        return False
    try:
        client.ping()
    except Exception:
        return False
    finally:
        client.close()
    return all(_has(one) or _fetches(one) for one in (f"{prefix}{name}" for name in (image, *beside)))


def _has(image: str) -> bool:
    import docker

    client = docker.from_env()
    try:
        client.images.get(image)
    except Exception:  # it has not, or we may not ask
        return False
    finally:
        client.close()
    return True


def _fetches(image: str) -> bool:
    import docker

    client = docker.from_env()
    try:
        with progress(f"fetching {image}"):
            client.images.pull(image)
    except Exception as error:  # the engine's own, and its connection's
        say(f"Docker answers, but cannot fetch {image} ({type(error).__name__}): going on without it")
        return False
    finally:
        client.close()
    return True
