"""The one way in which JSON is written, whatever is in it: the bytes are json's own."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from scratchpack.oci.digest import canonical_json

_LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
_DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=20
)


@given(_DOCUMENTS)
@example({"b": [1, True, None, 1.5], "a": '"\\\x7f\u2028é', "": {"\n": []}})
def test_a_document_is_written_as_json_writes_it(document: object) -> None:
    """Importing json is put off, and never what it does."""
    expected = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_json(document, what="document") == expected.encode()
