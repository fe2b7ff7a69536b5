"""What the libraries of both formats themselves say of a document."""

from __future__ import annotations

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def judge_spdx(data: bytes) -> dict[str, Any]:
    """The document, which spdx-tools reads and finds no fault with."""
    document: dict[str, Any] = json.loads(data)
    assert validate_full_spdx_document(JsonLikeDictParser().parse(document), "SPDX-2.3") == []
    return document


def judge_cyclonedx(data: bytes) -> dict[str, Any]:
    """The document, which the schema of CycloneDX 1.6 allows."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    document: dict[str, Any] = json.loads(data)
    return document
