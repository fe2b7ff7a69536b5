"""Image names (I2, I3): what docker takes, spelled out; what it refuses, refused with a reason."""

from __future__ import annotations

import pytest

from scratchpack.errors import UsageError
from scratchpack.oci import reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("hello", "docker.io/library/hello:latest"),
        ("hello:1.2", "docker.io/library/hello:1.2"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/hello", "docker.io/library/hello:latest"),
        ("index.docker.io/library/hello:x", "docker.io/library/hello:x"),
        ("registry-1.docker.io/team/app", "docker.io/team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("ghcr.io/me/app:latest", "ghcr.io/me/app:latest"),
        ("Reg/app", "Reg/app:latest"),
        (f"hello@{DIGEST}", f"docker.io/library/hello@{DIGEST}"),
        (f"ghcr.io/me/app:v1@{DIGEST}", f"ghcr.io/me/app:v1@{DIGEST}"),
        ("a__b/c-d.e", "docker.io/a__b/c-d.e:latest"),
    ],
)
def test_a_name_is_spelled_out_as_docker_does(written: str, full: str) -> None:
    assert str(reference.parse(written)) == full
    assert reference.parse(full) == reference.parse(written)


@pytest.mark.parametrize(
    "written",
    ["", "Hello", "hello:", "hello:a b", "hello:.x", "a//b", "/a", "a/", "a..b", "-a", "a/../b", "ghcr.io/", "x@sha256:12",
     "x@sha256:" + "AB" * 32, "x@md5:" + "ab" * 16, "bad host.com/x", "user:pw@host.com/x", "h.com:999999/x", "x:" + "t" * 129,
     "https://ghcr.io/me/app", "ghcr.io/me/app:a:b", "x\n", "a" * 300],
)  # fmt: skip
def test_what_no_engine_takes_is_refused_with_a_reason(written: str) -> None:
    with pytest.raises(UsageError, match="cannot use"):
        reference.parse(written)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("hello", "hello"),
        ("goHelloWorld", "gohelloworld"),
        ("my app+x", "my-app-x"),
        ("a..b", "a-b"),
        ("a__b", "a__b"),
        ("a___b", "a-b"),
        ("-x-", "x"),
        ("--from=x", "from-x"),
        ("$HOME", "home"),
        ("\udcff", "image"),
        ("é", "image"),
        ("a" * 255, "a" * 200),
    ],
)
def test_a_file_name_gives_a_name_that_engines_take(file: str, name: str) -> None:
    full = str(reference.from_file_name(file))
    assert full == f"localhost/{name}:latest"
    assert str(reference.parse(full)) == full
    assert reference.parse(full).familiar == f"localhost/{name}:latest"
