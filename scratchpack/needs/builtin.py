"""The built-in needs: one row each, with what the one scan looks for. A need's file is imported when its row was hit."""

from __future__ import annotations

from scratchpack.needs.base import IMPORTERS, PROGRAM, Row, Wants
from scratchpack.needs.clients import SYMBOLS
from scratchpack.needs.companions import ROWS as COMPANIONS
from scratchpack.needs.languages import DETECTORS
from scratchpack.needs.languages import ROWS as LANGUAGE_ROWS

# names that programs hand to getaddrinfo instead of a port
SERVICES = (
    "ftp",
    "http",
    "https",
    "imap",
    "imaps",
    "ldap",
    "ldaps",
    "ntp",
    "pop3",
    "pop3s",
    "smtp",
    "smtps",
    "ssh",
    "telnet",
)
_LOCALE_ENV = ("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME")

# Needs that any program may have, whatever it was written in.
BLIND: tuple[Row, ...] = (
    Row("libgcc", "libgcc", Wants(symbols=("pthread_cancel", "pthread_exit", "thrd_exit", "backtrace"))),
    Row(
        "hosts",
        "hosts",
        Wants(
            symbols=(
                *("getaddrinfo", "getaddrinfo_a", "getnameinfo", "gethostby*", "gethostent", "getnetby*"),
                *("res_init", "res_query", "res_search", "res_ninit", "res_nquery", "res_nsearch", "__res_*"),
                *SYMBOLS,
            ),
            fragments=("/etc/nsswitch.conf",),
        ),
    ),
    Row(
        "users",
        "users",
        Wants(
            symbols=(
                *("getpwnam*", "getpwuid*", "getpwent*", "setpwent", "getgrnam*", "getgrgid*", "getgrent*", "setgrent"),
                *("getlogin", "getlogin_r", "cuserid", "initgroups", "getgrouplist"),
            ),
            fragments=("/etc/passwd", "/etc/group"),
        ),
    ),
    Row(
        "services",
        "services",
        Wants(
            symbols=("getserv*", "setservent", "getproto*", "setprotoent", "getaddrinfo"),
            fragments=("/etc/services", "/etc/protocols"),
            inside=((PROGRAM, "://"), *((PROGRAM, f"\0{name}\0") for name in SERVICES)),
        ),
    ),
    Row("nss-modules", "nss_modules", Wants()),
    Row(
        "gconv",
        "gconv",
        Wants(
            symbols=("iconv_open",),
            inside=(
                ("libc.so.6", "/gconv"),
                (PROGRAM, "/gconv"),  # libc's own string in a static program
                *(
                    (PROGRAM, charset)
                    for charset in (
                        *(
                            "ISO-8859",
                            "ISO8859",
                            "ISO_8859",
                            "iso-8859",
                            "iso8859",
                            "LATIN",
                            "latin",
                            "WINDOWS-",
                            "windows-",
                        ),
                        *(
                            "CP",
                            "cp1",
                            "cp4",
                            "cp8",
                            "KOI8",
                            "koi8",
                            "EUC",
                            "euc",
                            "SHIFT",
                            "shift_jis",
                            "SJIS",
                            "GB",
                            "gb",
                        ),
                        *(
                            "BIG5",
                            "big5",
                            "UTF-7",
                            "ISO-2022",
                            "iso-2022",
                            "IBM",
                            "MACINTOSH",
                            "TIS-620",
                            "JOHAB",
                            "UHC",
                        ),
                    )
                ),
            ),
        ),
    ),
    Row(
        "locale",
        "locale",
        Wants(
            symbols=("setlocale", "newlocale"),
            fragments=(".UTF-8", ".utf8"),
            inside=(("libc.so.6", "/locale"), (PROGRAM, "/usr/lib/locale")),
            env=_LOCALE_ENV,
        ),
    ),
    Row(
        "timezone",
        "timezone",
        Wants(
            symbols=("localtime*", "mktime", "tzset", "strftime*", "timelocal"),
            fragments=("/zoneinfo",),
            inside=(
                ("libc.so.6", "/zoneinfo"),
                (PROGRAM, "std.datetime.timezone"),
                ("ld-musl-*", "/zoneinfo"),
                ("libc.musl-*", "/zoneinfo"),
            ),
            env=("TZ", "TZDIR"),
        ),
    ),
    Row(
        "ca-certificates",
        "ca",
        Wants(
            symbols=(
                *("SSL_CTX_set_default_verify_*", "X509_STORE_set_default_paths*", "X509_get_default_cert_*"),
                *("gnutls_certificate_set_x509_system_trust", "gnutls_x509_trust_list_add_system_trust"),
                *SYMBOLS,
            ),
            fragments=("/etc/ssl/", "/etc/pki/", "/cert.pem", "SSL_CERT_FILE"),
            inside=(
                *(("libcurl*", text) for text in ("/etc/", "/cert.pem")),
                *(("libgnutls.so*", text) for text in ("/etc/", "pkcs11:")),
                ("libp11-kit.so*", "/pkcs11"),
                ("libcrypto.so*", 'OPENSSLDIR: "'),
                (PROGRAM, 'OPENSSLDIR: "'),
            ),
        ),
    ),
    Row(
        "mozilla-nss",
        "mozilla_nss",
        Wants(symbols=("NSS_Init*", "NSS_NoDB_Init"), sonames=("libnss3.so",), inside=(("libnss3.so", ".so"),)),
    ),
    Row(
        "openssl",
        "openssl",
        Wants(
            symbols=("OSSL_PROVIDER_load*", "OSSL_PROVIDER_try_load*", "ENGINE_by_id", "CONF_get1_default_config_file"),
            inside=tuple(("libcrypto.so*", f'{name}: "') for name in ("OPENSSLDIR", "MODULESDIR", "ENGINESDIR")),
        ),
    ),
    Row(
        "tmp",
        "tmp",
        Wants(
            symbols=("mkstemp*", "mkostemp*", "mkdtemp", "mktemp", "tmpfile*", "tmpnam*", "tempnam"),
            fragments=("/tmp", "TMPDIR"),
        ),
    ),
    Row("dlopen-notes", "dlopen_notes", Wants(notes=((b"FDO", 0x407C0C0A),))),
    Row("dlopen", "dlopen", Wants(symbols=("dlopen", "dlmopen"), inside=((IMPORTERS, ".so"),))),
    Row("shell", "shell", Wants(symbols=("system", "popen", "wordexp"), fragments=("/bin/sh",))),
    Row(
        "driver",
        "driver",
        Wants(
            sonames=(
                "libcuda.so*",
                "libnvidia-*",
                "libnvcuvid*",
                "libGLX_nvidia*",
                "libEGL_nvidia*",
                "libcudart*",
                "libcublas*",
            ),
            fragments=("libcuda.so", "libnvidia-", "libnvcuvid"),
        ),
    ),
    Row(
        "notes",
        "notes",
        Wants(
            symbols=("openlog", "syslog", "vsyslog", "getutent*", "getutx*", "utmpxname", "utmpname", "setmntent"),
            fragments=("/proc/", "/sys/", "glibc-ld.so.cache1.1"),
            notes=((b"FDO", 0xCAFE1A7E),),
        ),
    ),
)

ROWS: tuple[Row, ...] = (*BLIND, *COMPANIONS, *LANGUAGE_ROWS)

# Languages: a detector each (``DETECTOR`` of its module), which gives evidence for the needs above.
LANGUAGES: tuple[Row, ...] = DETECTORS


def wants_of(name: str) -> Wants:
    """The row's wants: a need's own file repeats nothing."""
    return next(row.wants for row in (*ROWS, *LANGUAGES) if row.name == name)
