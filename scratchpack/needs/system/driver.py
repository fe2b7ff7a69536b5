"""N23: libraries of a graphics driver. They must match the kernel's module, so the container runtime brings them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.loader.model import Problem
from scratchpack.needs.base import A, Contribution, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

# What the NVIDIA container runtime mounts.
_PREFIXES = (
    "libcuda.so",
    "libcudadebugger.so",
    "libnvidia-",
    "libnvcuvid.so",
    "libGLX_nvidia.so",
    "libEGL_nvidia.so",
    "libGLESv1_CM_nvidia.so",
    "libGLESv2_nvidia.so",
    "libvdpau_nvidia.so",
    "libnvoptix.so",
    "libdxcore.so",
)
_TOOLKIT = ("libcudart.so", "libcublas")  # travels like any library, and opens the driver
_LEFT_OUT = "left out, the container runtime brings it"
_GRAPHICS = ("libGLX_nvidia", "libEGL_nvidia", "libGLES")


def is_driver(soname: str) -> bool:
    """Whether this library is the driver's: never packed, and its absence is no fault of the closure."""
    return soname.rpartition("/")[2].startswith(_PREFIXES)


def without(closure: Closure) -> Closure:
    """The closure without the driver's libraries and what only they ask for; that they are asked for is no error."""
    removed = {item.path for item in closure.resolved if is_driver(item.soname) or is_driver(item.path)}
    asked = [edge for edge in closure.edges if is_driver(edge.name)]
    if not removed and not asked:
        return closure
    while True:
        wanted = {edge.target for edge in closure.edges if edge.requester not in removed}
        alone = {edge.target for edge in closure.edges if edge.target and edge.requester in removed} - wanted - removed
        if not alone:
            break
        removed |= alone
    told = {
        (edge.requester, edge.name): Problem("missing", "warning", edge.requester, edge.name, _LEFT_OUT)
        for edge in asked
        if edge.requester not in removed
    }
    others = (item for item in closure.problems if item.requester not in removed and not is_driver(item.name))
    return closure._replace(
        resolved=tuple(item for item in closure.resolved if item.path not in removed),
        edges=tuple(
            edge._replace(target=None) if edge.target in removed else edge
            for edge in closure.edges
            if edge.requester not in removed
        ),
        problems=(*told.values(), *others),
        aliases=tuple(item for item in closure.aliases if item.path not in removed and not is_driver(item.path)),
    )


class Driver:
    """The variables that make the runtime mount the driver, and a line that says so."""

    name = "driver"
    summary = "the NVIDIA runtime must mount the driver's libraries; they are never packed"
    wants: Wants = Wants(sonames=tuple(f"{prefix}*" for prefix in (*_PREFIXES, *_TOOLKIT)), fragments=_PREFIXES)
    adds = "ab"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """A driver's library asked for, loaded or named in own strings; or the toolkit's, which opens it."""
        asked = [
            Evidence(self.name, seen.tier, f"asks for {name}", seen.path, (name,))
            for seen in subject.objects
            for name in seen.resolution.facts.needed
            if is_driver(name) or name.startswith(_TOOLKIT)
        ]
        own = [
            Evidence(self.name, A, f"string {run}", subject.program.path, (run,))
            for fragment in self.wants.fragments
            for run in subject.strings(fragment)
            if is_driver(run) and " " not in run
        ]
        return (*asked, *own)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Adds no files: the variables make the engine mount the driver that fits the kernel it runs on."""
        graphics = any(name.startswith(_GRAPHICS) for item in evidence for name in item.found)
        env = {
            "NVIDIA_VISIBLE_DEVICES": "all",
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility" + (",graphics" if graphics else ""),
        }
        names = sorted({name for item in evidence for name in item.found if is_driver(name)})
        left_out = (f"{_LEFT_OUT}: {name}" for name in names)
        kept = {name: value for name, value in env.items() if name not in subject.env}
        return Contribution(env=kept, notes=tuple(left_out))


NEED = Driver()
