"""What `analyze` says of images whose every byte is known (W1 to W8), and of those that nobody should believe (S8, S22, S25)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from scratchpack.errors import CheckError, InputError, UsageError
from scratchpack.pipeline.analyze import analyze, chain_ids
from scratchpack.pipeline.limits import hold, limits
from scratchpack.report.analyze import document, text
from scratchpack.report.json import dumps
from scratchpack.request.model import Request
from tests.support.build import cc
from tests.support.cli import HOME, scratchpack
from tests.support.layered import archive, tar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scratchpack.pipeline.analyze import Analyses

ASKED = Request("analyze")
CACHE, BIG = 31_457_280, 52_428_800


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache made in one layer and removed with its directory in the next; a file made in one, and given another mode in the next."""
    return archive(
        tmp_path_factory.mktemp("example") / "app.tar",
        [
            ("/bin/sh -c dnf install -y nginx", tar(("var/cache/dnf/", 0), ("var/cache/dnf/all.solv", CACHE), ("etc/os-release", 100))),
            ('EMPTY /bin/sh -c #(nop)  CMD ["/big"]', b""),
            ("RUN /bin/sh -c rm -rf /var/cache/dnf # buildkit", tar(("var/cache/.wh.dnf", 0))),
            ("/bin/sh -c #(nop) COPY file:0123 in /big ", tar(("big", BIG))),
            ("|1 A=b /bin/sh -c chmod u+x /big", tar(("big", BIG), mode=0o744)),
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def analysed(example: Path) -> Analyses:
    return found(example)


def found(*paths: Path, base: str | None = None) -> Analyses:
    analyses = analyze([str(path) for path in paths], ASKED, base=base)
    valid(json.loads(dumps(document(analyses))))
    for one in analyses.images:
        waste = one.waste
        assert waste.live + waste.hidden + waste.overhead == waste.size
        for layer in waste.layers:
            assert layer.live + sum(layer.hidden.values()) + layer.overhead == layer.size
        assert sum(dead.size for dead in waste.dead) == waste.hidden == sum(layer.hides for layer in waste.layers)
    return analyses


def valid(said: Any) -> None:
    schema = json.loads((HOME / "docs/schema/analyze.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(said)


def test_a_cache_deleted_later_and_a_mode_changed_later_are_counted_once_each(analysed: Analyses) -> None:
    """W2, W3, W7: 83,886,080 bytes, neither less (nothing for a directory that is deleted) nor more (both copies of the file)."""
    (one,) = analysed.images
    assert one.waste.hidden == 83_886_080
    assert [(h.dead.path, h.dead.size, h.dead.cause, h.dead.layer, h.dead.by_layer) for h in one.hidden] == [
        ("/big", BIG, "metadata-only", 2, 3),
        ("/var/cache/dnf/all.solv", CACHE, "deleted", 0, 1),
    ]
    assert [h.by for h in one.hidden] == ["RUN chmod u+x /big", "RUN rm -rf /var/cache/dnf"]
    assert "COPY --chmod=0744 --chown=0:0" in one.hidden[0].cure
    assert "rm -rf /var/cache/dnf" in one.hidden[1].cure
    assert one.waste.live == BIG + 100
    assert [layer.instruction for layer in one.layers] == [
        "RUN dnf install -y nginx", "RUN rm -rf /var/cache/dnf", "COPY file:0123 in /big", "RUN chmod u+x /big",
    ]  # fmt: skip


def test_the_size_of_the_layers_is_that_of_their_tars(example: Path, analysed: Analyses) -> None:
    """W5, W7, against Python's own tarfile."""
    (one,) = analysed.images
    with tarfile.open(example) as outer:
        sizes = [outer.getmember(f"{number}/layer.tar").size for number in range(4)]
    assert [layer.waste.size for layer in one.layers] == sizes == [layer.stored for layer in one.layers]


def test_the_squashed_image_holds_the_live_bytes_and_nothing_else(tmp_path: Path) -> None:
    """W7: what is left when the layers are made one."""
    layers = [
        ("RUN a", tar(("d/a", 1000), ("b", 30))),
        ("RUN b", tar((".wh.d", 0), ("b", 40))),
        ("RUN c", tar(("c", 500))),
    ]
    (many,) = found(archive(tmp_path / "many.tar", layers)).images
    (one,) = found(archive(tmp_path / "one.tar", [("RUN squashed", tar(("b", 40), ("c", 500)))])).images
    assert (many.waste.live, many.waste.hidden) == (one.waste.size - one.waste.overhead, 1030)
    assert one.waste.hidden == 0


def test_the_efficiency_is_live_bytes_of_all_files_bytes(analysed: Analyses, tmp_path: Path) -> None:
    """W6; of an image without a file it is 1."""
    (one,) = analysed.images
    assert one.waste.efficiency == pytest.approx((BIG + 100) / (BIG + 100 + 83_886_080))
    (empty,) = found(archive(tmp_path / "empty.tar", [("RUN true", tar())])).images
    assert empty.waste.efficiency == 1


def test_above_a_base_only_what_stands_on_it_counts(tmp_path: Path) -> None:
    """W6: the base's own waste is left out, and a deletion of what the base brings is named as what it is."""
    below = [("RUN a", tar(("a", 1000), ("b", 50))), ("RUN b", tar((".wh.a", 0)))]
    base = archive(tmp_path / "base.tar", below)
    app = archive(
        tmp_path / "app.tar",
        [*below, ("RUN c", tar(("c", 300), ("d", 100))), ("RUN rm /c", tar((".wh.c", 0), (".wh.b", 0)))],
    )
    (one,) = found(app, base=str(base)).images
    assert (one.base, one.base_layers) == (str(base), 2)
    assert (one.waste.live, one.waste.hidden) == (100, 1350)
    assert (one.judged.live, one.judged.hidden) == (100, 300)
    assert next(h for h in one.hidden if h.dead.path == "/b").cure.startswith("the base brings it")
    with pytest.raises(UsageError, match="not even the lowest layer in common"):
        found(app, base=str(archive(tmp_path / "other.tar", [("RUN x", tar(("x", 1)))])))


def test_equal_files_and_what_a_build_leaves_are_named_and_are_no_waste(tmp_path: Path) -> None:
    """W4: duplicates but for hard links; leftovers by their place, and only where nothing installed them."""
    status = b"Package: tool\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nMaintainer: x\nDescription: x\n\n"
    layer = tar(
        ("data/one", b"same" * 100), ("data/two", b"same" * 100), ("data/three", b"same" * 100), ("data/other", b"else" * 100),
        ("var/lib/apt/lists/deb.example.org_Packages", 700), ("var/lib/apt/lists/lock", 0), ("var/log/dpkg.log", 33),
        ("var/log/owned.log", 44), ("root/.cache/pip/http/a", 55), ("src/tool-1.tar.gz", 66), ("src/tool-1/", 0), ("src/alone.tar.gz", 67),
        ("usr/lib/python3/dist-packages/m/a.py", 10), ("usr/lib/python3/dist-packages/m/__pycache__/a.cpython-311.pyc", 77),
        ("usr/lib/python3/dist-packages/m/__pycache__/gone.cpython-311.pyc", 78), ("usr/lib/libx.a", 88), ("usr/share/man/man1/tool.1", 99),
        ("var/lib/dpkg/status", status), ("var/lib/dpkg/info/tool.list", b"/.\n/var/log/owned.log\n/usr/share/man/man1/tool.1\n"),
    )  # fmt: skip
    (one,) = found(archive(tmp_path / "app.tar", [("RUN all", layer)])).images
    assert [(twice.paths, twice.size) for twice in one.waste.duplicates] == [
        (("/data/one", "/data/three", "/data/two"), 800)
    ]
    assert {(left.kind, left.path): left.size for left in one.leftovers} == {
        ("apt-lists", "/var/lib/apt/lists"): 700,
        ("manuals", "/usr/share/man"): 99,
        ("static-libraries", "/usr/lib"): 88,
        ("python-bytecode", "/usr/lib/python3/dist-packages"): 77,
        ("archive", "/src/tool-1.tar.gz"): 66,
        ("pip-cache", "/root/.cache/pip"): 55,
        ("logs", "/var/log"): 33,
    }
    assert one.waste.hidden == 0
    assert one.waste.efficiency == 1


def test_three_images_on_one_base_share_it_in_a_registry_and_on_a_disk(tmp_path: Path) -> None:
    """W8: a digest once in a registry; on a disk a layer once for each chain below it."""
    base, top = ("FROM base", tar(("base", 20_000))), ("RUN top", tar(("top", 3_000)))
    one = archive(tmp_path / "1.tar", [base, ("RUN 1", tar(("1", 100)))], name="one:1")
    two = archive(tmp_path / "2.tar", [base, top], name="two:1")
    three = archive(tmp_path / "3.tar", [top, base], name="three:1")  # the same layers upon each other the other way
    together = found(one, two, three).together
    b, t, o = (len(data) for data in (base[1], top[1], tar(("1", 100))))
    assert (together.registry, together.alone, together.node_disk) == (b + t + o, 3 * b + 2 * t + o, 2 * b + 2 * t + o)
    assert together.pull == (b + o, t, 0)
    assert [(shared.size, shared.images) for shared in together.shared] == [
        (b, ("one:1", "two:1", "three:1")), (t, ("two:1", "three:1")),
    ]  # fmt: skip


def test_a_chain_id_is_what_the_specification_says() -> None:
    """OCI image specification, "Layer ChainID"."""
    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    assert list(chain_ids([one, two])) == [one, "sha256:" + hashlib.sha256(f"{one} {two}".encode()).hexdigest()]


def test_what_the_program_needs_is_what_a_pack_of_it_would_keep(tmp_path: Path) -> None:
    with open("/bin/true", "rb") as stream:
        program = stream.read()
    layer = tar(("usr/bin/true", program), ("usr/share/more", 100_000), mode=0o755)
    (lacking,) = found(archive(tmp_path / "a.tar", [("RUN a", layer)], entrypoint=["true"])).images
    assert lacking.needed is None
    assert "true" in lacking.unresolved
    static = _static(tmp_path)
    (whole,) = found(archive(tmp_path / "b.tar", [("RUN b", tar(("hello", static), ("more", 100_000), mode=0o755))], entrypoint=["/hello"])).images  # fmt: skip
    assert whole.needed == len(static)
    (shell,) = found(archive(tmp_path / "c.tar", [("RUN c", tar(("bin/sh", static), ("bin/hello", static), ("bin/more", static), mode=0o755))], entrypoint=["/bin/sh", "-c", "/bin/hello"])).images  # fmt: skip
    assert shell.needed == 2 * len(static)  # a command line is read for what it runs


def _static(home: Path) -> bytes:
    return cc(home / "hello", "int main(void) { return 0; }", "-static").read_bytes()


@pytest.mark.parametrize(
    ("waste", "efficiency", "says"),
    [
        ("83886080", None, None), ("80M", None, None), ("83886079", None, "83886080 bytes are hidden.*--max-waste allows 83886079"),
        ("62%", None, None), ("61%", None, "61.54 %.*--max-waste allows 61%"), (None, "0.38", None), (None, "38%", None),
        (None, "90%", "efficiency is 38.46 %; --min-efficiency asks for 90%"), (None, "0.9", "asks for 0.9"),
    ],
)  # fmt: skip
def test_a_limit_names_the_figure_and_itself(
    analysed: Analyses, waste: str | None, efficiency: str | None, says: str | None
) -> None:
    allowed = limits(waste, efficiency)
    if says is None:
        hold(analysed, allowed)
        return
    with pytest.raises(CheckError, match=says):
        hold(analysed, allowed)


@pytest.mark.parametrize(
    ("waste", "efficiency"), [("a lot", None), ("101%", None), ("-1", None), (None, "9"), (None, "nan"), (None, "²")]
)
def test_what_is_no_limit_is_refused_before_an_image_is_opened(waste: str | None, efficiency: str | None) -> None:
    with pytest.raises(UsageError):
        limits(waste, efficiency)


def test_the_command_prints_its_report_and_then_exits_6(example: Path) -> None:
    run = scratchpack("analyze", "--max-waste", "5%", example)
    assert run.status == 6
    assert "83.9 MB hidden" in run.out
    assert "--max-waste allows 5%" in run.err
    assert len(run.out.splitlines()) <= 24
    assert max(map(len, run.out.splitlines())) <= 120
    run = scratchpack("analyze", "--json", "--min-efficiency", "10%", example)
    assert run.status == 0, run.err
    valid(json.loads(run.out))


def test_a_report_of_a_thousand_layers_and_files_still_fits_a_screen(tmp_path: Path) -> None:
    layers = [(f"RUN step {n}", tar(*((f"d{n}/f{m}", 10 + m) for m in range(10)))) for n in range(100)]
    layers.append(("RUN rm", tar(*((f".wh.d{n}", 0) for n in range(100)))))
    assert len(text(found(archive(tmp_path / "many.tar", layers))).splitlines()) <= 40


def test_a_name_drives_no_terminal_and_breaks_no_json(tmp_path: Path) -> None:
    """S11."""
    evil = os.fsdecode(b"\x1b[31m\xff\n")
    layers = [("RUN \x1b[2J", tar((evil, 10))), ("RUN rm", tar((f".wh.{evil}", 0)))]
    analyses = found(archive(tmp_path / "evil.tar", layers, name="app:1"))
    assert "\x1b" not in text(analyses)
    (hidden,) = document(analyses)["images"][0]["hidden_files"]
    assert "path_b64" in hidden


def test_a_layer_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "app.tar", [("RUN a", tar(("a", b"secret")))])
    path.write_bytes(path.read_bytes().replace(b"secret", b"public"))
    with pytest.raises(InputError, match="its bytes are not those of sha256:"):
        analyze([str(path)], ASKED)


def _bomb() -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()


def _loop() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, target in (("a", "b"), ("b", "a")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            made.addfile(info)
        made.addfile(tarfile.TarInfo("a/x"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (_loop, "loop"),
        (lambda: tar(("a", 100_000))[:50_000], "cannot read layer 1 of app:1"),
        (lambda: b"not a tar" * 1000, "invalid header"),
        (lambda: tar(("d/.wh...", 0)), "deletes nothing that has a name"),
        (_bomb, "more than"),
    ],
    ids=["a loop of links", "cut short", "no tar", "a whiteout of no name", "a bomb"],
)
def test_a_hostile_layer_is_an_error_in_bounded_memory(layer: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    """S8, S22, S25: typed, nothing written beside the image, flat memory."""
    data = layer()
    path = archive(tmp_path / "evil.tar", [("RUN evil", data)])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=says):
            analyze([str(path)], ASKED, unpacked=100 << 20)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()
    assert [item.name for item in tmp_path.iterdir()] == ["evil.tar"]


def test_names_that_lead_out_of_the_image_stay_in_it(tmp_path: Path) -> None:
    """S8: nothing is extracted, and a name with .. is one of the image's root."""
    (one,) = found(archive(tmp_path / "app.tar", [("RUN a", tar(("../../etc/passwd", 10))), ("RUN b", tar((".wh.etc", 0)))])).images  # fmt: skip
    assert [h.dead.path for h in one.hidden] == ["/etc/passwd"]


def test_a_history_that_is_none_is_a_typed_error_and_one_that_does_not_fit_names_nobody(tmp_path: Path) -> None:
    """S22."""
    layers = [("RUN a", tar(("a", 1)))]
    with pytest.raises(InputError, match="history"):
        analyze([str(archive(tmp_path / "a.tar", layers, history="none"))], ASKED)
    (one,) = found(archive(tmp_path / "b.tar", layers, history=[])).images
    assert one.layers[0].instruction == ""
