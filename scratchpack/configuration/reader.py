"""From a configuration's bytes to what it names: files and accounts, each with its line. Nothing is executed or opened (S1)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.configuration.formats import LIMIT, Style, style_of
from scratchpack.configuration.model import GROUP, PATH, RELATIVE, USER, Named
from scratchpack.configuration.tokens import ConfigValue, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CERTAIN = re.compile(r"/[^\s\"'$%{}^\\|()<>;=]*+")  # what holds other signs is a pattern, or is filled in at run time
_BEFORE = re.compile(r"[|!@<]|-[A-Za-z](?=/)|(?:(?!https?:)[A-Za-z][\w.+-]*:)+(?=/(?!/))|file://(?=/)|unix://(?=/)")
_LONGEST = 4096  # what Linux takes for a path, its last NUL among it
_FILLED = 1000  # variables of one text
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_RELATIVE = re.compile(r"(?![-.@])[\w.+@-]+(?:/[\w.+@*?-]+)*")

# Directories of a root's top, by the file hierarchy standard: a name that starts so is a file's.
_TOPS = frozenset(
    (
        *("bin", "boot", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "nix", "opt", "root", "run", "sbin"),
        *("srv", "tmp", "usr", "var"),
    )
)
# Where the top is another, its key must say that a file is meant: /metrics and /api are parts of a URL.
_FILE_KEY = re.compile(
    r"(?:file|files|filename|dir|dirs|directory|folder|path|root|chroot|cert|certificate|key|keyfile|ca|cafile|pem|log|logs|pid|pidfile"
    r"|sock|socket|data|datadir|store|storage|config|include|module|home|db|database|location_of|chain|bundle|template|workdir"
    r"|keytab|htpasswd|passwd|secret|persistence)$",
    re.IGNORECASE,
)
_URL_KEY = re.compile(
    r"metric|ur[il]|http|route|health|check|location|prefix|endpoint|context|cookie|telemetry", re.IGNORECASE
)

# Directives whose value is a URL's path, whatever it looks like.
_REQUEST = re.compile(
    r"location|locationmatch|[\w.-]*ur[il]|metrics_?path|path_beg|route|handle(?:_path)?|proxypass\w*|redirect\w*|rewrite|return"
    r"|try_files|error_page",
    re.IGNORECASE,
)

_INCLUDE = re.compile(r"[!%.]?(?:include|includedir|includeoptional|source|import|conf-file|conf-dir)", re.IGNORECASE)
_USER = re.compile(
    r"(?:[\w-]+[._-])?(?:user|username|uid|setuid|run_?as|runas_?user|chuid|owner)|SUEXECUSERGROUP", re.IGNORECASE
)
_GROUP = re.compile(r"(?:[\w-]+[._-])?(?:group|groupname|gid|setgid|runas_?group)", re.IGNORECASE)
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_NO_ACCOUNT = frozenset({"on", "off", "yes", "no", "true", "false", "none", "default", "any", "all", "nobody", "root"})


def read(data: bytes, file: str, env: Mapping[str, str] | None = None, *, by_itself: bool = True) -> tuple[Named, ...]:
    """What a text names. Empty for what is no text, no configuration, or over LIMIT bytes.

    Args:
        data: the whole file.
        file: its path in the image: its ending and its place say what it is.
        env: variables that ``${NAME}`` in it stands for.
        by_itself: as :func:`scratchpack.configuration.formats.style_of` takes it.
    """
    if len(data) > LIMIT or b"\0" in data:
        return ()
    text = data.decode("utf-8", "surrogateescape")
    style = style_of(file, text, by_itself=by_itself)
    return () if style is None else tuple(dict.fromkeys(found_in(text, style, file, env or {})))


def found_in(text: str, style: Style, file: str, env: Mapping[str, str]) -> Iterator[Named]:
    """The names in a text of one style."""
    known = {name: value for name, value in env.items() if value.isprintable() and len(value) <= _LONGEST}
    if known:
        text = _VARIABLE.sub(lambda match: known.get(match[1], match[0]), text, count=_FILLED)
    for value in values(text, style):
        yield from _named(value, style, file)


def _named(value: ConfigValue, style: Style, file: str) -> Iterator[Named]:
    yield from (Named(PATH, path, value.key, file, value.line) for path in paths(value.text, value.key))
    if style.code:
        return
    yield from (Named(kind, name, value.key, file, value.line) for kind, name in accounts(value))
    if _RELATIVE.fullmatch(value.text) and ".." not in value.text:
        included = _INCLUDE.fullmatch(value.key) is not None
        if (included and re.search(r"[./]", value.text)) or re.search(r"\.so(?:\.\d+)*$", value.text):
            yield Named(RELATIVE, value.text, value.key, file, value.line)


def paths(text: str, key: str = "") -> Iterator[str]:
    """The absolute paths in one value: the value itself, the members of a search path, the words of a command line."""
    if _REQUEST.fullmatch(key):
        return
    for word in text.split():
        if len(word) > _LONGEST:
            continue
        if "://" not in word or word.startswith(("file://", "unix://")):  # the path of any other URL is no file
            yield from _of_word(word, key)


def _of_word(word: str, key: str) -> Iterator[str]:
    left = word
    while (start := _BEFORE.match(left)) and start[0]:
        left = left[start.end() :]
    if assigned := re.fullmatch(r"(-{0,2}[\w.-]+)=(/.*)", left):
        key, left = assigned[1], assigned[2]
    left = left.split("|", 1)[0] if "|" in left[1:] else left
    listed = [part for part in left.split(":") if part]
    if not all(part.startswith("/") for part in listed):
        listed = listed[:1]  # a path and what follows it: /etc/x.conf:ro
    yield from filter(None, (_path(part, key) for part in listed))


def _path(text: str, key: str) -> str:
    text = text.rstrip(",.")
    if not _CERTAIN.fullmatch(text) or text.startswith("//"):
        return ""
    path = posixpath.normpath(text)
    top = path.split("/")[1]
    if not top or not re.search(r"\w", path):
        return ""
    return path if top in _TOPS or (_FILE_KEY.search(key) and not _URL_KEY.search(key)) else ""


def accounts(value: ConfigValue) -> Iterator[tuple[str, str]]:
    """The users and groups that one value names, by its key: ``user www-data adm;`` names a user and a group."""
    name = value.text
    if not _ACCOUNT.fullmatch(name) or name in _NO_ACCOUNT:
        return
    if _USER.fullmatch(value.key):
        if value.place == 1:
            yield USER, name
        elif value.place == 2:
            yield GROUP, name
    elif _GROUP.fullmatch(value.key) and value.place == 1:
        yield GROUP, name
