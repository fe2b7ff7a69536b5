"""Multi-stage Dockerfiles: every language renders, and no wish of a user's becomes an instruction (T1 to T7, S12)."""

from __future__ import annotations

import io
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack import templates
from scratchpack.errors import UsageError
from scratchpack.scaffold import languages
from scratchpack.scaffold.dockerfile import Wishes, dockerfile
from scratchpack.scaffold.languages import LANGUAGES, Language
from tests.support.hostile import HOSTILE_NAMES

if TYPE_CHECKING:
    from pathlib import Path

EVERY = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)


def _parse(text: str) -> list[tuple[str, str]]:
    import dockerfile_parse

    parser = dockerfile_parse.DockerfileParser(fileobj=io.BytesIO(text.encode()))
    return [(line["instruction"], line["value"]) for line in parser.structure]


def _shape(text: str) -> list[str]:
    return [instruction for instruction, _ in _parse(text) if instruction != "COMMENT"]


def _everything(language: Language, **changes: Any) -> Wishes:
    wishes = Wishes(
        certificates=True, timezones=True, user="0", build_args=("-v", "--tag=a b"),
        platform="linux/amd64", link=language.links[-1],
    )  # fmt: skip
    return wishes._replace(**changes)


@EVERY
def test_the_final_stage_is_from_scratch_as_an_unprivileged_user(language: Language) -> None:
    text = dockerfile(language, Wishes())
    steps = [step for step in _parse(text) if step[0] != "COMMENT"]
    last = max(index for index, (instruction, _) in enumerate(steps) if instruction == "FROM")
    assert steps[last] == ("FROM", "scratch")
    assert steps[-2] == ("USER", "65532:65532")
    assert re.fullmatch(r'\["/(app/)?app"\]', steps[-1][1])
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@EVERY
def test_no_template_fetches_a_syntax_links_a_copy_or_calls_a_package_manager(language: Language) -> None:
    for wishes in (Wishes(), _everything(language), _everything(language, cache_mounts=False)):
        text = dockerfile(language, wishes)
        assert not re.search(r"^#\s*syntax", text, re.MULTILINE)
        assert "--link" not in text
        assert not re.search(r"\b(apt|apt-get|apk|dnf|yum|microdnf|zypper) ", text)
        assert not re.search(r"FROM \S+:latest", text)


@EVERY
def test_the_classic_builder_gets_no_mounts(language: Language) -> None:
    assert "--mount" in dockerfile(language, Wishes()) or language.name in {"c", "cpp", "ocaml"}
    for link in language.links:
        text = dockerfile(language, Wishes(cache_mounts=False, link=link))
        assert "--mount" not in text
        assert "$BUILDPLATFORM" not in text


@EVERY
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_leaves_the_instructions_unchanged_or_is_refused(language: Language, name: str) -> None:
    plain = _shape(dockerfile(language, Wishes()))
    package = shlex.quote(name) if language.build_systems else name  # the sources of C are shell words
    for wishes in (Wishes(name=name), Wishes(package=package), Wishes(build_args=(name,))):
        if not name.isprintable() or (wishes.package or "").startswith("-"):
            with pytest.raises(UsageError, match="cannot use"):
                dockerfile(language, wishes)
            continue
        text = dockerfile(language, wishes)
        assert _shape(text) == plain
        assert name in text or wishes.name == "app"
        if wishes.name == name:
            entrypoint = _parse(text)[-1]
            import json

            assert entrypoint[0] == "ENTRYPOINT"
            assert json.loads(entrypoint[1])[0].endswith("/" + name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".wh.a"])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot use --name"):
        dockerfile(LANGUAGES[0], Wishes(name=name))


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(version="1\nRUN x"),
        Wishes(version="1 AS x"),
        Wishes(image="a b"),
        Wishes(image="--platform=x"),
        Wishes(tool_image="$(x)"),
        Wishes(distro="plan9"),
        Wishes(user="nobody"),
        Wishes(user="0\nRUN x"),
        Wishes(platform="windows/amd64"),
        Wishes(link="dynamic"),
        Wishes(build_system="make"),
        Wishes(package="-x"),
    ],
)
def test_what_a_language_cannot_have_is_refused(wishes: Wishes) -> None:
    with pytest.raises(UsageError, match="cannot use"):
        dockerfile(languages.find("go"), wishes)


def test_go_cross_compiles_on_the_builders_own_platform() -> None:
    text = dockerfile(languages.find("go"), Wishes())
    assert "FROM --platform=$BUILDPLATFORM golang:" in text
    assert 'GOARCH="$TARGETARCH"' in text
    fixed = dockerfile(languages.find("go"), Wishes(platform="linux/arm/v7"))
    assert "GOOS=linux GOARCH=arm GOARM=7" in fixed
    assert "FROM --platform=linux/arm/v7 scratch" in fixed
    assert "# Build it with --platform linux/arm/v7:" in fixed
    level = dockerfile(languages.find("go"), Wishes(platform="linux/amd64/v3"))
    assert "GOARCH=amd64 GOAMD64=v3 " in level
    assert "GOARM" not in level


def test_a_language_that_cannot_cross_compile_builds_on_the_target_platform() -> None:
    text = dockerfile(languages.find("go-cgo"), Wishes(platform="linux/arm64"))
    assert "FROM --platform=linux/arm64 golang:" in text


def test_a_dynamic_program_is_packed_from_the_root_of_its_build_stage() -> None:
    text = dockerfile(languages.find("c"), Wishes(link="dynamic", name="hello"))
    assert (
        "RUN --mount=type=bind,from=build,target=/build scratchpack pack --root /build /out/hello --at /hello" in text
    )
    assert "COPY --from=pack /rootfs/ /" in text


def test_a_version_and_a_distribution_name_the_base() -> None:
    go = languages.find("go")
    assert "golang:1.26-bookworm AS build" in dockerfile(go, Wishes(version="1.26", distro="bookworm"))
    assert "registry.example/go@sha256:0 AS build" in dockerfile(go, Wishes(image="registry.example/go@sha256:0"))


@pytest.mark.parametrize(
    ("language", "wishes"),
    [
        ("c", Wishes(build_system="cmake", version="13")),
        ("cpp", Wishes(build_system="meson", distro="bookworm")),
        ("go", Wishes(image="golang:1", distro="alpine")),
    ],
)
def test_no_option_is_silently_without_effect(language: str, wishes: Wishes) -> None:
    with pytest.raises(UsageError, match=r"cannot use --.* with --"):
        dockerfile(languages.find(language), wishes)


def test_what_was_built_before_is_not_taken_for_what_is_built_now() -> None:
    """make, cargo and dub go by times: a program that came with the sources, or that a cache holds, would be "up to date"."""
    assert "RUN make -B " in dockerfile(languages.find("c"), Wishes(build_system="make"))
    assert "RUN make -B " in dockerfile(languages.find("cpp"), Wishes(build_system="make"))
    for name in ("rust", "rust-gnu", "d"):
        step = next(value for _, value in _parse(dockerfile(languages.find(name), Wishes())) if " build --" in value)
        assert 0 < step.index("-exec touch -c {} +") < step.index(" build --")


def test_a_swift_without_a_known_sdk_says_what_to_give() -> None:
    swift = languages.find("swift")
    assert "--build-arg SWIFT_SDK_CHECKSUM=" in dockerfile(swift, Wishes(version="6.1"))
    assert "--build-arg" not in dockerfile(swift, Wishes())


def test_aliases_find_their_language_and_an_unknown_one_is_refused() -> None:
    assert languages.find("c++").name == "cpp"
    with pytest.raises(UsageError, match="cannot make a template"):
        languages.find("cobol")
    names = [name for language in LANGUAGES for name in (language.name, *language.aliases)]
    assert len(set(names)) == len(names)


def test_every_template_file_belongs_to_a_language() -> None:
    files = {path.name for path in (templates.directory() / "dockerfile").glob("*.Dockerfile.j2")}
    known = {language.template.removeprefix("dockerfile/") for language in LANGUAGES}
    assert files - {"scratch.Dockerfile.j2"} == known


def test_a_users_own_template_gets_the_same_variables(tmp_path: Path) -> None:
    (tmp_path / "go.Dockerfile.j2").write_text("FROM {{ image }}\nENTRYPOINT {{ [entrypoint] | exec_form }}\n")
    assert dockerfile(languages.find("go"), Wishes(), own=tmp_path) == 'FROM golang:1.27-alpine\nENTRYPOINT ["/app"]\n'
