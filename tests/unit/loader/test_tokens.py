"""R6, R21: tokens and search lists, as text."""

from __future__ import annotations

import pytest

from scratchpack.loader.tokens import Tokens, expand, musl_search_list, search_list

TOKENS = Tokens("/o", "lib64", "x86_64")


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("$ORIGIN/a", "/o/a"),
        ("${ORIGIN}a", "/oa"),
        ("$ORIGINX", "$ORIGINX"),
        ("$ORIGIN_", "$ORIGIN_"),
        ("$ORIGIN.d", "/o.d"),
        ("$FOO/$LIB", "$FOO/lib64"),
        ("${PLATFORM", "${PLATFORM"),
        ("a$$ORIGIN", "a$/o"),
        ("$origin", "$origin"),
    ],
)
def test_glibc_substitutes_its_three_names_only(text: str, gives: str) -> None:
    expanded = expand(text, TOKENS)
    assert expanded is not None
    assert expanded.text == gives
    assert expanded.by_origin == ("/o" in gives)


def test_a_token_without_a_value_drops_its_element_only() -> None:
    found = search_list("/a:$LIB/b:/c", Tokens("/o"), ":")
    assert [element.text for element in found] == ["/a", "/c"]


def test_each_directory_counts_once_without_trailing_slashes() -> None:
    assert [element.text for element in search_list("/a//:/b:/a:/", TOKENS, ":")] == ["/a", "/b", "/"]


def test_musl_drops_the_whole_list_without_an_origin() -> None:
    assert musl_search_list("/a:$ORIGIN/b", None) == ()
    assert [element.text for element in musl_search_list("/a:\n/b", None)] == ["/a", "/b"]
