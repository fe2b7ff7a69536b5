"""Options are text; what they mean is decided once, and what they cannot mean is refused with what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.config import NAMES, SETTINGS, Options
from scratchpack.elf.machines import Platform
from scratchpack.errors import UsageError
from scratchpack.oci.model import Healthcheck
from scratchpack.pipeline.settings import image_config, placed_outputs
from scratchpack.request import _READERS, request
from scratchpack.request.model import COMMANDS, Request
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from pathlib import Path

AMD64 = Platform("linux", "amd64")


def asked(command: str = "pack", /, **values: Any) -> Request:
    return request(Options(**values), command, {})


def test_nothing_given_is_the_request_as_it_stands() -> None:
    assert asked() == Request("pack")


def test_every_option_is_a_field_and_every_reader_reads_one() -> None:
    assert [name for name in Options._fields if name not in Request._fields] == []
    assert [name for name in _READERS if name not in Options._fields] == []


def test_every_setting_names_commands_that_exist() -> None:
    assert [setting.name for setting in SETTINGS if not setting.takes or not set(setting.takes) <= set(COMMANDS)] == []


SAMPLES: dict[str, Any] = {
    "output": ("oci",), "tag": ("a",), "platform": "linux/amd64", "load": "auto", "push": True, "insecure_registry": ("h",),
    "token_server": ("h",), "sbom": "spdx", "package_db": True, "iidfile": "i", "metadata_file": "m", "locked": "l", "update_lock": True, "force": True, "dry_run": True,
    "quiet": True, "verbose": True, "progress": "none", "layers": "shared", "max_layers": "9", "each": True, "shard": "1/2", "jobs": "2", "scheduler": "h:1",
    "entrypoint": "a", "cmd": "a", "env": ("A=1",), "user": "0", "workdir": "/a",
    "expose": ("80",), "volume": ("/a",), "directory": ("/a:0700",), "label": ("a=1",), "annotation": ("a=1",), "annotate": "git", "stop_signal": "TERM",
    "healthcheck": "/a", "probe": "tcp://:80", "created": "0", "root": "/usr", "at": "/a", "onto": "base.tar", "cpu": "baseline", "assume_static": True, "strip": True, "strip_libraries": True, "preserve_modes": True,
    "preserve_privileges": True, "include": ("/etc/hosts",), "library_path": ("/usr/lib",), "trace_from": ("/etc/hosts",), "exclude": ("a",), "need": ("tmp=always",), "locale": ("C.UTF-8",),
    "timezone": ("UTC",), "service": ("login",), "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("field", Options._fields)
def test_a_command_refuses_a_setting_that_it_does_not_take(field: str, command: str) -> None:
    if command in NAMES[field.replace("_", "-")].takes:
        return
    with pytest.raises(UsageError, match=f"cannot use --{field.replace('_', '-')} (with {command}|to verify an image)"):
        asked(command, **{field: SAMPLES[field]})


def test_without_an_output_the_result_is_a_docker_archive_of_the_programs_name() -> None:
    assert placed_outputs(asked(), "hello") == (Output("docker", "hello.tar"),)


def test_load_or_push_alone_write_no_archive() -> None:
    assert placed_outputs(asked(load="auto"), "hello") == ()
    assert placed_outputs(asked(push=True, tag=("x",)), "hello") == ()


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("type=oci", Output("oci", "hello.oci.tar")),
        ("type=oci,tar=false", Output("oci", "hello.oci", tar=False)),
        ("type=docker,dest=-,compression=none", Output("docker", "-", "none")),
        ("type=oci,dest=x.tar,compression=zstd,compression-level=3", Output("oci", "x.tar", "zstd", 3)),
        ("type=local,dest=d,force=true", Output("local", "d", force=True)),
        ("image.tar", Output("docker", "image.tar")),
        ("oci", Output("oci", "hello.oci.tar")),
        ("-", Output("docker", "-")),
        ("type=registry,dest=example.org/a:1", Output("registry", "example.org/a:1")),
    ],
)
def test_an_output_is_read(text: str, output: Output) -> None:
    assert placed_outputs(asked(output=(text,)), "hello") == (output,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("type=zip", "type is one of"),
        ("type=dokcer", "did you mean type=docker"),
        ("bogus", "type is one of"),
        ("dest=x", "type is one of"),
        ("type=docker,compression=xz", "gzip, zstd or none"),
        ("type=docker,compression-level=fast", "no level of gzip"),
        ("type=docker,compression-level=99", "from 1 to 9"),
        ("type=docker,compression-level=0", "from 1 to 9"),
        ("type=docker,compression-level=²", "from 1 to 9"),
        ("type=oci,compression=zstd,compression-level=20", "from 1 to 19"),
        ("type=oci,compression=none,compression-level=1", "has no level"),
        ("type=tar,compression=zstd", "is not compressed"),
        ("type=local,compression-level=3", "is not compressed"),
        ("type=docker,tar=maybe", "neither true nor false"),
        ("type=docker,tar=false", "tar=false is for type=oci"),
        ("type=docker,force=true", "for a directory"),
        ("type=local,dest=-", "directory cannot go to stdout"),
        ("type=oci,tar=false,dest=-", "directory cannot go to stdout"),
        ("type=registry,dest=-", "dest= of a registry is a name"),
        ("type=registry,dest=UPPER/app", "capital letters"),
        ("type=docker,color=red", "unknown key"),
        ("type=docker,dest", "not KEY=VALUE"),
        ("type=docker,dest=", "dest= is empty"),
        ("type=docker,type=oci", "given twice"),
        ("type=registry", "no name says where to"),
        ("", "type is one of"),
    ],
)
def test_a_wrong_output_is_refused_with_what_is_right(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(output=(text,))
    assert why in f"{caught.value.message} {caught.value.hint}"


def test_two_outputs_cannot_both_go_to_stdout() -> None:
    with pytest.raises(UsageError, match="to stdout"):
        asked(output=("type=docker,dest=-", "type=oci,dest=-"))


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("tag", ("UPPER/app",), "upper/app"),
        ("tag", ("app:",), "registry.example.com/team/app:1.2"),
        ("tag", ("a b",), "registry.example.com/team/app:1.2"),
        ("tag", ("",), "registry.example.com/team/app:1.2"),
        ("tag", ("app@sha256:" + "0" * 64,), "leave out @sha256"),
        ("platform", "linux/x86_64", "linux/amd64"),
        ("platform", "amd64", "platforms are"),
        ("platform", "windows/amd64", "platforms are"),
        ("platform", "linux/arm64/v9", "v8"),
        ("platform", "linux/amd64,linux/amd64", "twice"),
        ("platform", "linux/amd64,", "platforms are"),
        ("load", "dokcer", "did you mean docker"),
        ("load", "", "docker, podman, containerd"),
        ("insecure_registry", ("http://localhost:5000",), "write localhost:5000"),
        ("insecure_registry", ("localhost:99999",), "HOST:PORT"),
        ("token_server", ("auth.example.org/token",), "write auth.example.org"),
        ("sbom", "spdxx", "did you mean spdx"),
        ("annotate", "hg", "one of git"),
        ("progress", "fancy", "auto, plain, none"),
        ("iidfile", "", "takes a name"),
        ("iidfile", "/usr", "it is a directory"),
        ("metadata_file", "/nonexistent/m.json", "no directory /nonexistent"),
        ("update_lock", True, "without --locked FILE"),
        ("root", "/nonexistent", "no such directory"),
        ("root", "/etc/passwd", "not a directory"),
        ("include", ("nothing-of-this-name",), "nothing is there"),
        ("include", ("",), "takes a name"),
        ("exclude", ("",), "takes a name"),
        ("ca_bundle", "nofile", "no such file"),
        ("ca_bundle", "/etc/passwd", "holds no certificate"),
        ("ca_bundle", "/dev/zero", "not a regular file"),
        ("entrypoint", "", "must run something"),
        ("entrypoint", "[]", "must run something"),
        ("entrypoint", '["a"', "JSON array of strings"),
        ("cmd", "[1]", "a string is meant"),
        ("cmd", "'a", "No closing quotation"),
        ("env", ("=1",), "NAME=VALUE"),
        ("env", ("A B=1",), "without a space"),
        ("env", ("NOT_SET_ANYWHERE",), "set here"),
        ("env", ("A=\udcff",), "not UTF-8"),
        ("user", "99999999999", "2147483647"),
        ("user", "2147483648", "2147483647"),
        ("user", "1:99999999999", "2147483647"),
        ("user", "1:2:3", "UID:GID"),
        ("user", "1:", "UID:GID"),
        ("user", ":1", "UID:GID"),
        ("user", "", "UID:GID"),
        ("user", "-1", "neither a number nor a name"),
        ("user", "a b", "neither a number nor a name"),
        ("user", "²", "from 0 to"),
        ("workdir", "srv", "absolute path"),
        ("workdir", "/a/../b", "without .."),
        ("expose", ("80-90",), "--expose 80 --expose 81"),
        ("expose", ("http",), "PORT/tcp"),
        ("expose", ("0",), "from 1 to 65535"),
        ("expose", ("65536",), "from 1 to 65535"),
        ("expose", ("80/icmp",), "PORT/sctp"),
        ("expose", ("80/",), "PORT/sctp"),
        ("expose", ("8080:80",), "says only what it listens on"),
        ("expose", ("²",), "from 1 to 65535"),
        ("directory", ("data",), "absolute path"),
        ("directory", ("/",), "below /"),
        ("directory", ("/data:rwx",), "no octal mode"),
        ("directory", ("/data:0888",), "no octal mode"),
        ("directory", ("/data:0755:a:b:c",), "UID:GID"),
        ("directory", ("/data:0755:-1",), "neither a number nor a name"),
        ("directory", ("/proc/x",), "mounts its own"),
        ("directory", ("/data", "/data/:0700"), "in two ways"),
        ("library_path", ("nothing-of-this-name",), "there is no such directory"),
        ("library_path", ("",), "takes a name"),
        ("volume", ("data",), "absolute path"),
        ("volume", ("/",), "cannot be a volume"),
        ("volume", ("/host:/data",), "--volume /data"),
        ("volume", ("/a/../..",), "without .."),
        ("label", ("x",), "NAME=VALUE"),
        ("label", ("=x",), "NAME=VALUE"),
        ("annotation", ("index:=x",), "a name is missing"),
        ("annotation", ("x",), "NAME=VALUE"),
        ("stop_signal", "SIGFOO", "such as SIGTERM"),
        ("stop_signal", "SIGTEMR", "did you mean SIGTERM"),
        ("stop_signal", "0", "from 1 to 64"),
        ("stop_signal", "65", "from 1 to 64"),
        ("stop_signal", "SIGRTMIN+31", "SIGRTMIN+3"),
        ("healthcheck", "", "command is missing"),
        ("healthcheck", "CMD", "command is missing"),
        ("healthcheck", "--every=1s x", "options are --interval"),
        ("healthcheck", "--interval=soon x", "30s"),
        ("healthcheck", "--interval=1 x", "30s"),
        ("healthcheck", "--interval=-1s x", "30s"),
        ("healthcheck", "--interval=10us x", "at least 1ms"),
        ("healthcheck", "--interval x", "--interval=30s"),
        ("healthcheck", "--interval=1s --interval=2s x", "given twice"),
        ("healthcheck", "--retries=x y", "from 1 up"),
        ("healthcheck", "--retries=0 y", "from 1 up"),
        ("healthcheck", "--retries=3 NONE", "NONE takes no options"),
        ("healthcheck", "NONE /app", "NONE stands alone"),
        ("healthcheck", "curl -f http://localhost || exit 1", "without one"),
        ("created", "yesterday", "2026-01-31T12:00:00Z"),
        ("created", "9" * 30, "seconds since 1970"),
        ("created", "9" * 15, "out of range"),
        ("at", "app", "absolute path"),
        ("at", "/app/", "path of a file"),
        ("at", "/../app", "without .."),
        ("cpu", "x86-64-v9", "x86-64-v4"),
        ("cpu", "x86-64-v1", "baseline"),
        ("need", ("locale",), "--need locale=always"),
        ("need", ("locale=yes",), "auto, always or never"),
        ("need", ("lokale=always",), "did you mean locale"),
        ("locale", ("../../etc",), "de_DE.UTF-8"),
        ("locale", ("",), "de_DE.UTF-8"),
        ("timezone", ("/root/.ssh/id_rsa",), "Europe/Berlin"),
        ("timezone", ("Europe/../../x",), "Europe/Berlin"),
        ("service", ("../shadow",), "/etc/pam.d"),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_refused_with_what_is_right(field: str, value: Any, right: str) -> None:
    """Every kind of value, before any file of the input is read."""
    with pytest.raises(UsageError) as caught:
        asked(**{field: value})
    assert right in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("field", list(_READERS))
def test_every_kind_of_value_has_one_that_is_read(field: str) -> None:
    beside: dict[str, dict[str, Any]] = {
        "output": {"tag": ("x",)},
        "shard": {"each": True},
        "scheduler": {"each": True},
    }
    extra = beside.get(field, {})
    assert asked(**{field: SAMPLES[field], **extra})


@pytest.mark.parametrize("user", ["0", "65532:65532", "nobody", "nobody:0", "www-data:www-data", "2147483647"])
def test_users_that_engines_take_are_taken(user: str) -> None:
    assert asked(user=user).user == user


@pytest.mark.parametrize("signal", ["SIGTERM", "TERM", "15", "SIGRTMIN+3", "SIGRTMAX-2", "SIGWINCH", "SIGQUIT"])
def test_signals_that_linux_has_are_taken(signal: str) -> None:
    assert asked(stop_signal=signal).stop_signal == signal


def test_a_command_is_a_json_array_or_shell_words() -> None:
    assert asked(cmd='["/a b", "c"]').cmd == ("/a b", "c")
    assert asked(cmd="'/a b' c").cmd == ("/a b", "c")


def test_a_name_without_a_value_takes_it_from_our_environment() -> None:
    assert request(Options(env=("HOME", "A=1", "A=2")), "pack", {"HOME": "/root"}).env == (
        ("HOME", "/root"),
        ("A", "2"),
    )


def test_the_user_is_not_root_unless_asked_for() -> None:
    assert image_config(asked(), AMD64, "/a", {}).user == "65532:65532"
    assert image_config(asked(user="0"), AMD64, "/a", {}).user == "0"


def test_ports_have_their_protocol_and_each_is_there_once() -> None:
    assert asked(expose=("80", "53/UDP", "80/tcp")).expose == ("80/tcp", "53/udp")


def test_annotations_go_where_their_scope_says() -> None:
    found = asked(annotation=("a=1", "manifest:b=2", "index:c=3", "org.example:d=4")).annotation
    assert found == ((("a", "1"), ("b", "2"), ("org.example:d", "4")), (("c", "3"),))


def test_a_health_check_is_written_as_in_a_dockerfile() -> None:
    """I18"""
    assert asked(healthcheck="--interval=1m30s --retries=3 CMD /app check").healthcheck == Healthcheck(
        ("CMD", "/app", "check"), 90 * 10**9, 0, 0, 3
    )
    expected = Healthcheck(("CMD", "/app", "a b"), 0, 500 * 10**6, 0, 0)
    assert asked(healthcheck='--timeout=500ms ["/app", "a b"]').healthcheck == expected
    assert asked(healthcheck='CMD ["/CMDER"]').healthcheck == Healthcheck(("CMD", "/CMDER"))
    assert asked(healthcheck="NONE").healthcheck == Healthcheck(("NONE",))


def test_the_image_has_no_time_unless_one_is_given() -> None:
    """I7"""
    assert (asked().mtime, asked().created) == (0, None)
    epoch = request(None, "pack", {"SOURCE_DATE_EPOCH": "86400"})
    assert (epoch.mtime, epoch.created) == (86400, "1970-01-02T00:00:00Z")
    assert asked(created="2026-01-31T13:00:00+01:00").created == "2026-01-31T12:00:00Z"
    assert asked(created="0999-01-01T00:00:00Z").created == "0999-01-01T00:00:00Z"
    for wrong in ("yesterday", "1900-01-01", "9" * 15):
        with pytest.raises(UsageError):
            request(None, "pack", {"SOURCE_DATE_EPOCH": wrong})


def test_an_option_that_names_what_a_need_brings_decides_for_the_need(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    values: dict[str, Any] = {
        "timezone": ("UTC",),
        "locale": ("C.UTF-8",),
        "service": ("login",),
        "ca_bundle": str(bundle),
        "user": "nobody",
    }
    expected = {"timezone", "locale", "pam", "ca-certificates", "users"}
    assert asked(**values).need == dict.fromkeys(expected, "always")


@pytest.mark.parametrize(("field", "need"), [("timezone", "timezone"), ("locale", "locale"), ("service", "pam")])
def test_an_option_for_a_need_that_is_left_out_says_that_it_has_no_effect(field: str, need: str) -> None:
    found = asked(**{field: SAMPLES[field], "need": (f"{need}=never",)})
    assert found.need[need] == "never"
    assert found.notes == (f"--{field} has no effect: --need {need}=never",)


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"tag": ("a",), "output": ("type=local",)}, "--tag"),
        ({"annotation": ("a=1",), "output": ("type=tar",)}, "--annotation"),
        ({"insecure_registry": ("h",)}, "--insecure-registry"),
        ({"token_server": ("h",)}, "--token-server"),
        ({"force": True}, "--force"),
    ],
)
def test_an_option_without_effect_says_so(values: dict[str, Any], option: str) -> None:
    assert [note.split()[0] for note in asked(**values).notes] == [option]
    assert asked(tag=("a",), output=("type=local",), load="auto", force=True).notes == ()


def test_force_is_for_directories() -> None:
    forced = asked(output=("type=local", "type=docker"), force=True).output
    assert [output.force for output in forced] == [True, False]


def test_an_image_file_is_asked_for_where_there_is_an_image() -> None:
    with pytest.raises(UsageError, match="none of the outputs is an image"):
        asked(iidfile="i", output=("type=tar",))


@pytest.mark.parametrize("text", ["²", "٣", "9" * 4400, "-1", " 1"])
def test_only_ascii_digits_are_a_number_of_an_option(text: str) -> None:
    """S5: str.isdigit holds for superscripts, which int() refuses, and int() refuses thousands of digits."""
    for values in (
        {"output": (f"type=docker,dest=x,compression-level={text}",)},
        {"healthcheck": f"--retries={text} CMD true"},
        {"created": text},
        {"expose": (text,)},
        {"user": text},
        {"stop_signal": text},
    ):
        with pytest.raises(UsageError):
            asked(**values)


@pytest.mark.parametrize(
    "text", ["[" * 5000, '["\\ud800"]', '["a\\u0000"]', "[1]", "[9e999]", '["\udcff"]', "[" + "9" * 5000 + "]"]
)
def test_a_command_in_json_is_an_array_of_strings_that_can_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="a JSON array of strings"):
        asked(entrypoint=text)
