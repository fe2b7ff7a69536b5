"""The rows of languages: detectors, which give evidence for other needs, and the needs that are a language's own."""

from __future__ import annotations

from scratchpack.needs.base import CODE, PROGRAM, Row, Wants

_CHARSETS = (
    *("8859", "WINDOWS", "windows", "CP", "cp", "KOI8", "EUC", "JIS", "GB", "gb", "BIG5", "UTF-7", "ISO-2022"),
    *("MACINTOSH", "TIS-620", "JOHAB", "UHC", "LATIN", "latin"),
)

DETECTORS: tuple[Row, ...] = (
    Row(
        "go",
        "golang",
        Wants(
            functions=(
                *("net/http.(*Transport).roundTrip", "crypto/tls.Dial*", "crypto/tls.(*Dialer).*"),
                "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake",
                *("crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots", "crypto/x509.SetFallbackRoots"),
                "golang.org/x/crypto/x509roots/fallback.*",
                *("time.LoadLocation", "time/tzdata.loadFromEmbeddedTZData"),
                *("os/user.current", "os/user.Current*", "os/user.lookup*", "os/user.Lookup*"),
                *("os.CreateTemp", "os.MkdirTemp", "os.TempDir", "os/exec.Command", "os/exec.CommandContext"),
            )
        ),
    ),
    Row(
        "rust",
        "rust",
        Wants(
            fragments=(
                *("certs/ca-root-nss.crt", "/openssl-probe-", "/rustls-native-certs-", "/native-tls-"),
                *("/tempfile-", "/library/core/src/", "/library/std/src/"),
            ),
            inside=((CODE, "/tmp"),),
            sections=(".dep-v0",),
        ),
    ),
    Row("guile-text", "guile_text", Wants(symbols=("scm_boot_guile", "scm_with_guile"))),
    Row("nim", "nim", Wants(fragments=(".so(",))),
    Row("d", "dlang", Wants(symbols=("_D3std3net4curl*",), fragments=("libcurl-nss.so.4",))),
    Row("haskell", "haskell", Wants(fragments=("GHCRTS",), inside=tuple((PROGRAM, text) for text in _CHARSETS))),
    Row("swift", "swift", Wants(sonames=("libFoundation.so", "libFoundationNetworking.so"))),
)

ROWS: tuple[Row, ...] = (
    Row("graalvm", "graalvm", Wants(sections=(".svm_heap",))),
    Row(
        "dotnet",
        "dotnet",
        Wants(
            fragments=("libSystem.Native", "RhpNewFast"),
            inside=((PROGRAM, "libssl.so"), (PROGRAM, "libicuuc.so")),
        ),
    ),
)
