"""Where a root keeps what any program may be given, and where it keeps what no program's string may ask for.

Pure questions about canonical paths (no links, no ``..``); nothing is looked up here. The lists are what an
unmodified installation makes at run time of its package tools and no package's file list names: generated bundles,
caches, compiled tables.
"""

from __future__ import annotations

from scratchpack.pattern import pattern

MACHINES = "it says which machine this is"
PRIVATE = "it lies in a home directory or in one of the running system"

# Below these nothing is taken: what a running system or a secret mount puts there, and people's own files (but for a
# program's own tree).
_RUNNING = ("/proc", "/sys", "/dev", "/run", "/var/run")
_HOMES = ("/root", "/home", "/Users", "/export/home")

# Held by packages or standing at standard places, and yet never for an image.
_SECRET = pattern(
    r"/etc/(?:g?shadow-?|security/opasswd|ssh/.*_key|sudoers(?:\.d/.*)?|krb5\.keytab)"
    r"|/etc/(?:ssl|pki/[^/]+|ca-certificates)/private(?:/.*)?"
    r"|/(?:.*/)?\.(?:ssh|gnupg|aws|docker|kube|netrc|git-credentials|pgpass|env)(?:/.*)?"
)

# What says which machine this is (I22): the same program would be packed otherwise on the next one.
_MACHINES = pattern(
    r"/etc/(?:localtime|timezone|adjtime|hostname|mailname|hosts|machine-id|fstab|crypttab|mtab|resolv\.conf|locale\.conf"
    r"|vconsole\.conf|default/(?:locale|keyboard)|ssh/ssh_host_.*|(?:network|netplan|NetworkManager)(?:/.*)?)"
    r"|/var/lib/dbus/machine-id"
)
# Looked up in, so that a user of the image can be named, and never taken as they are.
TABLES_OF_USERS = frozenset(("/etc/passwd", "/etc/group"))

_TREES = (
    # certificate authorities
    *("/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/pki/java", "/etc/ca-certificates"),
    *("/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/pki", "/usr/share/p11-kit"),
    *("/var/lib/ca-certificates", "/etc/crypto-policies"),
    # time zones, locales, terminals, keyboards
    *("/usr/share/zoneinfo", "/usr/lib/locale", "/usr/share/i18n", "/usr/share/X11", "/var/lib/xkb"),
    *("/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"),
    # fonts and types of files
    *("/etc/fonts", "/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig", "/var/cache/fontconfig"),
    *("/usr/share/mime", "/usr/local/share/mime", "/usr/share/misc"),
    # configuration that package tools write
    *("/etc/pam.d", "/usr/lib/pam.d", "/etc/security", "/etc/sasl2", "/etc/krb5.conf.d", "/etc/gss", "/etc/php"),
    *("/var/lib/php/modules", "/etc/alternatives", "/etc/ghostscript", "/var/lib/ghostscript", "/var/lib/aspell"),
    # stores that hold packages and nothing else
    *("/nix/store", "/gnu/store"),
)
_BELOW = tuple(f"{tree}/" for tree in _TREES)
_FILES = frozenset(
    (
        *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/rpc"),
        *("/etc/networks", "/etc/host.conf", "/etc/gai.conf", "/etc/shells"),
        *("/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/openssl.cnf", "/etc/pki/tls/cert.pem"),
        *("/etc/pki/tls/cacert.pem", "/etc/pki/tls/openssl.cnf", "/etc/mime.types", "/etc/magic", "/etc/magic.mgc"),
        *("/etc/krb5.conf", "/etc/odbc.ini", "/etc/odbcinst.ini", "/etc/pam.conf", "/etc/os-release"),
    )
)
_GENERATED = pattern(  # by the triggers of packages, beside the files that they own
    r"/usr/(?:lib|lib64|lib32|share)/(?:.*/)?(?:giomodule\.cache|loaders\.cache|immodules\.cache|gconv-modules\.cache"
    r"|config6a?|gschemas\.compiled|icon-theme\.cache|classes(?:_nocoops)?\.jsa)"
)

# Directories that every package fills: a name of one asks for nothing in particular.
SHARED = frozenset(
    (
        *("/", "/usr", "/etc", "/var", "/opt", "/srv", "/mnt", "/media", "/tmp", "/home", "/root", "/boot", "/nix"),
        *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/run", "/nix/store", "/gnu/store", "/data"),
        *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/games"),
        *("/usr/local", "/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/local/share", "/usr/local/etc"),
        *("/usr/include", "/usr/src", "/var/lib", "/var/cache", "/var/log", "/var/tmp", "/var/opt", "/var/spool"),
        *("/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale", "/etc/alternatives"),
    )
)
_MULTIARCH = pattern(r"(?:/usr)?/lib/[^/]+-linux-[^/]+")

# Without a package database nothing says who installed a file: then what lies in the system's own directories counts.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")


def within(path: str, top: str) -> bool:
    """Whether a path is ``top`` or lies below it."""
    return path == top or path.startswith(top if top.endswith("/") else top + "/")


def is_running(path: str) -> bool:
    """Whether it belongs to the running system, secret mounts among it."""
    return any(within(path, place) for place in _RUNNING)


def is_private(path: str) -> bool:
    """Whether it lies where people keep their own."""
    return any(within(path, place) for place in _HOMES)


def is_home(path: str) -> bool:
    """Whether it is somebody's home, known by where it stands and not by any passwd."""
    return path == "/root" or path.rpartition("/")[0] in _HOMES


def is_secret(path: str) -> bool:
    """Whether it is known to hold secrets, whoever owns it."""
    return _SECRET.fullmatch(path) is not None


def is_machines(path: str) -> bool:
    """Whether it says which machine this is: its zone, its locale, its names, its disks."""
    return _MACHINES.fullmatch(path) is not None


def is_standard(path: str) -> bool:
    """Whether any program may be given what stands here."""
    return path in _FILES or f"{path}/".startswith(_BELOW) or _GENERATED.fullmatch(path) is not None


def leads_to_standard(path: str) -> bool:
    """Whether a directory lies above a standard place or is a system directory that all packages share."""
    return path in SHARED or any(within(tree, path) for tree in (*_TREES, *_FILES))


def is_system(path: str) -> bool:
    """Whether it lies in a directory that belongs to the system, on a root that no package tool keeps."""
    return any(within(path, place) for place in _SYSTEM)


def is_packaged(path: str) -> bool:
    """Whether packages put their files there, and people do not."""
    return path.startswith(("/usr/", "/bin/", "/sbin/", "/lib")) and not path.startswith("/usr/local/")


def is_shared(path: str) -> bool:
    """Whether a directory belongs to nobody in particular: no program that lies in it has it for its own tree."""
    return path in SHARED or _MULTIARCH.fullmatch(path) is not None


def is_hidden(path: str, top: str) -> bool:
    """Whether a name below ``top`` begins with a dot: settings and secrets of people (.env, .git), not data."""
    below = path[len(top) :].split("/")
    return any(name.startswith(".") and name not in {".libs", ""} for name in below)
