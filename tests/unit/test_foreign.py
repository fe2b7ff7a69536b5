"""The one reader of what strangers wrote: the kind that was asked for, or the caller's own error (S5, S6)."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack import foreign
from scratchpack.errors import RemoteError
from tests.support.mutants import mutants

if TYPE_CHECKING:
    from pathlib import Path


def _fault(why: str) -> RemoteError:
    return RemoteError(f"cannot read it: {why}")


DOCUMENT = {"config": {"Entrypoint": ["/a", "b"], "n": 3, "on": True, "null": None, "Labels": {"k": "v"}}}


def read(document: object) -> foreign.Value:
    return foreign.json_document(json.dumps(document), _fault)


def test_a_document_gives_the_kinds_that_are_meant() -> None:
    config = read(DOCUMENT)["config"]
    assert config["Entrypoint"].texts() == ("/a", "b")
    assert config["n"].number() == 3
    assert config["on"].flag() is True
    assert config["Labels"].table() == {"k": "v"}


@pytest.mark.parametrize("name", ["absent", "null"])
def test_a_member_that_may_be_absent_is_the_empty_value_of_its_kind_as_in_go(name: str) -> None:
    value = read(DOCUMENT)["config"].get(name)
    assert value.absent
    assert (value.text(), value.number(), value.flag(), value.texts(), value.table()) == ("", 0, False, (), {})


@pytest.mark.parametrize(
    ("document", "ask", "why"),
    [
        ({"config": {"Entrypoint": ["/a", 3]}}, lambda d: d["config"]["Entrypoint"].texts(), "config.Entrypoint[1]: a string is meant, not a number"),
        ({"config": []}, lambda d: d["config"]["Entrypoint"], "config: an object is meant, not an array"),
        ({}, lambda d: d["config"], "config: it is missing"),
        ({"a": None}, lambda d: d["a"].text(), "a: a string is meant, not null"),
        ({"a": True}, lambda d: d["a"].number(), "a: a number is meant, not true or false"),
        ({"a": 1.0}, lambda d: d["a"].number(), "a: a number is meant, not a number with a fraction"),
        ({"a": -1}, lambda d: d["a"].number(), "a: a number from 0 to 9223372036854775807 is meant"),
        ({"a": "x\0y"}, lambda d: d["a"].text(), "a: a string without a NUL is meant"),
        ({"a": {"x\0": "y"}}, lambda d: d["a"].table(), "a: a member's name without a NUL is meant"),
        ({"a\x1b b": {}}, lambda d: d["a\x1b b"].text(), "['a\\x1b b']: a string is meant, not an object"),
    ],
)  # fmt: skip
def test_a_wrong_kind_is_the_callers_error_and_names_the_place(document: object, ask: Any, why: str) -> None:
    with pytest.raises(RemoteError) as caught:
        ask(read(document))
    assert caught.value.message == f"cannot read it: {why}"


HOSTILE_JSON = {
    "empty": b"",
    "not UTF-8": b'"\xff"',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "lone surrogate": b'["\\ud800"]',
    "lone surrogate as a name": b'{"\\udc80": 1}',
    "lone surrogate as bytes": b'["\xed\xa0\x80"]',
    "4,301 digits": b"[" + b"9" * 4301 + b"]",
    "21 digits": b"[" + b"9" * 21 + b"]",
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "one too deep": b"[" * 101 + b"]" * 101,
    "NaN": b"[NaN]",
    "infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "too long": b'"' + b"a" * foreign.MAX_DOCUMENT + b'"',
    "two documents": b"{}{}",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_the_callers_error(name: str) -> None:
    with pytest.raises(RemoteError):
        foreign.json_document(HOSTILE_JSON[name], _fault)


def test_json_at_the_bounds_is_read() -> None:
    foreign.json_document(b"[" * 100 + b"]" * 100, _fault)
    assert foreign.json_document('["\\ud83d\\ude00"]', _fault).texts() == ("\U0001f600",)
    assert foreign.json_document(b"[9223372036854775807, 18446744073709551615]", _fault).raw[1] == 2**64 - 1


HOSTILE_TOML = {
    "not UTF-8": b'a = "\xff"',
    "4,301 digits": b"a = " + b"9" * 4301,
    "a long hexadecimal number": b"a = 0x" + b"f" * 5000,
    "a number of 65 bits": b"a = 18446744073709551616",
    "deep arrays": b"a = " + b"[" * 50_000 + b"]" * 50_000,
    "deep tables": b"a = " + b"{a=" * 50_000 + b"1" + b"}" * 50_000,
    "a key of 300,000 parts": b"a" + b".a" * 300_000 + b" = 1",
    "a quoted key of 100,000 parts": b'"a b"' + b' . "a b"' * 100_000 + b" = 1",
    "a header of 300,000 parts": b"[a" + b".a" * 300_000 + b"]",
    "a day that is none": b"a = 2026-13-45",
    "NUL": b"a = 1\0",
}


@pytest.mark.parametrize("name", HOSTILE_TOML)
def test_hostile_toml_is_the_callers_error_soon(name: str) -> None:
    with pytest.raises(RemoteError):
        foreign.toml_document(HOSTILE_TOML[name], _fault)


def test_a_toml_date_is_no_string() -> None:
    with pytest.raises(RemoteError, match="a: a string is meant, not a date or time"):
        foreign.toml_document(b"a = 2026-01-01", _fault)["a"].text()


@pytest.mark.parametrize("text", ["", "²", "٣", "+1", "-1", " 1", "1_0", "9" * 4301, "9" * 20, "1\n"])
def test_what_is_no_decimal_number_is_none(text: str) -> None:
    assert foreign.decimal(text) is None


def test_decimal_numbers_are_read_up_to_what_is_allowed() -> None:
    assert foreign.decimal("0065535") == 65535
    assert foreign.decimal("65536", most=65535) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [(b"a\xffb", "a\\xffb"), ("a\udcffb", "a\\xffb"), ("\ud800", "\\ud800"), ("a\0b", "a\\x00b"), (b"\xc3\xa9", "é")],
)
def test_legible_text_can_be_written_everywhere(text: bytes | str, shown: str) -> None:
    assert foreign.legible(text) == shown
    foreign.legible(text).encode()


def test_a_file_is_read_whole_or_is_a_fault_and_nothing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"12345")
    os.mkfifo(tmp_path / "fifo")
    assert foreign.file(tmp_path / "plain", _fault) == b"12345"
    assert foreign.file(tmp_path / "none", _fault) is None
    assert foreign.file(tmp_path / "plain" / "below", _fault) is None
    for name in (tmp_path / "fifo", "/dev/zero", tmp_path, "a\0b"):
        with pytest.raises(RemoteError):
            foreign.file(name, _fault)
    with pytest.raises(RemoteError, match="longer than 4 bytes"):
        foreign.file(tmp_path / "plain", _fault, limit=4)


def test_every_mutant_of_a_document_is_read_or_the_callers_error() -> None:
    count = 0
    for data in mutants(DOCUMENT, random.Random(5)):
        count += 1
        try:
            config = foreign.json_document(data, _fault)["config"]
            config["Entrypoint"].texts()
            config.get("n").number()
            config.get("on").flag()
            config.get("Labels").table()
        except RemoteError:
            pass
    assert count > 200
