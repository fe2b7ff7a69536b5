"""Greets with modules of the standard library that are shared libraries of their own."""

import hashlib
import json
import zlib

print(json.dumps({"hello": "from Python", "sha256": hashlib.sha256(zlib.compress(b"x")).hexdigest()[:8]}))
