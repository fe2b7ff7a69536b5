"""Options are text; what they mean is decided here, and what they cannot mean is refused."""

from __future__ import annotations

import pytest

from scratchpack.config import Options
from scratchpack.elf.machines import Platform
from scratchpack.errors import UsageError
from scratchpack.oci.model import Healthcheck
from scratchpack.pipeline.settings import creation_time, environment, healthcheck, image_config, outputs, words
from scratchpack.sinks.model import Output

AMD64 = Platform("linux", "amd64")


def test_without_an_output_the_result_is_a_docker_archive_of_the_programs_name() -> None:
    assert outputs(Options(), "hello") == (Output("docker", "hello.tar"),)


def test_load_or_push_alone_write_no_archive() -> None:
    assert outputs(Options(load="auto"), "hello") == ()
    assert outputs(Options(push=True), "hello") == ()


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("type=oci", Output("oci", "hello.oci.tar")),
        ("type=oci,tar=false", Output("oci", "hello.oci", tar=False)),
        ("type=docker,dest=-,compression=none", Output("docker", "-", "none")),
        ("type=tar,dest=x.tar,compression=zstd,compression-level=3", Output("tar", "x.tar", "zstd", 3)),
        ("type=local,dest=d,force=true", Output("local", "d", force=True)),
        ("image.tar", Output("docker", "image.tar")),
        ("oci", Output("oci", "hello.oci.tar")),
        ("-", Output("docker", "-")),
    ],
)
def test_an_output_is_read(text: str, output: Output) -> None:
    assert outputs(Options(output=(text,)), "hello") == (output,)


@pytest.mark.parametrize(
    "text",
    [
        "type=zip",
        "dest=x",
        "type=docker,compression=xz",
        "type=docker,compression-level=fast",
        "type=docker,tar=maybe",
        "type=local,dest=-",
        "type=oci,tar=false,dest=-",
        "type=docker,color=red",
        "type=docker,dest",
    ],
)
def test_a_wrong_output_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(UsageError, match="cannot write -o"):
        outputs(Options(output=(text,)), "hello")


def test_two_outputs_cannot_share_a_place() -> None:
    with pytest.raises(UsageError, match="to one place"):
        outputs(Options(output=("type=docker,dest=a", "type=oci,dest=./a")), "hello")
    with pytest.raises(UsageError, match="to stdout"):
        outputs(Options(output=("type=docker,dest=-", "type=oci,dest=-")), "hello")


def test_a_command_is_a_json_array_or_shell_words() -> None:
    assert words('["/a b", "c"]', "--cmd") == ("/a b", "c")
    assert words("'/a b' c", "--cmd") == ("/a b", "c")
    for wrong in ('["a"', "[1]", "'a"):
        with pytest.raises(UsageError, match="--cmd"):
            words(wrong, "--cmd")


def test_a_name_without_a_value_takes_it_from_our_environment() -> None:
    assert environment(Options(env=("HOME", "A=1", "A=2")), {"HOME": "/root"}) == (("HOME", "/root"), ("A", "2"))
    with pytest.raises(UsageError, match="NAME=VALUE"):
        environment(Options(env=("NOT_SET_ANYWHERE",)), {})


def test_the_user_is_not_root_unless_asked_for() -> None:
    assert image_config(Options(), AMD64, "/a", (), None).user == "65532:65532"
    assert image_config(Options(user="0"), AMD64, "/a", (), None).user == "0"


def test_ports_volumes_and_directories_are_checked() -> None:
    config = image_config(Options(expose=("80", "53/udp", "7000-7010"), volume=("/d",)), AMD64, "/a", (), None)
    assert config.exposed_ports == ("80/tcp", "53/udp", "7000-7010/tcp")
    for wrong in (
        Options(expose=("http",)),
        Options(expose=("70000",)),
        Options(volume=("d",)),
        Options(workdir="d"),
        Options(entrypoint=""),
        Options(label=("x",)),
    ):
        with pytest.raises(UsageError):
            image_config(wrong, AMD64, "/a", (), None)


def test_a_health_check_is_written_as_in_a_dockerfile() -> None:
    assert healthcheck("--interval=1m30s --retries=3 CMD /app check") == Healthcheck(
        ("CMD", "/app", "check"), 90 * 10**9, 0, 0, 3
    )
    assert healthcheck('--timeout=500ms ["/app", "a b"]') == Healthcheck(("CMD", "/app", "a b"), 0, 500 * 10**6, 0, 0)
    assert healthcheck("NONE") == Healthcheck(("NONE",))
    for wrong in ("--every=1s x", "--interval=soon x", "--retries=x y", ""):
        with pytest.raises(UsageError):
            healthcheck(wrong)


def test_the_image_says_no_time_unless_told_one() -> None:
    assert creation_time(Options(), {}) == (0, None)
    assert creation_time(Options(), {"SOURCE_DATE_EPOCH": "86400"}) == (86400, "1970-01-02T00:00:00Z")
    assert creation_time(Options(created="2026-01-31T13:00:00+01:00"), {}) == (0, "2026-01-31T12:00:00Z")
    for wrong in ("yesterday", "9" * 30):
        with pytest.raises(UsageError):
            creation_time(Options(created=wrong), {})


@pytest.mark.parametrize("text", ["²", "٣", "9" * 4400, "-1", " 1"])
def test_only_ascii_digits_are_a_number_of_an_option(text: str) -> None:
    """S5: str.isdigit holds for superscripts, which int() refuses, and int() refuses thousands of digits."""
    with pytest.raises(UsageError):
        outputs(Options(output=(f"type=docker,dest=x,compression-level={text}",)), "hello")
    with pytest.raises(UsageError):
        healthcheck(f"--retries={text} CMD true")
    with pytest.raises(UsageError):
        creation_time(Options(created=text), {})
    with pytest.raises(UsageError):
        image_config(Options(expose=(text,)), AMD64, "/a", (), None)


@pytest.mark.parametrize(
    "text", ["[" * 5000, '["\\ud800"]', '["a\\u0000"]', "[1]", "[9e999]", '["\udcff"]', "[" + "9" * 5000 + "]"]
)
def test_a_command_in_json_is_an_array_of_strings_that_can_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="a JSON array of strings"):
        words(text, "--entrypoint")
