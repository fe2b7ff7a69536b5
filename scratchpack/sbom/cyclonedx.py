"""A bill goes in, CycloneDX 1.6 JSON comes out, written by cyclonedx-python-lib.

All components stand in one list; which belongs to which is said by the dependencies.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scratchpack import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.packages.model import Package
    from scratchpack.sbom.model import Bill, Item, Licence, Part

_IMAGE = "image"


def document(bill: Bill) -> bytes:
    """The document as indented JSON, keys sorted."""
    tool = Component(name="scratchpack", version=__version__, type=ComponentType.APPLICATION, bom_ref="tool")
    bom = Bom(
        serial_number=bill.identity,
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(bill.created, UTC),
            tools=ToolRepository(components=[tool]),
            component=_image(bill),
        ),
        components=[
            *(_owner(owner, bill.licences.get(owner.purl)) for owner in bill.packages),
            *(_part(part) for part in bill.parts),
            *(_file(item) for item in bill.items),
        ],
        dependencies=_dependencies(bill),
    )
    text = JsonV1Dot6(bom).output_as_string()
    return (json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _dependencies(bill: Bill) -> list[Dependency]:
    """The image holds packages and the files that none owns; packages hold files; files hold what was built into them."""
    owned: dict[str, list[str]] = {owner.purl: [] for owner in bill.packages}
    loose: list[str] = []
    for item in bill.items:
        (loose if item.owner is None else owned[item.owner.purl]).append(_name(item))
    found = [_dependency(_IMAGE, [*owned, *loose])]
    found += [_dependency(purl, names) for purl, names in owned.items()]
    found += [_dependency(_name(item), [part.purl for part in item.parts]) for item in bill.items]
    found += [_dependency(part.purl, ()) for part in bill.parts]
    return found


def _dependency(name: str, others: Iterable[str]) -> Dependency:
    return Dependency(BomRef(name), [Dependency(BomRef(other)) for other in others])


def _name(item: Item) -> str:
    return "file:" + item.text


def _image(bill: Bill) -> Component:
    return Component(
        name=bill.name,
        version=bill.version or None,
        type=ComponentType.CONTAINER,
        bom_ref=_IMAGE,
        purl=PackageURL.from_string(bill.purl) if bill.purl else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=bill.digest.removeprefix("sha256:"))]
        if bill.digest
        else (),
        properties=[Property(name="scratchpack:platform", value=bill.platform)],
    )


def _file(item: Item) -> Component:
    fields = {"build-id": item.build_id, "package": item.owner.purl if item.owner else None}
    return Component(
        name=item.text,
        type=ComponentType.FILE,
        bom_ref=_name(item),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=item.sha256)],
        properties=[Property(name=f"scratchpack:{name}", value=text) for name, text in fields.items() if text],
    )


def _owner(owner: Package, licence: Licence | None) -> Component:
    fields = {"source": f"{owner.source} {owner.source_version}", "copyright": owner.copyright}
    return Component(
        name=owner.name,
        version=owner.version,
        type=ComponentType.LIBRARY,
        bom_ref=owner.purl,
        purl=PackageURL.from_string(owner.purl),
        supplier=OrganizationalEntity(name=owner.maintainer) if owner.maintainer else None,
        licenses=[LicenseExpression(licence.expression)] if licence and licence.expression else (),
        properties=[Property(name=f"scratchpack:{name}", value=text) for name, text in fields.items() if text],
    )


def _part(part: Part) -> Component:
    return Component(
        name=part.name,
        version=part.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=part.purl,
        purl=PackageURL.from_string(part.purl),
    )
