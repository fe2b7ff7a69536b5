"""Images as the OCI specifications write them: layers, configs, manifests, indexes, and their checks."""
