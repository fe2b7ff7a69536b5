"""A filesystem root seen read-only: names in, nodes out; nobody else joins or opens paths of a root."""
