"""``--probe`` takes what the program in the image can ask, and says of everything else why not."""

from __future__ import annotations

import pytest

from scratchpack.config import Options
from scratchpack.errors import UsageError
from scratchpack.oci.model import Healthcheck
from scratchpack.request import request
from scratchpack.request.probe import PATH


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080/healthz", "http://:8080", "http://localhost/", "http://[::1]:80/a?b=c", "tcp://:6379", "tcp://10.0.0.1:1",
    ],
)  # fmt: skip
def test_an_address_becomes_the_health_check_that_asks_it(address: str) -> None:
    made = request(Options(probe=address), "pack", {})
    assert made.healthcheck == made.probe == Healthcheck(("CMD", PATH, address))


def test_options_of_a_health_check_stand_before_it() -> None:
    made = request(Options(probe="--interval=10s --retries=2 tcp://:5432"), "dockerfile", {})
    assert made.healthcheck == Healthcheck(("CMD", PATH, "tcp://:5432"), interval=10 * 10**9, retries=2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://127.0.0.1/", "speaks no TLS"),
        ("http://example.org/", "nothing to look a name up with"),
        ("http://127.0.0.256/", "is no address"),
        ("tcp://127.0.0.1", "a port is a number"),
        ("tcp://:0", "a port is a number"),
        ("http://:65536/", "a port is a number"),
        ("tcp://:80/x", "has no path"),
        ("http://:80/a b", "no address"),
        ("http://:80/a http://:81/", "it is one address"),
        ("--intervall=3s tcp://:1", "options are"),
        ("http://:80/\x1b[2J", "no address"),
        ("http://:80/é", "no address"),
        ("", "no address"),
    ],
)
def test_what_it_could_not_ask_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        request(Options(probe=text), "pack", {})


def test_none_undoes_it_and_two_checks_are_one_too_many() -> None:
    made = request(Options(probe="none", healthcheck="/app check"), "pack", {})
    assert made.healthcheck == Healthcheck(("CMD", "/app", "check"))
    with pytest.raises(UsageError, match="together"):
        request(Options(probe="tcp://:1", healthcheck="/app check"), "pack", {})
