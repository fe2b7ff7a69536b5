"""Where a result goes: tree sinks take the root filesystem, image sinks take the release."""
