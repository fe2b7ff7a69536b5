"""Print the Debian packages that the campaign's programs come from, one a line, for `make campaign` to install."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

if __name__ == "__main__":
    listed = tomllib.loads(Path(__file__).with_name("programs.toml").read_text())["program"]
    services = tomllib.loads(Path(__file__).with_name("services.toml").read_text())["service"]
    data = {
        "tesseract-ocr-eng",
        "aspell-en",
        "hunspell-en-us",
        "libsasl2-modules",
        "libsqliteodbc",
        "fortunes-min",
        "fonts-dejavu-core",
        # tests/e2e/test_companions.py
        "default-jdk-headless",
        "default-jre-headless",
        "espeak-ng-data",
        "gstreamer1.0-plugins-base",
        "guile-3.0-libs",
        "libespeak-ng1",
        "libgdk-pixbuf-2.0-0",
        "libgs10",
        "libgvc6",
        "libmagickwand-6.q16-6",
        "libproj25",
        "libpython3.11",
        "libruby3.1",
        "libsox-fmt-base",
        "libtesseract5",
        "qtbase5-dev",
        # tests/e2e/test_language_needs.py
        "ghc",
        "ldc",
        "krb5-admin-server",
        "krb5-kdc",
        "krb5-user",
        "libcurl4",
        "libicu72",
        "libpcre3",
        "libnss-myhostname",
        "nim",
        "zlib1g-dev",
        # tests/e2e/test_analyze_page.py
        "chromium",
    }
    sys.stdout.write(
        "\n".join(
            sorted(
                {entry["package"] for entry in listed}
                | {name for entry in services for name in entry["packages"]}
                | data
            )
        )
        + "\n"
    )
