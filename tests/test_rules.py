"""The rules of docs/rules and their ids in code and tests: each id that is cited is stated, each rule is shown by a test that cites it."""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = HOME / "docs" / "rules"
LETTERS = {"hostile-input": "S", "images": "I", "layers": "W", "loader": "R", "needs": "N", "templates": "T"}

# The rules that no test shows, in two lists that only get shorter. Whoever writes the test names it in the page and takes the id out.
OUT_OF_SCOPE = {"R30"}
NOT_YET_SHOWN = {
    *("W9", "W42"),
}

ID = re.compile(r"\b([RNISTW])(\d{1,2})([a-d]?)\b")
RANGE = re.compile(r"\b([RNISTW])(\d{1,2})(?:\s*[-\u2013]\s*|\s+to\s+)\1?(\d{1,2})\b")
STATED = re.compile(
    r'^<a id="([a-z0-9]+)"></a>\n\*\*([A-Z]\d+[a-d]?)\*\* (.+?)\n\n(Shown by .+|Not shown by a test.*)$',
    re.MULTILINE | re.DOTALL,
)
TEST = re.compile(r"\[(test_\w+)\]\(\.\./\.\./(tests/[\w/]+\.py)\)")


class Rule(NamedTuple):
    """One rule of a page: the tests that it names as (file, function)."""

    id: str
    anchor: str
    page: str
    tests: tuple[tuple[str, str], ...]


def _rules() -> Iterator[Rule]:
    for page in sorted(RULES.glob("*.md")):
        if page.stem == "README":
            continue
        for block in re.split(r"\n(?=<a id=)", page.read_text()):
            found = STATED.match(block.partition("\n\n## ")[0].strip())
            if found is None:
                assert block.startswith("# "), f"{page.name}: not a rule in the form of the others: {block[:80]!r}"
                continue
            named = tuple((file, name) for name, file in TEST.findall(found[4]))
            yield Rule(found[2], found[1], page.stem, named)


def _ids(text: str) -> set[str]:
    """Every id in a text; "R1-R4" and "I1 to I5" name all between."""
    found = {"".join(match) for match in ID.findall(text)}
    for letter, first, last in RANGE.findall(text):
        found |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return found


@functools.cache
def _tests(file: str) -> tuple[frozenset[str], frozenset[str]]:
    """The functions of a test file and the rules it cites."""
    text = (HOME / file).read_text()
    names = (node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    return frozenset(names), frozenset(_ids(text))


def _texts() -> Iterator[Path]:
    """Whatever cites rules: our code, tests, samples and pages, but not this file and the pages that state them."""
    for room in ("scratchpack", "tests", "sample_apps", "bench", "templates", "docs"):
        for path in sorted((HOME / room).rglob("*")):
            if (
                path.suffix in {".py", ".md", ".toml", ".c", ".go", ".rs", ".j2", ".jinja"}
                and RULES not in path.parents
            ):
                yield path


STATED_RULES = list(_rules())


def test_every_id_is_stated_once_on_its_page_under_its_anchor() -> None:
    ids = [rule.id for rule in STATED_RULES]
    assert len(ids) == len(set(ids))
    for rule in STATED_RULES:
        assert rule.id[0] == LETTERS[rule.page], rule
        assert rule.anchor == rule.id.lower(), rule


def test_every_id_that_is_cited_is_stated() -> None:
    stated = {rule.id for rule in STATED_RULES}
    unknown = {
        f"{path.relative_to(HOME)}: {name}"
        for path in _texts()
        if path.name != "test_rules.py"
        for name in _ids(path.read_text(errors="replace")) - stated
    }
    assert unknown == set()


@pytest.mark.parametrize("rule", STATED_RULES, ids=lambda rule: rule.id)
def test_the_tests_that_a_rule_names_exist_and_cite_it(rule: Rule) -> None:
    for file, name in rule.tests:
        assert (HOME / file).exists(), f"{rule.id}: there is no {file}"
        functions, cited = _tests(file)
        assert name in functions, f"{rule.id}: there is no {name} in {file}"
        assert rule.id in cited, f"{file} does not cite {rule.id}"


def test_the_list_of_rules_without_a_test_only_gets_shorter() -> None:
    without = {rule.id for rule in STATED_RULES if not rule.tests}
    assert without - OUT_OF_SCOPE == NOT_YET_SHOWN, (
        "name the test in docs/rules, and take a rule that has one out of the list"
    )
