"""What of /proc and /sys a guest must not change or read: closed once our own settings there are made."""

from __future__ import annotations

import os
import stat

from scratchpack.sandbox import kernel
from scratchpack.sandbox.place import SAFE, place

# Beside what no ordinary user may read, engines hide these from a container.
_MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug"),
    *("/proc/scsi", "/proc/timer_list", "/proc/timer_stats"),
    *("/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/cgroup"),
)


def seal() -> None:
    """Close what a guest must not change or read in /proc and /sys: after our own settings there.

    Much of /proc obeys the number 0 itself, not a capability: where we are root, the guest's root would be obeyed.
    """
    hidden = list(_MASKED)
    for name in os.listdir("/proc"):
        path = f"/proc/{name}"
        mode = os.lstat(path).st_mode
        if name.isdigit() or stat.S_ISLNK(mode) or path in hidden:
            continue
        if stat.S_ISREG(mode) and not mode & stat.S_IROTH:
            hidden.append(path)
        elif stat.S_ISDIR(mode) or mode & 0o222:
            tree = kernel.open_tree(path)
            kernel.set_mount(tree, kernel.ATTR_RDONLY | SAFE | kernel.ATTR_NOEXEC)
            place(tree, path)
    for path in hidden:
        if os.path.isdir(path):
            place(kernel.new_mount("tmpfs", SAFE | kernel.ATTR_NOEXEC | kernel.ATTR_RDONLY, size="0"), path)
        elif os.path.exists(path):
            place(kernel.open_tree("/dev/null"), path)
