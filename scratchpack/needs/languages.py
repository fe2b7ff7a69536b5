"""The rows of languages: detectors, which give evidence for other needs, and the needs that are a language's own."""

from __future__ import annotations

from scratchpack.needs.base import PROGRAM, Row, Wants

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
            )
        ),
    ),
    Row(
        "rust",
        "rust",
        Wants(
            fragments=("certs/ca-root-nss.crt", "/openssl-probe-", "/rustls-native-certs-", "/native-tls-"),
            sections=(".dep-v0",),
        ),
    ),
    Row("guile-text", "guile_text", Wants(symbols=("scm_boot_guile", "scm_with_guile"))),
    Row("haskell", "haskell", Wants(fragments=("GHCRTS",))),
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
