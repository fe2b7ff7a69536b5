"""Mutants of a JSON document, field by field: what a reader of foreign documents must take or refuse, never fall over (S5)."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

# what is put in the place of each value; the last ones are JSON texts that json.dumps would not write
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 63, 1.5, "", "a", "²", "a\0b", "\x1b[2J", "../../etc/passwd", [], {}, [None], ["a", 1], [[]],
    {"a": None}, {"": ""}, {"a": {"a": []}},
)  # fmt: skip
RAW = ('"\\ud800"', "1e999", "NaN", "9" * 4400, "[" * 5000 + "]" * 5000, '{"\\udc80":"\\udfff"}')
_MARK = "\x7fmutant\x7f"


def mutants(document: Any, random: random.Random) -> Iterator[bytes]:
    """Each value of the document replaced by each of the above, each member left out, and the text cut and flipped."""
    places = list(_places(document))
    for place in places:
        for value in VALUES:
            yield json.dumps(_put(document, place, value)).encode()
        for raw in RAW:
            yield json.dumps(_put(document, place, _MARK)).replace(json.dumps(_MARK), raw).encode()
        if place:
            yield json.dumps(_without(document, place)).encode()
    whole = json.dumps(document).encode()
    for _ in range(64):
        at = random.randrange(len(whole))
        yield whole[:at]
        yield whole[:at] + bytes([random.randrange(256)]) + whole[at + 1 :]


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*at, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, (*at, number))


def _put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(document)
    _at(changed, place[:-1])[place[-1]] = value
    return changed


def _without(document: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(document)
    del _at(changed, place[:-1])[place[-1]]
    return changed


def _at(document: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        document = document[step]
    return document
