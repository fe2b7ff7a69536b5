"""Which images a fleet has, what they are called, and which part of it has which (W40)."""

from __future__ import annotations

import pytest

from scratchpack.config import Options
from scratchpack.errors import UsageError
from scratchpack.pipeline.fleet.members import each, members, part_of

NAMES = tuple(f"/usr/bin/tool-{number}" for number in range(200))


def references(shard: tuple[int, int] | None = None, tag: str = "example.org/x/{name}:1") -> list[str]:
    found = members(each(NAMES, Options(tag=(tag,))), {}, shard=shard)
    return [reference for member in found for reference in member.references]


def test_the_parts_are_the_whole_and_no_image_is_in_two() -> None:
    parts = [references((part, 7)) for part in range(1, 8)]
    assert sorted(name for part in parts for name in part) == sorted(references())
    assert all(15 <= len(part) <= 45 for part in parts)  # 28 or so each


def test_a_part_follows_from_the_name_alone() -> None:
    alone = members(each(NAMES[5:6], Options(tag=("example.org/x/{name}:1",))), {}, shard=None)
    part = part_of(alone[0].references[0], 7)
    assert alone[0].references[0] in references((part, 7))


@pytest.mark.parametrize(
    ("file", "name"), [("/a/Hello", "hello"), ("./g++", "g"), ("/x/[", "image"), ("my app.bin", "my-app.bin")]
)
def test_a_name_is_trimmed_to_what_an_image_may_be_called(file: str, name: str) -> None:
    (member,) = members(each([file], Options(tag=("example.org/{name}:2", "example.org/{name}:latest"))), {})
    assert member.references == (f"example.org/{name}:2", f"example.org/{name}:latest")


def test_two_images_of_one_name_are_both_named() -> None:
    with pytest.raises(UsageError) as refused:
        members(each(["/a/x", "/b/X", "/c/y"], Options(tag=("example.org/{name}:1",))), {})
    assert refused.value.details == ("example.org/x:1: /a/x and /b/X",)


def test_what_is_wrong_with_one_image_names_it() -> None:
    with pytest.raises(UsageError, match=r"^cannot use --user") as refused:
        members([(("/a/x",), Options()), (("/a/y",), Options(user="1:2:3"))], {})
    assert refused.value.message.startswith("/a/y: cannot use --user")


def test_a_variable_without_a_value_is_taken_here_wherever_the_image_is_made() -> None:
    (member,) = members([(("/a/x",), Options(env=("HOME", "A=b")))], {"HOME": "/home/me"})
    assert member.options.env == ("HOME=/home/me", "A=b")
