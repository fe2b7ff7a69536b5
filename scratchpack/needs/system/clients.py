"""A program's own call into a library for the purpose of a connection is as good as a call of its own.

curl's binary holds no certificate path and imports no getaddrinfo: libcurl does both, and the program calls it for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Seen, Subject

CALLS: tuple[tuple[str, str], ...] = (  # (what the program imports, the library's file name)
    *(("curl_easy_perform", "libcurl*"), ("curl_multi_*", "libcurl*"), ("git_remote_*", "libgit2.so*")),
    *(("git_clone", "libgit2.so*"), ("ne_session_*", "libneon*"), ("serf_*", "libserf*")),
    *(("soup_session_*", "libsoup*"), ("g_socket_client_*", "libgio-2.0.so*"), ("g_tls_*", "libgio-2.0.so*")),
    *(("PQconnect*", "libpq.so*"), ("mysql_real_connect", "libmysqlclient.so*"), ("redisConnect*", "libhiredis.so*")),
    *(("mysql_real_connect", "libmariadb.so*"), ("ldap_initialize", "libldap*")),
    *(("BIO_new_connect", "libcrypto.so*"), ("BIO_new_ssl_connect", "libcrypto.so*"), ("BIO_lookup*", "libcrypto.so*")),
)
SYMBOLS = tuple(dict.fromkeys(symbol for symbol, _ in CALLS))


def client_libraries(subject: Subject) -> Iterator[tuple[str, Seen]]:
    """The calls that the program makes itself, each with the library of the closure that it calls."""
    for symbol, library in CALLS:
        calls = [call for seen, call in subject.importing(symbol) if seen.tier == A]
        if calls:
            yield from ((calls[0], seen) for seen in subject.named(library))
