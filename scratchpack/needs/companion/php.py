"""N21: PHP's configuration and extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, Wants
from scratchpack.needs.companion.base import bring, holding, joined
from scratchpack.needs.companion.interpreter import Interpreter
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Php(Interpreter):
    """Its directories are its own, and the configuration in them was made at installation: whole, links followed."""

    name = "php"
    summary = "PHP has no extension without its configuration"
    wants = Wants(fragments=("PHP_INI_SCAN_DIR",), inside=holding("/php", PROGRAM))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The directories as they are."""
        because = reasons(self.name, evidence)
        return joined(bring(root, path, because, seen.path) for seen, path in self.places(subject))


NEED = Php()
