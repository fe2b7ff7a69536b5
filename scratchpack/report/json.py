"""Plans, verdicts and what was packed go in; JSON documents of schema 1 come out (``docs/schema/``). A name that is not UTF-8 also has ``path_b64``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol

from scratchpack import foreign
from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from scratchpack.elf.machines import Platform
    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.model import Closure, Problem, Resolution
    from scratchpack.needs.base import NeedResult
    from scratchpack.oci.model import ImageConfig, Release
    from scratchpack.rootfs import Entry, Rootfs
    from scratchpack.sinks.model import Receipt

SCHEMA = 1


class ProgramView(Protocol):
    """What is read here of a :class:`scratchpack.pipeline.model.Program`, which writes itself with this module."""

    @property
    def given(self) -> str:
        """As it was named."""

    @property
    def facts(self) -> ElfFacts:
        """What its file says."""


class PlanView(Protocol):
    """What is read here of a :class:`scratchpack.Plan`."""

    @property
    def programs(self) -> tuple[ProgramView, ...]:
        """The binaries."""

    @property
    def interpreters(self) -> tuple[str, ...]:
        """Of a script."""

    @property
    def closure(self) -> Closure:
        """What the loader maps."""

    @property
    def needs(self) -> tuple[NeedResult, ...]:
        """What is opened later."""

    @property
    def rootfs(self) -> Rootfs:
        """Every file."""

    @property
    def platform(self) -> Platform:
        """What it runs on."""

    @property
    def config(self) -> ImageConfig:
        """How it starts."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """For people."""


class PackedView(Protocol):
    """What is read here of a :class:`scratchpack.Packed`."""

    @property
    def plans(self) -> tuple[PlanView, ...]:
        """One a platform."""

    @property
    def release(self) -> Release | None:
        """The images."""

    @property
    def references(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What was written where."""


def dumps(document: dict[str, Any]) -> str:
    """A document as text: indented, keys in the order of the schema, ASCII."""
    return json.dumps(_written(document), indent=2)


def _written(value: Any) -> Any:
    """Every text as JSON can carry it: half a surrogate pair is no character, and strict readers refuse the whole document."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(name): _written(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(item) for item in value]
    return value


def path_fields(path: str) -> dict[str, str]:
    """``path``, and ``path_b64`` where it is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        import base64

        raw = os.fsencode(path)
        return {"path": raw.decode("utf-8", "backslashreplace"), "path_b64": base64.b64encode(raw).decode()}
    return {"path": path}


def _text(text: str) -> str:
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair that stands for no byte, out of somebody's JSON
        return foreign.legible(text)


def plan_document(plan: PlanView) -> dict[str, Any]:
    """One platform's plan: what ``inspect --json`` prints."""
    program = plan.programs[0]
    facts = program.facts
    return {
        "schema": SCHEMA,
        "binary": {
            **path_fields(program.given),
            "size": facts.size,
            "machine": facts.machine,
            "bits": facts.bits,
            "byte_order": facts.byte_order,
            "linkage": facts.linkage.value,
            "libc": plan.closure.libc,
            "interpreter": None if facts.interpreter is None else _text(facts.interpreter),
            "interpreters": [_text(path) for path in plan.interpreters],
            "build_id": facts.build_id,
            "warnings": [_text(text) for text in plan.warnings],
        },
        "closure": closure_document(plan.closure),
        "needs": [_need(need) for need in plan.needs],
        "files": [_file(entry) for entry in plan.rootfs],
    }


def closure_document(closure: Closure) -> dict[str, Any]:
    """What the loader maps at start, who asked, and what it misses."""
    return {
        "resolved": [_resolution(resolution) for resolution in closure.resolved],
        "edges": [
            {"requester": _text(e.requester), "name": _text(e.name), "kind": e.kind, "target": None if e.target is None else _text(e.target)}
            for e in closure.edges
        ],
        "missing": [
            {"soname": _text(p.name), "requested_by": _text(p.requester), "searched": _searched(p)}
            for p in closure.problems
            if p.kind == "missing"
        ],
        "problems": [
            {"kind": p.kind, "severity": p.severity, "requester": _text(p.requester), "name": _text(p.name), "detail": _text(p.detail)}
            for p in closure.problems
            if p.kind != "missing"
        ],
    }  # fmt: skip


def _searched(problem: Problem) -> list[dict[str, str]]:
    return [{"path": _text(s.path), "via": _text(s.via), "verdict": _text(s.verdict)} for s in problem.searched]


def _resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "soname": _text(resolution.soname),
        **path_fields(resolution.path),
        "real_path": _text(resolution.node.canonical),
        "found_by": resolution.found_by.value,
        "requested_by": _text(resolution.requested_by),
        "links": [_text(link.path) for link in resolution.node.links],
        "size": resolution.node.size,
    }


def _need(need: NeedResult) -> dict[str, Any]:
    return {
        "name": need.name,
        "tier": need.tier,
        "decision": need.decision,
        "evidence": [_text(f"{item.by} {item.because}".strip()) for item in need.evidence],
        "files": [_text(entry.path) for entry in need.files],
        "closure": None if need.closure is None else closure_document(need.closure),
        "notes": [_text(note) for note in need.notes],
        "suggestion": need.suggestion or None,
        "findings": [
            {"name": _text(f.name), "file": _text(f.file), "line": f.line, "certain": not f.why, "why": _text(f.why)}
            for f in need.findings
        ],
    }


def _file(entry: Entry) -> dict[str, Any]:
    kind = {File: "file", Symlink: "symlink", Directory: "directory"}[type(entry)]
    document: dict[str, Any] = {**path_fields(entry.path), "kind": kind}
    match entry:
        case File():
            document |= {"size": entry.size, "mode": f"{entry.mode:04o}"}
        case Symlink():
            document |= {"size": len(os.fsencode(entry.target)), "mode": "0777", "target": _text(entry.target)}
        case Directory():
            document |= {"size": 0, "mode": f"{entry.mode:04o}"}
    document["because"] = [{"kind": r.kind, "by": _text(r.by), "detail": _text(r.detail)} for r in entry.because]
    return document


def image_document(plan: PlanView) -> dict[str, Any]:
    """A plan, with its platform and the environment of its image: what ``--locked`` compares."""
    env = {_text(name): _text(value) for name, value in plan.config.env}
    return {**plan_document(plan), "platform": str(plan.platform), "env": env}


def metadata_document(packed: PackedView) -> dict[str, Any]:
    """``--metadata-file``: the first plan as ``inspect --json`` has it, the others' beside it, images and outputs."""
    document = image_document(packed.plans[0])
    if len(packed.plans) > 1:
        document["others"] = [image_document(plan) for plan in packed.plans[1:]]
    images = () if packed.release is None else packed.release.images
    document["images"] = [
        {
            "reference": packed.references[0] if packed.references else None,
            "references": list(packed.references),
            "platform": str(image.platform),
            "digest": image.manifest_blob.digest,
            "config_digest": image.config_blob.digest,
            "layers": [
                {"diff_id": layer.diff_id, "digest": layer.blob.digest, "size": layer.blob.size}
                for layer in image.layers
            ],
        }
        for image in images
    ]
    document["outputs"] = [
        {"type": r.type, "dest": _text(r.dest), "digest": r.digest, **({"engine": r.engine} if r.engine else {})}
        for r in packed.receipts
    ]
    return document
