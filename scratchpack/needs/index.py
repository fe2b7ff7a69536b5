"""What the one scan looks for on behalf of each need, and the file that holds it: no need's file is imported for that.

Written by `make docs` from the ``wants`` of the needs themselves; a test compares them.
"""

from __future__ import annotations

from scratchpack.needs.base import Row, Wants

# fmt: off
ROWS: tuple[Row, ...] = (
    Row("ca-certificates", "system.ca", Wants(
        symbols=("SSL_CTX_set_default_verify_*", "X509_STORE_set_default_paths*", "X509_get_default_cert_*", "gnutls_certificate_set_x509_system_trust", "gnutls_x509_trust_list_add_system_trust", "curl_easy_perform", "curl_multi_*", "git_remote_*", "git_clone", "ne_session_*", "serf_*", "soup_session_*", "g_socket_client_*", "g_tls_*", "PQconnect*", "mysql_real_connect", "redisConnect*", "ldap_initialize", "BIO_new_connect", "BIO_new_ssl_connect", "BIO_lookup*", "SSL_accept", "SSL_set_accept_state", "TLS_server_method", "DTLS_server_method", "SSLv23_server_method", "gnutls_certificate_server_set_request", "gnutls_certificate_server_set_retrieve_function"),
        fragments=("/etc/ssl/", "/etc/pki/", "/cert.pem", "SSL_CERT_FILE"),
        inside=(("libcurl*", "/etc/"), ("libcurl*", "/cert.pem"), ("libgnutls.so*", "/etc/"), ("libgnutls.so*", "pkcs11:"), ("libp11-kit.so*", "/pkcs11"), ("libcrypto.so*", 'OPENSSLDIR: "'), ("<program>", 'OPENSSLDIR: "')),
    )),
    Row("configuration", "system.configuration", Wants(
        inside=(("<program>", "/usr/lib/"), ("<program>", "/usr/share/"), ("<program>", "/usr/local/"), ("<program>", "/opt/")),
    )),
    Row("dlopen", "system.dlopen", Wants(
        symbols=("dlopen", "dlmopen"),
        inside=(("<importers>", ".so"),),
    )),
    Row("dlopen-notes", "system.dlopen_notes", Wants(
        notes=((b"FDO", 1081871370),),
    )),
    Row("driver", "system.driver", Wants(
        sonames=("libcuda.so*", "libcudadebugger.so*", "libnvidia-*", "libnvcuvid.so*", "libGLX_nvidia.so*", "libEGL_nvidia.so*", "libGLESv1_CM_nvidia.so*", "libGLESv2_nvidia.so*", "libvdpau_nvidia.so*", "libnvoptix.so*", "libdxcore.so*", "libcudart.so*", "libcublas*"),
        fragments=("libcuda.so", "libcudadebugger.so", "libnvidia-", "libnvcuvid.so", "libGLX_nvidia.so", "libEGL_nvidia.so", "libGLESv1_CM_nvidia.so", "libGLESv2_nvidia.so", "libvdpau_nvidia.so", "libnvoptix.so", "libdxcore.so"),
    )),
    Row("gconv", "system.gconv", Wants(
        symbols=("iconv_open",),
        inside=(("libc.so.6", "/gconv"), ("<program>", "/gconv"), ("<program>", "ISO-8859"), ("<program>", "ISO8859"), ("<program>", "ISO_8859"), ("<program>", "iso-8859"), ("<program>", "iso8859"), ("<program>", "LATIN"), ("<program>", "latin"), ("<program>", "WINDOWS-"), ("<program>", "windows-"), ("<program>", "CP"), ("<program>", "cp1"), ("<program>", "cp4"), ("<program>", "cp8"), ("<program>", "KOI8"), ("<program>", "koi8"), ("<program>", "EUC"), ("<program>", "euc"), ("<program>", "SHIFT"), ("<program>", "shift_jis"), ("<program>", "SJIS"), ("<program>", "GB"), ("<program>", "gb"), ("<program>", "BIG5"), ("<program>", "big5"), ("<program>", "UTF-7"), ("<program>", "ISO-2022"), ("<program>", "iso-2022"), ("<program>", "IBM"), ("<program>", "MACINTOSH"), ("<program>", "TIS-620"), ("<program>", "JOHAB"), ("<program>", "UHC")),
    )),
    Row("hosts", "system.hosts", Wants(
        symbols=("getaddrinfo", "getaddrinfo_a", "getnameinfo", "gethostby*", "gethostent", "getnetby*", "res_init", "res_query", "res_search", "res_ninit", "res_nquery", "res_nsearch", "__res_*", "curl_easy_perform", "curl_multi_*", "git_remote_*", "git_clone", "ne_session_*", "serf_*", "soup_session_*", "g_socket_client_*", "g_tls_*", "PQconnect*", "mysql_real_connect", "redisConnect*", "ldap_initialize", "BIO_new_connect", "BIO_new_ssl_connect", "BIO_lookup*"),
        fragments=("/etc/nsswitch.conf",),
    )),
    Row("libgcc", "system.libgcc", Wants(
        symbols=("pthread_cancel", "pthread_exit", "thrd_exit", "backtrace"),
    )),
    Row("locale", "system.locale", Wants(
        symbols=("setlocale", "newlocale"),
        fragments=(".UTF-8", ".utf8"),
        inside=(("libc.so.6", "/locale"), ("<program>", "/usr/lib/locale")),
        env=("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME"),
    )),
    Row("mozilla-nss", "system.mozilla_nss", Wants(
        symbols=("NSS_Init*", "NSS_NoDB_Init"),
        sonames=("libnss3.so",),
        inside=(("libnss3.so", ".so"),),
    )),
    Row("notes", "system.notes", Wants(
        symbols=("openlog", "syslog", "vsyslog", "getutent*", "getutx*", "utmpxname", "utmpname", "setmntent"),
        fragments=("/proc/", "/sys/", "glibc-ld.so.cache1.1"),
        notes=((b"FDO", 3405650558),),
    )),
    Row("nss-modules", "system.nss_modules", Wants(
    )),
    Row("openssl", "system.openssl", Wants(
        symbols=("OSSL_PROVIDER_load*", "OSSL_PROVIDER_try_load*", "ENGINE_by_id", "CONF_get1_default_config_file"),
        inside=(("libcrypto.so*", 'OPENSSLDIR: "'), ("libcrypto.so*", 'MODULESDIR: "'), ("libcrypto.so*", 'ENGINESDIR: "')),
    )),
    Row("programs", "system.programs", Wants(
        symbols=("execv*", "execl*", "posix_spawn", "posix_spawnp", "system", "popen"),
        fragments=("/bin/", "/sbin/", "/libexec/"),
    )),
    Row("services", "system.services", Wants(
        symbols=("getserv*", "setservent", "getproto*", "setprotoent", "getaddrinfo"),
        fragments=("/etc/services", "/etc/protocols"),
        inside=(("<program>", "://"), ("<program>", "\0ftp\0"), ("<program>", "\0http\0"), ("<program>", "\0https\0"), ("<program>", "\0imap\0"), ("<program>", "\0imaps\0"), ("<program>", "\0ldap\0"), ("<program>", "\0ldaps\0"), ("<program>", "\0ntp\0"), ("<program>", "\0pop3\0"), ("<program>", "\0pop3s\0"), ("<program>", "\0smtp\0"), ("<program>", "\0smtps\0"), ("<program>", "\0ssh\0"), ("<program>", "\0telnet\0")),
    )),
    Row("shell", "system.shell", Wants(
        symbols=("system", "popen", "wordexp", "execv*", "execl*", "fexecve", "posix_spawn", "posix_spawnp"),
        fragments=("/bin/sh",),
    )),
    Row("timezone", "system.timezone", Wants(
        symbols=("localtime*", "mktime", "tzset", "strftime*", "timelocal"),
        fragments=("/zoneinfo",),
        inside=(("libc.so.6", "/zoneinfo"), ("<program>", "std.datetime.timezone"), ("<program>", "icudt"), ("<program>", "/library/core/src/"), ("<program>", "/library/std/src/"), ("ld-musl-*", "/zoneinfo"), ("libc.musl-*", "/zoneinfo")),
        env=("TZ", "TZDIR"),
    )),
    Row("tmp", "system.tmp", Wants(
        symbols=("mkstemp*", "mkostemp*", "mkdtemp", "mktemp", "tmpfile*", "tmpnam*", "tempnam", "JLI_Launch", "JNI_CreateJavaVM", "Py_Initialize*", "Py_BytesMain", "Py_RunMain", "ruby_init*", "ruby_setup", "ruby_run_node", "Tcl_Main*", "Tcl_CreateInterp", "scm_boot_guile"),
        fragments=("/tmp", "TMPDIR", "PYTHONHOME"),
    )),
    Row("users", "system.users", Wants(
        symbols=("getpwnam*", "getpwuid*", "getpwent*", "setpwent", "getgrnam*", "getgrgid*", "getgrent*", "setgrent", "getlogin", "getlogin_r", "cuserid", "initgroups", "getgrouplist"),
        fragments=("/etc/passwd", "/etc/group"),
    )),
    Row("writable", "system.writable", Wants(
        symbols=("listen",),
        fragments=("/run/", "/var/lib/", "/var/cache/", "/var/log/", "/var/spool/"),
        unseparated=("/run/", "/var/lib/", "/var/cache/", "/var/log/", "/var/spool/"),
        functions=("net.Listen", "net.(*ListenConfig).Listen"),
    )),
    Row("aspell", "companion.aspell", Wants(
        symbols=("new_aspell_speller", "_ZN7acommon*"),
        inside=(("libaspell.so*", "<prefix:"),),
    )),
    Row("fontconfig", "companion.fontconfig", Wants(
        symbols=("FcInit*", "FcFontMatch", "FcFontList", "FcFontSort", "FcConfig*", "pango_*_font_map_*"),
        fragments=("FONTCONFIG_FILE",),
        inside=(("libfontconfig.so*", "<fontconfig>"), ("<program>", "<fontconfig>"), ("<program>", "fonts.conf")),
    )),
    Row("gdk-pixbuf", "companion.gdk_pixbuf", Wants(
        symbols=("gdk_pixbuf_new_from_*", "gdk_pixbuf_loader_new*"),
    )),
    Row("ghostscript", "companion.ghostscript", Wants(
        symbols=("gsapi_new_instance",),
        inside=(("libgs.so*", "/ghostscript"),),
    )),
    Row("git", "companion.git", Wants(
        fragments=("GIT_EXEC_PATH",),
        inside=(("<program>", "/git-core"), ("<program>", "share/git-core")),
    )),
    Row("gstreamer", "companion.gstreamer", Wants(
        symbols=("gst_init*",),
        inside=(("libgstreamer-1.0.so*", "/gstreamer-1.0"),),
    )),
    Row("hunspell", "companion.hunspell", Wants(
        symbols=("Hunspell_create", "_ZN8HunspellC*"),
        inside=(("<program>", "/hunspell"),),
    )),
    Row("icu", "companion.icu", Wants(
        sonames=("libicudata.so*",),
        inside=(("<program>", "/icu"), ("libicuuc.so*", "/icu")),
    )),
    Row("jvm", "companion.jvm", Wants(
        sonames=("libjli.so",),
        inside=(("<program>", "jdk.compiler"),),
    )),
    Row("magic", "companion.magic", Wants(
        symbols=("magic_load*", "magic_file"),
        inside=(("libmagic.so*", "/magic"),),
    )),
    Row("mime", "companion.mime", Wants(
        symbols=("g_content_type_*", "g_file_info_get_content_type"),
        fragments=("/mime.types",),
        functions=("mime.loadMimeFile",),
    )),
    Row("odbc", "companion.odbc", Wants(
        symbols=("SQLAllocHandle", "SQLAllocEnv", "SQLGetInstalledDrivers", "SQLGetPrivateProfileString"),
        inside=(("libodbc.so*", "/etc"), ("libodbcinst.so*", "/etc"), ("libodbc.so*", "/odbc")),
    )),
    Row("own-data", "companion.owndata", Wants(
        fragments=("/usr/share/", "/share/", "/usr/lib/", "/etc/", "../", ".conf", ".cfg", ".cnf", ".ini", ".so"),
        unseparated=("/usr/share/", "/usr/lib/", "/etc/"),
        inside=(("<program>", "crt1.o"),),
        packaged=True,
    )),
    Row("pam", "companion.pam", Wants(
        symbols=("pam_start*",),
        inside=(("libpam.so*", "/security"),),
    )),
    Row("php", "companion.php", Wants(
        fragments=("PHP_INI_SCAN_DIR",),
        inside=(("<program>", "/php"),),
    )),
    Row("python", "companion.python", Wants(
        symbols=("Py_Initialize*", "Py_BytesMain", "Py_RunMain"),
        fragments=("PYTHONHOME",),
    )),
    Row("qt", "companion.qt", Wants(
        sonames=("libQt5Gui.so*", "libQt5Network.so*", "libQt5Sql.so*", "libQt5Svg.so*", "libQt6Gui.so*", "libQt6Network.so*", "libQt6Sql.so*", "libQt6Svg.so*"),
        inside=(("libQt5Core.so*", "qt_prfxpath="), ("libQt5Core.so*", "/plugins"), ("libQt6Core.so*", "qt_prfxpath="), ("libQt6Core.so*", "/plugins")),
    )),
    Row("sasl", "companion.rows", Wants(
        symbols=("sasl_client_init", "sasl_server_init"),
        inside=(("libsasl2.so*", "sasl2"),),
    )),
    Row("krb5", "companion.rows", Wants(
        symbols=("krb5_init_context*", "krb5_init_secure_context", "gss_init_sec_context", "gss_accept_sec_context"),
        inside=(("libkrb5.so*", "/etc/krb5.conf"), ("libkrb5.so*", "/krb5/plugins"), ("libgssapi_krb5.so*", "/gss/mech")),
    )),
    Row("gio", "companion.rows", Wants(
        symbols=("g_tls_*", "g_proxy_*", "g_socket_client_set_tls", "soup_session_*"),
        inside=(("libgio-2.0.so*", "/gio/modules"),),
    )),
    Row("x11", "companion.rows", Wants(
        symbols=("XOpenIM", "XkbKeycodeToKeysym", "xkb_context_new", "xkb_keymap_new_*"),
        inside=(("libX11.so*", "/X11/locale"), ("libxkbcommon.so*", "/X11/locale"), ("libX11.so*", "/X11/xkb"), ("libxkbcommon.so*", "/X11/xkb")),
    )),
    Row("graphviz", "companion.rows", Wants(
        symbols=("gvContext*", "gvNEWcontext"),
        inside=(("libgvc.so*", "/graphviz"),),
    )),
    Row("imagemagick", "companion.rows", Wants(
        symbols=("MagickCoreGenesis", "MagickWandGenesis", "InitializeMagick"),
        inside=(("libMagickCore*", "/ImageMagick"), ("libGraphicsMagick*", "/GraphicsMagick")),
    )),
    Row("sox", "companion.rows", Wants(
        symbols=("sox_init", "sox_format_init"),
        inside=(("libsox.so*", "/sox"),),
    )),
    Row("espeak", "companion.rows", Wants(
        symbols=("espeak_Initialize", "espeak_ng_Initialize"),
        inside=(("libespeak-ng.so*", "/espeak-ng-data"),),
    )),
    Row("tesseract", "companion.rows", Wants(
        symbols=("TessBaseAPICreate", "_ZN9tesseract11TessBaseAPIC*"),
        inside=(("libtesseract.so*", "/tessdata"),),
    )),
    Row("proj", "companion.rows", Wants(
        symbols=("proj_create*", "proj_context_get_database_*", "_ZN5osgeo4proj2io15DatabaseContext*"),
        inside=(("libproj.so*", "/proj"),),
    )),
    Row("ruby", "companion.rows", Wants(
        symbols=("ruby_init", "ruby_setup", "ruby_options"),
        inside=(("libruby*", "/ruby"),),
    )),
    Row("guile", "companion.rows", Wants(
        symbols=("scm_boot_guile", "scm_with_guile"),
        inside=(("libguile-*", "/guile"),),
    )),
    Row("tcl", "companion.rows", Wants(
        symbols=("Tcl_Main*", "Tcl_CreateInterp"),
        inside=(("libtcl*", "/tcl"),),
    )),
    Row("perl", "companion.rows", Wants(
        symbols=("perl_alloc",),
        fragments=("PERL5LIB",),
        inside=(("<program>", "/perl"), ("libperl.so*", "/perl")),
    )),
    Row("sbcl", "companion.sbcl", Wants(
        fragments=("SBCL_HOME",),
        inside=(("<program>", "lib/sbcl"),),
    )),
    Row("terminfo", "companion.terminfo", Wants(
        symbols=("setupterm", "initscr", "newterm", "tgetent", "_nc_read_entry*", "_nc_first_db", "slsmg_*", "SLtt_*"),
        inside=(("libtinfo*", "terminfo"), ("libncurses*", "terminfo"), ("libslang.so*", "terminfo")),
    )),
    Row("dotnet", "language.dotnet", Wants(
        fragments=("libSystem.Native", "RhpNewFast"),
        inside=(("<program>", "libssl.so"), ("<program>", "libicuuc.so")),
    )),
    Row("graalvm", "language.graalvm", Wants(
        sections=(".svm_heap",),
    )),
)

LANGUAGES: tuple[Row, ...] = (
    Row("d", "language.dlang", Wants(
        symbols=("_D3std3net4curl*",),
        fragments=("libcurl-nss.so.4",),
    )),
    Row("go", "language.golang", Wants(
        functions=("net/http.(*Transport).roundTrip", "crypto/tls.Dial*", "crypto/tls.(*Dialer).*", "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake", "crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots", "crypto/x509.SetFallbackRoots", "golang.org/x/crypto/x509roots/fallback.*", "time.LoadLocation", "time/tzdata.loadFromEmbeddedTZData", "os/user.current", "os/user.Current*", "os/user.lookup*", "os/user.Lookup*", "os.CreateTemp", "os.MkdirTemp", "os.TempDir", "os/exec.Command", "os/exec.CommandContext"),
    )),
    Row("guile-text", "language.guile_text", Wants(
        symbols=("scm_boot_guile", "scm_with_guile"),
    )),
    Row("haskell", "language.haskell", Wants(
        fragments=("GHCRTS",),
        inside=(("<program>", "8859"), ("<program>", "WINDOWS"), ("<program>", "windows"), ("<program>", "CP"), ("<program>", "cp"), ("<program>", "KOI8"), ("<program>", "EUC"), ("<program>", "JIS"), ("<program>", "GB"), ("<program>", "gb"), ("<program>", "BIG5"), ("<program>", "UTF-7"), ("<program>", "ISO-2022"), ("<program>", "MACINTOSH"), ("<program>", "TIS-620"), ("<program>", "JOHAB"), ("<program>", "UHC"), ("<program>", "LATIN"), ("<program>", "latin")),
    )),
    Row("nim", "language.nim", Wants(
        fragments=(".so(",),
    )),
    Row("rust", "language.rust", Wants(
        fragments=("certs/ca-root-nss.crt", "/openssl-probe-", "/rustls-native-certs-", "/native-tls-", "/tempfile-", "/library/core/src/", "/library/std/src/"),
        inside=(("<code>", "/tmp"),),
        sections=(".dep-v0",),
    )),
    Row("swift", "language.swift", Wants(
        sonames=("libFoundation.so", "libFoundationNetworking.so"),
    )),
)
