"""N6, N8: certificate authorities. Every TLS library looks for them at a place of its own; one bundle, many names.

Measured (docs/needs.md has the matrix): the bundle at the usual place alone fails OpenSSL, SSL_CERT_FILE alone fails GnuTLS
and Zig. So the bundle stands at the usual place, a link stands at every place that a library of this very closure
names in its own strings, and the variable is set.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, Contribution, ElfRoot, Evidence, Unavailable, Wants, matches
from scratchpack.needs.gather import landing, linked, node_entry, reasons, tree
from scratchpack.needs.system.clients import SYMBOLS, client_libraries
from scratchpack.rootfs import RANK_OPTION, File, inline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedOptions, Seen, Subject
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Places that Go, Zig and openssl-probe read beside the usual one, in every program, so a program links to them too.
PORTABLE = ("/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt")
# Where a root may keep its bundle, in the order in which Go's crypto/x509 tries them.
SOURCES = (
    *(BUNDLE, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem"),
    *("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"),
)
_STORES = (
    *("SSL_CTX_set_default_verify_*", "X509_STORE_set_default_paths*", "X509_get_default_cert_*"),
    *("gnutls_certificate_set_x509_system_trust", "gnutls_x509_trust_list_add_system_trust"),
)
# The accepting side of TLS: whether such a program connects to others as well is for its configuration to say.
_SERVES = (
    *("SSL_accept", "SSL_set_accept_state", "TLS_server_method", "DTLS_server_method", "SSLv23_server_method"),
    *("gnutls_certificate_server_set_request", "gnutls_certificate_server_set_retrieve_function"),
)
_CALLS = "which has a trust store"
_TRUST = re.compile(r"/[\w./+-]*(?:cert\.pem|certs\.pem|\.crt|bundle\.pem|cacert\.pem|/certs/?)")
_INSIDE = re.compile(r"\.(?:crt|pem).")  # a file's name that goes on: several literals


class CaCertificates:
    """One bundle and the links that the libraries of this closure want."""

    name = "ca-certificates"
    summary = "TLS connections fail to verify without certificate authorities"
    wants: Wants = Wants(
        symbols=(
            *_STORES,
            *SYMBOLS,
            *_SERVES,
        ),
        fragments=("/etc/ssl/", "/etc/pki/", "/cert.pem", "SSL_CERT_FILE"),
        inside=(
            *(("libcurl*", text) for text in ("/etc/", "/cert.pem")),
            *(("libgnutls.so*", text) for text in ("/etc/", "pkcs11:")),
            ("libp11-kit.so*", "/pkcs11"),
            ("libcrypto.so*", 'OPENSSLDIR: "'),
            (PROGRAM, 'OPENSSLDIR: "'),
        ),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The default trust store asked for; a store's path in own strings; a client call into a library that has one."""
        found = [
            Evidence(self.name, seen.tier, f"imports {symbol}", seen.path)
            for seen, symbol in subject.importing(*_STORES)
            if not matches(seen.name, "libssl.so*")  # it wraps libcrypto's own
        ]
        for fragment in self.wants.fragments:
            runs = [run for run in subject.strings(fragment) if _TRUST.search(run)]
            if runs or (fragment == "SSL_CERT_FILE" and subject.strings(fragment) and not subject.facts.needed):
                paths = tuple(dict.fromkeys(path for run in runs for path in stores(run)))
                shown = paths[0] if paths else next((run[:80] for run in runs), fragment)
                found.append(Evidence(self.name, A, f"string {shown}", subject.program.path, paths))
        for call, library in client_libraries(subject):
            if _has_store(library):
                because = f"imports {call} of {library.name}, {_CALLS}"
                found.append(Evidence(self.name, A, because, subject.program.path))
        return tuple(found)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The bundle, its links, SSL_CERT_FILE; p11-kit's module where GnuTLS asks it (Fedora)."""
        because = reasons(self.name, evidence)
        places = dict.fromkeys((*PORTABLE, *_places(subject), *(path for item in evidence for path in item.found)))
        files = list(_bundle(root, because, options, tuple(places), essential=_is_client(evidence, subject)))
        target = files[-1].path
        for place in places:
            if place.endswith(("/", "/certs")):
                continue
            links, path = landing(root, place, because)
            if path != target:
                files += [*links, linked(path, BUNDLE, because)]
        extra, modules = _p11_kit(root, subject, because)
        env = {"SSL_CERT_FILE": BUNDLE} if "SSL_CERT_FILE" not in subject.env else {}
        return Contribution((*files, *extra), modules, env)


def stores(run: str) -> Iterator[str]:
    """The trust stores that a string names: itself, or those known by name where literals stand side by side (Rust).

    Nim's literals begin with the last byte of their capacity, which is an "@".
    """
    for text in _TRUST.findall(run):
        if text == run.removeprefix("@") and not _INSIDE.search(run):
            yield text
        else:
            yield from (path for path in dict.fromkeys((*SOURCES, *PORTABLE)) if path in text)


def _is_client(evidence: tuple[Evidence, ...], subject: Subject) -> bool:
    """Whether the program connects whatever its configuration says: it calls a client's library, or accepts nothing."""
    calls = any(_CALLS in item.because for item in evidence if item.tier == A)
    return calls or not any(seen.tier == A for seen, _ in subject.importing(*_SERVES))


def _has_store(seen: Seen) -> bool:
    """A trust store of its own: a path in its strings, or the library's default store asked for."""
    stores = tuple(name for name in seen.imports if any(matches(name, want) for want in _STORES))
    return (
        bool(stores)
        or any(_TRUST.search(run) for runs in seen.strings.values() for run in runs)
        or (seen.name.startswith(("libsoup", "libgio")))
    )


def _places(subject: Subject) -> Iterator[str]:
    """The files that the libraries of the closure name as their trust store."""
    for seen in subject.objects:
        for run in seen.strings.get('OPENSSLDIR: "', ()):
            for directory in re.findall(r'OPENSSLDIR: "(/[^"]*)"', run):
                yield posixpath.join(directory, "cert.pem")
        if seen.tier == A or not seen.name.startswith(("libcurl", "libgnutls")):
            continue
        for fragment in ("/etc/", "/cert.pem"):
            for run in seen.strings.get(fragment, ()):
                yield from (path for path in (run,) if _TRUST.fullmatch(path))


def _bundle(
    root: Sysroot, because: tuple[Reason, ...], options: NeedOptions, places: tuple[str, ...], *, essential: bool
) -> tuple[Entry, ...]:
    """The links to the bundle's place and, last, the bundle."""
    links, path = landing(root, BUNDLE, because)
    if options.ca_bundle is not None and options.read_host is not None:
        data = options.read_host(options.ca_bundle)
        if b"-----BEGIN" not in data:
            raise Unavailable(f"{options.ca_bundle} holds no PEM certificate", "give --ca-bundle a PEM file")
        return (*links, File(path, inline(data), because=because, rank=RANK_OPTION))
    for source in (*SOURCES, *places):
        node = root.lookup(source)
        if node is not None and node.kind == "file" and node.size:
            return (*links, node_entry(root, node, because, at=path)._replace(inode=None))
    missing = "there is no bundle of certificate authorities"
    raise Unavailable(missing, "install ca-certificates, give --ca-bundle FILE", essential=essential)


def _p11_kit(
    root: Sysroot, subject: Subject, because: tuple[Reason, ...]
) -> tuple[tuple[Entry, ...], tuple[ElfRoot, ...]]:
    """GnuTLS built to ask PKCS#11 for its trust (N8): the module, and the directories that it reads."""
    asking = [seen for seen in subject.named("libgnutls.so*") if seen.strings.get("pkcs11:")]
    reads_file = [seen for seen in asking if any(_TRUST.fullmatch(run) for run in seen.strings.get("/etc/", ()))]
    if not asking or reads_file:
        return (), ()
    runs = (run for seen in subject.named("libp11-kit.so*") for run in seen.strings.get("/pkcs11", ()))
    for directory in dict.fromkeys(run for run in runs if run.startswith("/")):
        module = posixpath.join(directory, "p11-kit-trust.so")
        if root.lookup(module) is not None:
            trees = ("/etc/pki/ca-trust/source", "/usr/share/pki/ca-trust-source", "/usr/share/p11-kit/modules")
            files = tuple(entry for path in trees for entry in tree(root, path, because))
            return files, (ElfRoot(module, asking[0].path),)
    return (), ()


NEED = CaCertificates()
