"""Where a result goes: tree sinks write a root filesystem, image sinks a release; receipts come out."""
