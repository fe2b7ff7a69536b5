"""Two hosts that are registries, and a user who has a password for the first."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.session import Access
from tests.support.fake_registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "s3cret-of-the-user"
BASIC = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()


def hasty(**more: object) -> Access:
    """Options that wait for nothing."""
    policy = Policy(sleep=lambda _: None, connect=5.0, answer=0.6)
    return Access(policy=policy, **{name: frozenset(value) for name, value in more.items()})  # type: ignore[call-overload]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty DOCKER_CONFIG directory, and nothing else to find credentials in."""
    home = tmp_path / "docker-config"
    home.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return home


@pytest.fixture
def home() -> Iterator[FakeRegistry]:
    """The configured host."""
    with FakeRegistry("127.0.0.1") as fake:
        yield fake


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    """Another host."""
    with FakeRegistry("127.0.0.2") as fake:
        yield fake


@pytest.fixture
def log_in(config: Path) -> Callable[..., None]:
    """Store the user's password for a host, as docker login does."""

    def store(host: str, **entry: str) -> None:
        auth = entry or {"auth": BASIC.removeprefix("Basic ")}
        (config / "config.json").write_text(json.dumps({"auths": {host: auth}}))

    return store
