"""The image config as JSON: what an engine reads to start the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.oci.digest import canonical_json
from scratchpack.pattern import pattern
from scratchpack.rootfs import File

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.oci.model import ImageConfig, Layer
    from scratchpack.rootfs import Rootfs

CREATED_BY = "scratchpack"
_RFC3339 = pattern(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_NUMERIC_USER = pattern(r"[0-9]+(?::[0-9]+)?")


def config_json(config: ImageConfig, layers: Sequence[Layer]) -> bytes:
    """The config blob's bytes.

    Raises:
        UsageError: ``created`` is not RFC 3339 (I7).
        InputError: a name in it is not UTF-8.
    """
    if config.created is not None and not is_rfc3339(config.created):
        raise UsageError(
            f"cannot use {config.created!r} as the time of creation (I7)", hint="write it as 2024-05-06T07:08:09Z"
        )
    when = {} if config.created is None else {"created": config.created}
    document: dict[str, Any] = {
        **config.carried_above,
        "architecture": config.platform.architecture,
        "os": config.platform.os,
        "config": _run_config(config),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [  # I8: as many as layers
            *({"created_by": instruction} for instruction in config.history),
            *({**when, "created_by": CREATED_BY} for _ in layers[len(config.history) :]),
        ],
        **when,
    }
    if config.platform.variant:
        document["variant"] = config.platform.variant
    if config.author:
        document["author"] = config.author
    return canonical_json(document, what="image config")


def _run_config(config: ImageConfig) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "User": config.user,
        "ExposedPorts": {port if "/" in port else f"{port}/tcp": {} for port in config.exposed_ports},
        "Env": [f"{name}={value}" for name, value in config.env],
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.cmd),
        "Volumes": {volume: {} for volume in config.volumes},
        "WorkingDir": config.working_dir,
        "Labels": dict(config.labels),
        "StopSignal": config.stop_signal,
    }
    if config.healthcheck is not None:  # I18
        check = config.healthcheck
        times = {
            "Interval": check.interval,
            "Timeout": check.timeout,
            "StartPeriod": check.start_period,
            "Retries": check.retries,
        }
        fields["Healthcheck"] = {"Test": list(check.test), **{name: value for name, value in times.items() if value}}
    return {**config.carried, **{name: value for name, value in fields.items() if value}}


def is_rfc3339(text: object) -> bool:
    """Whether engines take this as a time (I7): RFC 3339, section 5.6, and a day that exists."""
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        return False
    from datetime import datetime

    try:
        datetime.fromisoformat(text[:19].upper())
    except ValueError:
        return False
    return True


def check_user(config: ImageConfig, rootfs: Rootfs) -> None:
    """Hold that a user by name can be found in the image (I15).

    Raises:
        UsageError: the image's /etc/passwd or /etc/group has no such name.
    """
    if not config.user or _NUMERIC_USER.fullmatch(config.user):
        return
    user, _, group = config.user.partition(":")
    for name, table in ((user, "/etc/passwd"), (group, "/etc/group")):
        if name and foreign.decimal(name) is None and name not in _names(rootfs, table):
            raise UsageError(
                f"cannot run as {config.user!r}: the image's {table} does not name {name!r} (I15)",
                hint="use numbers, for example --user 65532:65532, or bring a file that names it with --include",
            )


def _names(rootfs: Rootfs, table: str) -> set[str]:
    entry = rootfs.get(table)
    if not isinstance(entry, File):
        return set()
    with entry.source.open() as stream:
        text = stream.read(1 << 20).decode(errors="surrogateescape")
    return {line.partition(":")[0] for line in text.splitlines()}
