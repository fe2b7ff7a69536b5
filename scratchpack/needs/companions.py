"""The rows of companion data: one a library or program whose data lies in files of its own."""

from __future__ import annotations

from scratchpack.needs.base import PROGRAM, Row, Wants


def _inside(fragment: str, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, fragment) for name in names)


ROWS: tuple[Row, ...] = (
    Row("magic", "magic", Wants(symbols=("magic_load*", "magic_file"), inside=_inside("/magic", "libmagic.so*"))),
    Row(
        "terminfo",
        "terminfo",
        Wants(
            symbols=(
                "setupterm",
                "initscr",
                "newterm",
                "tgetent",
                "_nc_read_entry*",
                "_nc_first_db",
                "slsmg_*",
                "SLtt_*",
            ),
            inside=_inside("terminfo", "libtinfo*", "libncurses*", "libslang.so*"),
        ),
    ),
    Row("icu", "icu", Wants(sonames=("libicudata.so*",), inside=_inside("/icu", PROGRAM, "libicuuc.so*"))),
    Row(
        "sasl", "sasl", Wants(symbols=("sasl_client_init", "sasl_server_init"), inside=_inside("sasl2", "libsasl2.so*"))
    ),
    Row(
        "krb5",
        "krb5",
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
    ),
    Row("pam", "pam", Wants(symbols=("pam_start*",), inside=_inside("/security", "libpam.so*"))),
    Row(
        "gio",
        "gio",
        Wants(
            symbols=("g_tls_*", "g_proxy_*", "g_socket_client_set_tls", "soup_session_*"),
            inside=_inside("/gio/modules", "libgio-2.0.so*"),
        ),
    ),
    Row("gdk-pixbuf", "gdk_pixbuf", Wants(symbols=("gdk_pixbuf_new_from_*", "gdk_pixbuf_loader_new*"))),
    Row(
        "fontconfig",
        "fontconfig",
        Wants(
            symbols=("FcInit*", "FcFontMatch", "FcFontList", "FcFontSort", "FcConfig*", "pango_*_font_map_*"),
            inside=_inside("<fontconfig>", "libfontconfig.so*"),
        ),
    ),
    Row(
        "qt",
        "qt",
        Wants(
            sonames=tuple(f"libQt{major}{part}.so*" for major in "56" for part in ("Gui", "Network", "Sql", "Svg")),
            inside=tuple((f"libQt{major}Core.so*", text) for major in "56" for text in ("qt_prfxpath=", "/plugins")),
        ),
    ),
    Row(
        "odbc",
        "odbc",
        Wants(
            symbols=("SQLAllocHandle", "SQLAllocEnv", "SQLGetInstalledDrivers", "SQLGetPrivateProfileString"),
            inside=(*_inside("/etc", "libodbc.so*", "libodbcinst.so*"), *_inside("/odbc", "libodbc.so*")),
        ),
    ),
    Row(
        "x11",
        "x11",
        Wants(
            symbols=("XOpenIM", "XkbKeycodeToKeysym", "xkb_context_new", "xkb_keymap_new_*"),
            inside=(
                *_inside("/X11/locale", "libX11.so*", "libxkbcommon.so*"),
                *_inside("/X11/xkb", "libX11.so*", "libxkbcommon.so*"),
            ),
        ),
    ),
    Row(
        "mime",
        "mime",
        Wants(
            symbols=("g_content_type_*", "g_file_info_get_content_type"),
            fragments=("/mime.types",),
            functions=("mime.loadMimeFile",),
        ),
    ),
    Row(
        "graphviz", "graphviz", Wants(symbols=("gvContext*", "gvNEWcontext"), inside=_inside("/graphviz", "libgvc.so*"))
    ),
    Row(
        "imagemagick",
        "imagemagick",
        Wants(
            symbols=("MagickCoreGenesis", "MagickWandGenesis", "InitializeMagick"),
            inside=(*_inside("/ImageMagick", "libMagickCore*"), *_inside("/GraphicsMagick", "libGraphicsMagick*")),
        ),
    ),
    Row(
        "ghostscript",
        "ghostscript",
        Wants(symbols=("gsapi_new_instance",), inside=_inside("/ghostscript", "libgs.so*")),
    ),
    Row("sox", "sox", Wants(symbols=("sox_init", "sox_format_init"), inside=_inside("/sox", "libsox.so*"))),
    Row(
        "espeak",
        "espeak",
        Wants(
            symbols=("espeak_Initialize", "espeak_ng_Initialize"),
            inside=_inside("/espeak-ng-data", "libespeak-ng.so*"),
        ),
    ),
    Row(
        "tesseract",
        "tesseract",
        Wants(
            symbols=("TessBaseAPICreate", "_ZN9tesseract11TessBaseAPIC*"),
            inside=_inside("/tessdata", "libtesseract.so*"),
        ),
    ),
    Row(
        "proj",
        "proj",
        Wants(
            symbols=("proj_create*", "proj_context_get_database_*", "_ZN5osgeo4proj2io15DatabaseContext*"),
            inside=_inside("/proj", "libproj.so*"),
        ),
    ),
    Row(
        "gstreamer",
        "gstreamer",
        Wants(symbols=("gst_init*",), inside=_inside("/gstreamer-1.0", "libgstreamer-1.0.so*")),
    ),
    Row(
        "hunspell",
        "hunspell",
        Wants(symbols=("Hunspell_create", "_ZN8HunspellC*"), inside=_inside("/hunspell", PROGRAM)),
    ),
    Row(
        "aspell",
        "aspell",
        Wants(symbols=("new_aspell_speller", "_ZN7acommon*"), inside=_inside("<prefix:", "libaspell.so*")),
    ),
    Row(
        "python",
        "python",
        Wants(symbols=("Py_Initialize*", "Py_BytesMain", "Py_RunMain"), fragments=("PYTHONHOME",)),
    ),
    Row(
        "perl",
        "perl",
        Wants(
            symbols=("perl_alloc",),
            fragments=("PERL5LIB",),
            inside=_inside("/perl", PROGRAM, "libperl.so*"),
        ),
    ),
    Row(
        "ruby", "ruby", Wants(symbols=("ruby_init", "ruby_setup", "ruby_options"), inside=_inside("/ruby", "libruby*"))
    ),
    Row("guile", "guile", Wants(symbols=("scm_boot_guile", "scm_with_guile"), inside=_inside("/guile", "libguile-*"))),
    Row("tcl", "tcl", Wants(symbols=("Tcl_Main*", "Tcl_CreateInterp"), inside=_inside("/tcl", "libtcl*"))),
    Row("sbcl", "sbcl", Wants(fragments=("SBCL_HOME",), inside=_inside("lib/sbcl", PROGRAM))),
    Row("php", "php", Wants(fragments=("PHP_INI_SCAN_DIR",), inside=_inside("/php", PROGRAM))),
    Row(
        "git",
        "git",
        Wants(
            fragments=("GIT_EXEC_PATH",),
            inside=(*_inside("/git-core", PROGRAM), *_inside("share/git-core", PROGRAM)),
        ),
    ),
    Row("jvm", "jvm", Wants(sonames=("libjli.so",))),
    Row(
        "own-data",
        "owndata",
        Wants(
            fragments=("/usr/share/", "/usr/lib/", "/etc/", "../", ".conf", ".cfg", ".cnf", ".ini", ".so"),
        ),
    ),
)
