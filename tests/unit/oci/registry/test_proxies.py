"""HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed; the short path of a run knows nothing of urllib3."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import RemoteError
from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.push import push
from scratchpack.oci.registry.session import Access
from tests.support import releases
from tests.support.cli import HOME
from tests.unit.oci.registry.conftest import hasty

if TYPE_CHECKING:
    from tests.support.fake_registry import FakeRegistry

FAR = "192.0.2.7:5000"  # RFC 5737: nobody is there


def test_a_far_registry_is_reached_through_the_proxy(home: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", home.url)
    monkeypatch.delenv("no_proxy", raising=False)
    push(releases.small(), [f"{FAR}/team/app:v1"], options=hasty(insecure={FAR}))
    assert "team/app:v1" in home.manifests
    assert home.seen[-1].target == f"http://{FAR}/v2/team/app/manifests/v1"


def test_a_host_in_no_proxy_is_not(home: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", home.url)
    monkeypatch.setenv("no_proxy", "192.0.2.7")
    with pytest.raises(RemoteError, match=r"cannot reach https://192\.0\.2\.7:5000"):
        push(releases.small(), [f"{FAR}/team/app:v1"], options=Access(policy=Policy(tries=1, connect=0.2)))
    assert not home.seen


def test_this_machine_is_never_reached_through_a_proxy(
    home: FakeRegistry, other: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.delenv("no_proxy", raising=False)
    push(releases.small(), [f"{home.host}/team/app:v1"], options=hasty())
    assert not other.seen


def test_urllib3_is_imported_only_by_a_run_that_pushes_or_pulls() -> None:
    code = "import sys, scratchpack.sinks.registry, scratchpack.sinks.engine; sys.exit('urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HOME, check=False).returncode == 0
