"""Companions that differ in data only: whose calls are evidence, and which strings of the library say where its files lie.

In goes nothing but these rows; out come needs whose every judgement is that of :class:`Companion` or :class:`Interpreter`.
"""

from __future__ import annotations

from scratchpack.needs.base import PROGRAM, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.companion.interpreter import Interpreter


class _Row(Companion):
    """A library with data beside it."""

    def __init__(self, name: str, summary: str, wants: Wants, *, library: tuple[str, ...]) -> None:
        self.name, self.summary, self.wants, self.library = name, summary, wants, library


class _Interpreter(_Row, Interpreter):
    """An interpreter, which holds the search path itself."""


NEEDS: tuple[Companion, ...] = (
    # N11: SASL mechanisms are plugins. The mechanisms in the directory that libsasl2 names.
    _Row(
        "sasl",
        "SASL has no mechanism without its plugins",
        Wants(symbols=("sasl_client_init", "sasl_server_init"), inside=holding("sasl2", "libsasl2.so*")),
        library=("libsasl2.",),
    ),
    # N12: the realm's configuration, and the plugins of libkrb5 and libgssapi_krb5. Keys and ticket caches are secrets: a keytab is never taken.
    _Row(
        "krb5",
        "Kerberos knows no realm without krb5.conf",
        Wants(
            symbols=(
                "krb5_init_context*",
                "krb5_init_secure_context",
                "gss_init_sec_context",
                "gss_accept_sec_context",
            ),
            inside=(
                ("libkrb5.so*", "/etc/krb5.conf"),
                ("libkrb5.so*", "/krb5/plugins"),
                ("libgssapi_krb5.so*", "/gss/mech"),
            ),
        ),
        library=("libkrb5", "libgssapi", "libgssrpc", "libkadm5", "libk5crypto", "libkdb5", "libgss."),
    ),
    # N16: GIO takes TLS and proxies from modules. The modules of the directory that libgio names, and their cache.
    _Row(
        "gio",
        "GIO has no TLS and no proxy resolver without its modules",
        Wants(
            symbols=("g_tls_*", "g_proxy_*", "g_socket_client_set_tls", "soup_session_*"),
            inside=holding("/gio/modules", "libgio-2.0.so*"),
        ),
        library=("libgio-", "libgnutls", "libproxy"),
    ),
    # N24: input methods and keyboard maps of libX11 and libxkbcommon. The locale and keyboard directories that the library names.
    _Row(
        "x11",
        "keyboards and input methods of X11 do not work without their tables",
        Wants(
            symbols=("XOpenIM", "XkbKeycodeToKeysym", "xkb_context_new", "xkb_keymap_new_*"),
            inside=(
                *holding("/X11/locale", "libX11.so*", "libxkbcommon.so*"),
                *holding("/X11/xkb", "libX11.so*", "libxkbcommon.so*"),
            ),
        ),
        library=("libX11.", "libX11-", "libxkbcommon"),
    ),
    # Graphviz lays out and draws through plugins, listed in a file beside them. The directory that libgvc names: the list and the plugins.
    _Row(
        "graphviz",
        "graphviz has no layout and no output format without its plugins",
        Wants(symbols=("gvContext*", "gvNEWcontext"), inside=holding("/graphviz", "libgvc.so*")),
        library=("libgvc", "libgvplugin"),
    ),
    # ImageMagick reads each image format through a module, and its limits and delegates from XML files. The configuration, modules and policies in the directories that libMagickCore names.
    _Row(
        "imagemagick",
        "ImageMagick knows no image format without its coder modules",
        Wants(
            symbols=("MagickCoreGenesis", "MagickWandGenesis", "InitializeMagick"),
            inside=(*holding("/ImageMagick", "libMagickCore*"), *holding("/GraphicsMagick", "libGraphicsMagick*")),
        ),
        library=("libMagick", "libGraphicsMagick"),
    ),
    # sox reads and writes most sound formats through plugins. The formats of the directory that libsox names.
    _Row(
        "sox",
        "sox knows few sound formats without its plugins",
        Wants(symbols=("sox_init", "sox_format_init"), inside=holding("/sox", "libsox.so*")),
        library=("libsox",),
    ),
    # espeak's voices and pronunciation rules. The data directory that libespeak names.
    _Row(
        "espeak",
        "espeak does not start without its voices",
        Wants(
            symbols=("espeak_Initialize", "espeak_ng_Initialize"),
            inside=holding("/espeak-ng-data", "libespeak-ng.so*"),
        ),
        library=("libespeak",),
    ),
    # Tesseract's trained models. The directory of models that libtesseract names.
    _Row(
        "tesseract",
        "tesseract reads nothing without a trained model",
        Wants(
            symbols=("TessBaseAPICreate", "_ZN9tesseract11TessBaseAPIC*"),
            inside=holding("/tessdata", "libtesseract.so*"),
        ),
        library=("libtesseract",),
    ),
    # PROJ's database of coordinate systems. The directory that libproj names: the database, and grids where they are installed.
    _Row(
        "proj",
        "PROJ knows no coordinate system by its number without its database",
        Wants(
            symbols=("proj_create*", "proj_context_get_database_*", "_ZN5osgeo4proj2io15DatabaseContext*"),
            inside=holding("/proj", "libproj.so*"),
        ),
        library=("libproj",),
    ),
    # N21: Ruby's standard library. The directories of its load path, written in libruby.
    _Row(
        "ruby",
        "Ruby's own modules cannot be required without its standard library",
        Wants(symbols=("ruby_init", "ruby_setup", "ruby_options"), inside=holding("/ruby", "libruby*")),
        library=("libruby",),
    ),
    # N21: Guile's modules, without which it does not start. The load path and the compiled modules, written in libguile.
    _Row(
        "guile",
        "Guile does not start without its modules",
        Wants(symbols=("scm_boot_guile", "scm_with_guile"), inside=holding("/guile", "libguile-*")),
        library=("libguile",),
    ),
    # N21: Tcl's library of scripts, init.tcl first. The directory written in libtcl.
    _Row(
        "tcl",
        "Tcl complains at its start without init.tcl",
        Wants(symbols=("Tcl_Main*", "Tcl_CreateInterp"), inside=holding("/tcl", "libtcl*")),
        library=("libtcl", "libtk"),
    ),
    # N21: Perl's modules; ``perl -e`` alone runs without them. The directories of @INC, written in perl or libperl.
    _Interpreter(
        "perl",
        "Perl's own modules, strict among them, cannot be used without its library",
        Wants(
            symbols=("perl_alloc",),
            fragments=("PERL5LIB",),
            inside=holding("/perl", PROGRAM, "libperl.so*"),
        ),
        library=("libperl",),
    ),
)
