"""What scripts bring is named in the bill of materials: the files that pip, npm, RubyGems and CPAN's tools leave, as package URLs."""

from __future__ import annotations

import io

import pytest

from scratchpack.pipeline.installed import installed, is_metadata

GEMSPEC = 'Gem::Specification.new do |s|\n  s.name = "net-http".freeze\n  s.version = "0.2.0"\nend\n'
MODULE = "package Own::Words;\nuse strict;\nour $VERSION = '1.02';\n1;\n"


@pytest.mark.parametrize(
    ("path", "text", "purl"),
    [
        ("/v/site-packages/Own_Tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: Own_Tool\nVersion: 1.0\n\nName: no\n", "pkg:pypi/own-tool@1.0"),
        ("/v/site-packages/x.egg-info/PKG-INFO", "Name: x\nVersion: 2\n", "pkg:pypi/x@2"),
        ("/app/node_modules/dep/package.json", '{"name": "dep", "version": "1.2.3"}', "pkg:npm/dep@1.2.3"),
        ("/app/node_modules/a/node_modules/@s/dep/package.json", '{"version": "1.2.3"}', "pkg:npm/%40s/dep@1.2.3"),
        ("/g/specifications/net-http-0.2.0.gemspec", GEMSPEC, "pkg:gem/net-http@0.2.0"),
        ("/l/lib/perl5/Own/Words.pm", MODULE, "pkg:cpan/Own::Words@1.02"),
        # what names nothing
        ("/v/x.dist-info/METADATA", "Name: x\n", None),
        ("/v/x.dist-info/METADATA", "Name: x y\nVersion: 1\n", None),
        ("/app/node_modules/dep/package.json", '{"name": "other", "version": "1"}', None),
        ("/app/node_modules/dep/package.json", "[" * 100_000, None),
        ("/app/node_modules/dep/package.json", '{"version": ["1"]}', None),
        ("/l/Another.pm", MODULE, None),
        ("/v/x.dist-info/METADATA", "Name: x\nVersion: 1\n" + "y" * (1 << 20), None),
    ],
)  # fmt: skip
def test_a_file_that_an_installer_left_names_its_package(path: str, text: str, purl: str | None) -> None:
    assert is_metadata(path)
    found = [part.purl for part in installed(path, io.BytesIO(text.encode()))]
    assert found == ([] if purl is None else [purl])


@pytest.mark.parametrize(
    "path", ["/app/package.json", "/app/METADATA", "/app/node_modules/dep/lib/package.json", "/x.py"]
)
def test_other_files_are_not_read(path: str) -> None:
    assert not is_metadata(path)
