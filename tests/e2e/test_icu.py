"""N13: ICU whose data lies in a file. Debian builds it into libicudata, so the other arrangement is made of Debian's own bytes.

The table of contents in ``icudt72_dat`` becomes the file; a library with the same header and an empty table stands for it, as
ICU's own build makes one for ``--with-data-packaging=archive``. libicuuc and libicui18n are Debian's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_companions import library
from tests.support import build, sandbox
from tests.support.cli import scratchpack

APP = Path(__file__).parent.parent.parent / "sample_apps" / "need_icu" / "main.c"
DIRECTORY = "/usr/share/icu/72.1"  # where Alpine has it


def data_of(libicudata: Path) -> bytes:
    """The package of data in the library, from its symbol to the end of the segment."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with libicudata.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".dynsym")
        assert isinstance(symbols, SymbolTableSection)
        (symbol,) = (one for one in symbols.iter_symbols() if one.name.endswith("_dat"))
        at = symbol["st_value"]
        segment = next(
            one for one in elf.iter_segments("PT_LOAD") if one["p_vaddr"] <= at < one["p_vaddr"] + one["p_filesz"]
        )
        stream.seek(segment["p_offset"] + at - segment["p_vaddr"])
        return stream.read(segment["p_filesz"] - (at - segment["p_vaddr"]))


class Root:
    """A root with the app, and a stub of libicudata beside Debian's other libraries of ICU."""

    def __init__(self, home: Path, *flags: str, stub: bool = True) -> None:
        i18n, uc = library("libicui18n.so.7?", "libicu72"), library("libicuuc.so.7?", "libicu72")
        version = i18n.name.rpartition(".")[2]
        linked = ("-Wl,--no-as-needed", str(i18n), str(uc), f"-DICU={version}")
        app = build.cc(home / "app", APP.read_text(), *linked, *flags)
        self.path = home / "root"
        run = scratchpack(app, "-q", "-o", f"type=local,dest={self.path}")
        assert run.status == 0, run.err
        (full,) = (path for path in self.path.rglob(f"libicudata.so.{version}*") if not path.is_symlink())
        self.file = f"{DIRECTORY}/icudt{version}l.dat"
        if stub:
            data = data_of(full)
            at = self.path / self.file.lstrip("/")
            at.parent.mkdir(parents=True)
            at.write_bytes(data)
            head = data[: int.from_bytes(data[:2], "little")]
            table = ", ".join(str(byte) for byte in head + bytes(4))  # no entry
            source = f"_Alignas(16) const unsigned char icudt{version}_dat[] = {{{table}}};\n"
            build.shared(full, source, soname=f"libicudata.so.{version}")

    def pack(self, tree: Path, *words: str) -> set[str]:
        run = scratchpack("/app", "--root", self.path, "-q", "-o", f"type=local,dest={tree}", *words)
        assert run.status == 0, run.err
        return {f"/{path.relative_to(tree)}" for path in tree.rglob("*")}


@pytest.mark.campaign
@pytest.mark.parametrize("named", ["by the image's ICU_DATA", "by the program"])
def test_the_data_file_comes_where_the_library_is_a_stub(named: str, tmp_path: Path) -> None:
    env = (f"ICU_DATA={DIRECTORY}",) if "ICU_DATA" in named else ()
    root = Root(tmp_path, *(() if env else (f'-DDIRECTORY="{DIRECTORY}"',)))
    words = [word for item in env for word in ("-e", item)]

    assert root.file not in root.pack(tmp_path / "bare", "--need", "icu=never", *words)
    assert root.file in root.pack(tmp_path / "full", *words)

    assert sandbox.run(tmp_path / "bare", "/app", env=env).out == b"U_FILE_ACCESS_ERROR\n"
    assert sandbox.run(tmp_path / "full", "/app", env=env).out == b"after z\n"


@pytest.mark.campaign
def test_a_library_that_holds_its_data_is_given_no_file(tmp_path: Path) -> None:
    root = Root(tmp_path, stub=False)
    place = root.path / DIRECTORY.lstrip("/")
    place.mkdir(parents=True)
    (place / "icudt72l.dat").write_bytes(b"not asked for")

    assert root.pack(tmp_path / "auto", "-e", f"ICU_DATA={DIRECTORY}") == root.pack(
        tmp_path / "never", "-e", f"ICU_DATA={DIRECTORY}", "--need", "icu=never"
    )
    assert sandbox.run(tmp_path / "auto", "/app").out == b"after z\n"


@pytest.mark.campaign
def test_a_root_without_the_file_is_refused_with_a_way_out(tmp_path: Path) -> None:
    root = Root(tmp_path)

    run = scratchpack("/app", "--root", root.path, "-o", f"type=local,dest={tmp_path / 'out'}")  # nothing names a place

    assert run.status == 5
    for fragment in ("no ICU data file", "ICU_DATA", "--need icu=never"):
        assert fragment in run.err
