"""A bill goes in, SPDX 2.3 JSON comes out, written by spdx-tools (whose validator wants a SHA1 and a relative name of every file)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from license_expression import get_spdx_licensing
from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    File,
    FileType,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.spdx_element_utils import calculate_package_verification_code

from scratchpack import __version__

if TYPE_CHECKING:
    from scratchpack.packages.model import Package as Owner
    from scratchpack.sbom.model import Bill, Item, Licence, Part

_DOCUMENT, _IMAGE = "SPDXRef-DOCUMENT", "SPDXRef-Image"


def document(bill: Bill) -> bytes:
    """The document as indented JSON, keys sorted."""
    converted = DocumentConverter().convert(_document(bill))
    return (json.dumps(converted, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _document(bill: Bill) -> Any:
    files = {item.path: _file(number, item) for number, item in enumerate(bill.items, 1)}
    owners = {owner.purl: f"SPDXRef-Package-{number}" for number, owner in enumerate(bill.packages, 1)}
    parts = {part.purl: f"SPDXRef-Part-{number}" for number, part in enumerate(bill.parts, 1)}
    packages = [_image(bill, list(files.values()))]
    links = [_link(_DOCUMENT, RelationshipType.DESCRIBES, _IMAGE)]
    for owner in bill.packages:
        own = [files[item.path] for item in bill.items if item.owner == owner]
        packages.append(_owner(owners[owner.purl], owner, bill.licences.get(owner.purl), own))
        links.append(_link(_IMAGE, RelationshipType.CONTAINS, owners[owner.purl]))
        links += [_link(owners[owner.purl], RelationshipType.CONTAINS, file.spdx_id) for file in own]
    packages += [_part(parts[part.purl], part) for part in bill.parts]
    for item in bill.items:
        file = files[item.path].spdx_id
        links.append(_link(_IMAGE, RelationshipType.CONTAINS, file))
        links += [_built(file, part, parts[part.purl]) for part in item.parts]
    others = dict(other for licence in bill.licences.values() for other in licence.others)
    return Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=_DOCUMENT,
            name=bill.name,
            document_namespace=f"urn:uuid:{bill.identity}",
            creators=[Actor(ActorType.TOOL, f"scratchpack-{__version__}")],
            created=datetime.fromtimestamp(bill.created, UTC).replace(tzinfo=None),
        ),
        packages=packages,
        files=list(files.values()),
        relationships=links,
        extracted_licensing_info=[
            ExtractedLicensingInfo(license_id=name, extracted_text=text) for name, text in sorted(others.items())
        ],
    )


def _link(one: str, kind: Any, other: str) -> Any:
    return Relationship(one, kind, other)


def _built(file: str, part: Part, reference: str) -> Any:
    match part.role:
        case "main":
            return _link(file, RelationshipType.GENERATED_FROM, reference)
        case "build":
            return _link(reference, RelationshipType.BUILD_DEPENDENCY_OF, file)
    return _link(file, RelationshipType.STATIC_LINK, reference)


def _file(number: int, item: Item) -> Any:
    return File(
        name="." + item.text,
        spdx_id=f"SPDXRef-File-{number}",
        checksums=[
            Checksum(ChecksumAlgorithm.SHA1, item.sha1),
            Checksum(ChecksumAlgorithm.SHA256, item.sha256),
        ],
        file_types=[FileType.BINARY] if item.elf else None,
        comment=f"build-id: {item.build_id}" if item.build_id else None,
    )


def _image(bill: Bill, files: list[Any]) -> Any:
    return Package(
        spdx_id=_IMAGE,
        name=bill.name,
        version=bill.version or None,
        download_location=SpdxNoAssertion(),
        verification_code=calculate_package_verification_code(files),
        checksums=[Checksum(ChecksumAlgorithm.SHA256, bill.digest.removeprefix("sha256:"))] if bill.digest else None,
        external_references=[_purl(bill.purl)] if bill.purl else None,
        primary_package_purpose=PackagePurpose.CONTAINER,
        comment=f"platform: {bill.platform}",
    )


def _owner(reference: str, owner: Owner, licence: Licence | None, files: list[Any]) -> Any:
    name, email = parseaddr(owner.maintainer)
    return Package(
        spdx_id=reference,
        name=owner.name,
        version=owner.version,
        download_location=SpdxNoAssertion(),
        supplier=Actor(ActorType.ORGANIZATION, name, email or None) if name else None,
        verification_code=calculate_package_verification_code(files),
        source_info=f"built from the source package {owner.source} {owner.source_version}",
        license_declared=get_spdx_licensing().parse(licence.expression) if licence and licence.expression else None,
        license_comment=f"licence text: {owner.copyright}" if owner.copyright else None,
        external_references=[_purl(owner.purl)],
        primary_package_purpose=PackagePurpose.LIBRARY,
        comment="of this package, only the files that are in the image",
    )


def _part(reference: str, part: Part) -> Any:
    return Package(
        spdx_id=reference,
        name=part.name,
        version=part.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        external_references=[_purl(part.purl)],
        primary_package_purpose=PackagePurpose.LIBRARY,
    )


def _purl(text: str) -> Any:
    return ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", text)
