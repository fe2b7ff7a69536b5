"""``-o type=dockerfile``: planned files and a configuration go in; a context directory with ``Dockerfile`` and ``rootfs.tar`` comes out, which builds what ``pack`` writes.

Any of BuildKit, the classic builder and buildah gives the same root filesystem and configuration. Nothing untrusted stands
outside a JSON array or a quoted word, and what a Dockerfile cannot say exactly is an error (S12). Two additions are the
builders' own, and mean nothing at run time: ``PATH`` with the engine's default, and ``WorkingDir`` ``/``.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from scratchpack import render
from scratchpack.errors import OutputError
from scratchpack.oci.layer import tar_stream
from scratchpack.sinks.model import Receipt
from scratchpack.sinks.publish import StagedDirectory, cannot_write, check_free

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.oci.model import Healthcheck, ImageConfig
    from scratchpack.rootfs import Rootfs

TEMPLATE = "dockerfile/scratch.Dockerfile.j2"
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")  # USER, EXPOSE and STOPSIGNAL take no quotes
_NAME = re.compile(r"[A-Za-z0-9_./-]+")  # of a variable or a label
_UNITS = (("h", 3600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1))


class DockerfileContext:
    """The context made beside ``dest`` and renamed; ``mtime`` is every entry's time in whole seconds."""

    def __init__(self, dest: str, *, force: bool = False, mtime: int = 0) -> None:
        self._dest, self._force, self._mtime = dest, force, mtime

    def write(self, rootfs: Rootfs, config: ImageConfig) -> Receipt:
        """Write and publish.

        Raises:
            InputError: an entry that no image can carry, or a source that changed while it was read (S10).
            OutputError: the configuration cannot be written in a Dockerfile (S12), the context could not be written (S19),
                or something stands there (S17).
        """
        text = dockerfile(config)
        rootfs.check()
        check_free(self._dest, force=self._force)
        with StagedDirectory(self._dest) as staged:
            self._file(staged.path, "rootfs.tar", tar_stream(rootfs, mtime=self._mtime))
            self._file(staged.path, "Dockerfile", [text.encode()])
            if not staged.publish(force=self._force):
                raise OutputError(f"cannot write {self._dest}: the directory is not empty any more")
        return Receipt("dockerfile", self._dest)

    def _file(self, place: str, name: str, pieces: Iterable[bytes | memoryview]) -> None:
        try:
            with open(os.path.join(place, name), "wb") as stream:
                stream.writelines(pieces)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise cannot_write(self._dest, error) from error


def dockerfile(config: ImageConfig) -> str:
    """The Dockerfile's text.

    Raises:
        OutputError: naming every value that no Dockerfile can carry.
    """
    page = _Page()
    after = [
        *page.pairs("ENV", "env", config.env),
        *page.pairs("LABEL", "label", config.labels),
        *(
            [f"EXPOSE {' '.join(page.plain('expose', port) for port in config.exposed_ports)}"]
            if config.exposed_ports
            else []
        ),
        *([f"VOLUME {page.expanded_array('volume', config.volumes)}"] if config.volumes else []),
        *([f"STOPSIGNAL {page.plain('stop-signal', config.stop_signal)}"] if config.stop_signal else []),
        *([page.healthcheck(config.healthcheck)] if config.healthcheck else []),
        *([f"MAINTAINER {page.line('author', config.author)}"] if config.author else []),
        *([f"USER {page.plain('user', config.user)}"] if config.user else []),
        *([f"ENTRYPOINT {page.array('entrypoint', config.entrypoint)}"] if config.entrypoint else []),
        *([f"CMD {page.array('cmd', config.cmd)}"] if config.cmd else []),
    ]
    # WORKDIR makes a directory of mode 0755 (I17): it stands first, and rootfs.tar then says what the mode is
    before = [f"WORKDIR {page.word('workdir', config.working_dir)}"] if config.working_dir not in {"", "/"} else []
    if page.problems:
        raise OutputError(
            "cannot say this image in a Dockerfile",
            details=tuple(page.problems),
            hint="-o type=docker or type=oci can; a program whose name is not UTF-8 needs --at",
        )
    return render.render(TEMPLATE, {"platform": str(config.platform), "before": before, "after": after})


class _Page:
    """Puts values down as each instruction reads them, and collects those that it cannot."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def pairs(self, instruction: str, what: str, pairs: tuple[tuple[str, str], ...]) -> list[str]:
        """All of them in one instruction, which is one step of a build."""
        words = [f"{self.name(what, name)}={self.word(what, value)}" for name, value in pairs]
        return [f"{instruction} " + " \\\n    ".join(words)] if words else []

    def plain(self, what: str, value: str) -> str:
        if not _PLAIN.fullmatch(value):
            self.problems.append(f"{what} {value!r}: may hold letters, digits and . _ : / - only")
        return value

    def name(self, what: str, value: str) -> str:
        if not _NAME.fullmatch(value):
            self.problems.append(f"{what} {value!r}: the name may hold letters, digits and . _ / - only")
        return value

    def array(self, what: str, words: tuple[str, ...]) -> str:
        """A JSON array whose words are taken as they are."""
        for word in words:
            self._encodable(what, word)
        return render.exec_form(words)

    def expanded_array(self, what: str, words: tuple[str, ...]) -> str:
        """A JSON array whose words are expanded like a shell's: ``$``, quotes and backslashes are escaped first."""
        for word in words:
            self._encodable(what, word)
        return json.dumps([re.sub(r"""([\\"'$])""", r"\\\1", word) for word in words])

    def word(self, what: str, value: str) -> str:
        """One word in double quotes, in which only these three mean something."""
        return '"' + re.sub(r'([\\"$])', r"\\\1", self.line(what, value)) + '"'

    def line(self, what: str, value: str) -> str:
        """What stands in a line as it is."""
        if self._encodable(what, value) and not value.isprintable():
            self.problems.append(f"{what} {value!r}: a Dockerfile's line cannot carry such a character here")
        return value

    def healthcheck(self, check: Healthcheck) -> str:
        flags = [
            f"--{name}={_duration(value)} "
            for name, value in (
                ("interval", check.interval),
                ("timeout", check.timeout),
                ("start-period", check.start_period),
            )
            if value
        ]
        if check.retries:
            flags.append(f"--retries={check.retries} ")
        if check.test[0] == "NONE":
            return "HEALTHCHECK NONE"
        if check.test[0] == "CMD":
            return f"HEALTHCHECK {''.join(flags)}CMD {self.array('healthcheck', check.test[1:])}"
        text = self.line("healthcheck", check.test[1])
        if text != text.strip() or text.endswith("\\") or text.startswith("["):
            self.problems.append(f"healthcheck {text!r}: write it as a JSON array")
        return f"HEALTHCHECK {''.join(flags)}CMD {text}"

    def _encodable(self, what: str, value: str) -> bool:
        try:
            value.encode()
        except UnicodeEncodeError:
            self.problems.append(f"{what} {value!r}: is not UTF-8")
            return False
        return True


def _duration(nanoseconds: int) -> str:
    unit, size = next((unit, size) for unit, size in _UNITS if nanoseconds % size == 0)
    return f"{nanoseconds // size}{unit}"
