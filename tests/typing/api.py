"""What a caller of the Python API may write. mypy reads this file (`make lint`); nobody runs it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import scratchpack
from scratchpack import Options, Output, Packed, Plan, Verdict, inspect, pack, plan, verify

if TYPE_CHECKING:
    from collections.abc import Iterator


def one_binary() -> None:
    """A path, as text or not."""
    assert_type(pack("./app"), Packed)
    assert_type(pack(Path("app")), Packed)
    assert_type(inspect(Path("app")), Plan)
    assert_type(plan("./app"), tuple[Plan, ...])
    assert_type(verify(Path("app.tar")), tuple[Verdict, ...])


def several_binaries(found: Iterator[Path]) -> None:
    """Any iterable of paths."""
    pack(["./app", Path("helper")], Options(tag="app"))
    plan(found, strict=False)


def single_values() -> Options:
    """One value where several may stand."""
    return Options(
        tag="app:1.0",
        output="type=oci,dest=app.oci.tar",
        expose=8080,
        volume=Path("/data"),
        env="HOME=/",
        platform="linux/amd64",
    )


def several_values() -> Options:
    """Sequences and mappings."""
    return Options(
        tag=["app:1.0", "app:latest"],
        output=[Output("docker", "app.tar"), "type=tar,dest=-"],
        env={"LANG": "C.UTF-8", "PORT": 80, "HOME": None},
        label={"team": "a"},
        annotation={"index:team": "a"},
        need={"ca-certificates": "always"},
        include={"/etc/mime.types": None, "./conf": Path("/etc/app")},
        expose=[80, "53/udp"],
        platform=["linux/amd64", "linux/arm64"],
        entrypoint=["/app", "--serve"],
        cmd=(),
        healthcheck=["/app", "--check"],
    )


def other_types() -> Options:
    """Paths, numbers, times and truth."""
    return Options(
        root=Path("/srv/root"),
        iidfile=Path("id"),
        user=0,
        created=datetime(2026, 1, 31, tzinfo=UTC),
        load=True,
        push=False,
    )


def results(packed: Packed, planned: Plan, verdict: Verdict) -> None:
    """What comes out, and as JSON."""
    assert_type(packed.plans, tuple[Plan, ...])
    assert_type(packed.receipts[0].dest, str)
    assert_type(planned.warnings, tuple[str, ...])
    assert_type(verdict.issues, tuple[str, ...])
    assert_type([packed.to_json(), planned.to_json(), verdict.to_json()], list[str])


def errors() -> int:
    """All errors are of one class, and say what they are."""
    try:
        pack("./app", Options(output=Output("docker", "app.tar", "zstd", 19)), environ=os.environ)
    except scratchpack.ClosureError as error:
        assert_type(error.details, tuple[str, ...])
        return error.exit_code
    except scratchpack.ScratchpackError as error:
        assert_type(error.hint, str | None)
        assert_type(error.to_json(), str)
    return 0


def misuse() -> None:
    """What mypy refuses; an ignored line that is no error would be one (warn_unused_ignores)."""
    pack(1)  # type: ignore[arg-type]
    Options(push="yes")  # type: ignore[arg-type]
    Options(tag=8)  # type: ignore[arg-type]
    Options(tags="app")  # type: ignore[call-arg]
    Options(env={"A": 1.5})  # type: ignore[dict-item]
    scratchpack.nothing  # type: ignore[attr-defined] # noqa: B018
