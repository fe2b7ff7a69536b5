"""Print the Debian packages that the campaign's programs come from, one a line, for `make campaign` to install."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

if __name__ == "__main__":
    listed = tomllib.loads(Path(__file__).with_name("programs.toml").read_text())["program"]
    data = {
        "tesseract-ocr-eng",
        "aspell-en",
        "hunspell-en-us",
        "libsasl2-modules",
        "libsqliteodbc",
        "fortunes-min",
        "fonts-dejavu-core",
    }
    sys.stdout.write("\n".join(sorted({entry["package"] for entry in listed} | data)) + "\n")
