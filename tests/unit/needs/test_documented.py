"""Every need and every language has its line in the table of which test runs it."""

from __future__ import annotations

import re
from collections import Counter

from scratchpack.needs.index import LANGUAGES, ROWS
from tests.support.cli import HOME

LINE = re.compile(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", re.MULTILINE)


def test_the_table_names_each_need_once_and_tests_that_exist() -> None:
    table = (HOME / "docs/needs-campaign.md").read_text().partition("## Which test runs which need")[2]
    lines = LINE.findall(table)

    assert Counter(name for name, _ in lines) == Counter(row.name for row in (*ROWS, *LANGUAGES))
    there = {path.stem for place in ("e2e", "unit/needs") for path in (HOME / "tests" / place).glob("test_*.py")}
    for name, tests in lines:
        named = set(re.findall(r"`(\w+)`", tests))
        assert named, name
        assert named <= there, name
