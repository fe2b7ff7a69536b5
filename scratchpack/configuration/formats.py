"""Which rules of comments and quotes a text follows: its name and first bytes go in, a style comes out.

There is one style for what distinguishes formats, not one a program: how a comment starts, which signs quote, and
whether a word without quotes can be a value.
"""

from __future__ import annotations

import posixpath
import re

from scratchpack.record import NamedTuple

LIMIT = 64 * 1024  # bytes; what is longer is data


class Style(NamedTuple):
    """How one family of formats is written."""

    name: str
    comment: str = r"#[^\n]*+"  # a regular expression, tried where a word may begin
    bare: bool = True  # whether words without quotes are values
    code: bool = False  # a programming language: its strings are mostly no configuration
    joined: bool = False  # a line's end does not end what a key holds


_SLASHES = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/"
WORDS = Style("words")  # nginx, haproxy, redis, sshd, Apache, YAML, TOML, shell variables
INI = Style("ini", r"[#;][^\n]*+")  # php.ini, my.cnf, supervisord; zone files of the DNS too
BRACES = Style("braces", rf"#[^\n]*+|{_SLASHES}")  # named.conf, HCL, dhcpd
JSON = Style("json", rf"#[^\n]*+|{_SLASHES}", bare=False, joined=True)
PROPERTIES = Style("properties", r"[#!][^\n]*+")
XML = Style("xml")
CODE = Style("code", bare=False, code=True)  # Python, Ruby, Perl
C_CODE = Style("c", _SLASHES, bare=False, code=True)  # JavaScript, Go
PHP = Style("php", rf"#[^\n]*+|{_SLASHES}", bare=False, code=True)
DASHES = Style("dashes", r"--\[\[(?:[^\]]|\](?!\]))*+\]\]|--[^\n]*+", bare=False, code=True)  # Lua, SQL
ERLANG = Style("erlang", r"%[^\n]*+", bare=False)

_BY_ENDING = {
    **dict.fromkeys(("ini", "zone", "cnf", "service", "socket", "desktop"), INI),
    **dict.fromkeys(("json", "jsonc", "json5"), JSON),
    **dict.fromkeys(("hcl", "tf", "nomad"), BRACES),
    **dict.fromkeys(("xml", "xsd", "xsl", "plist"), XML),
    **dict.fromkeys(("py", "rb", "ru", "pl", "pm", "psgi", "tcl", "r"), CODE),
    **dict.fromkeys(("js", "mjs", "cjs", "ts", "go", "java", "kt", "scala", "rs", "c", "h", "cs", "swift"), C_CODE),
    **dict.fromkeys(("lua", "sql", "hs"), DASHES),
    **dict.fromkeys(("erl", "hrl", "app", "exs"), ERLANG),
    "php": PHP,
    "properties": PROPERTIES,
}
# What people or browsers read: a path in it is a page's, or prose.
_NO_CONFIGURATION = frozenset(
    (
        *("html", "htm", "xhtml", "css", "scss", "less", "svg", "md", "rst", "adoc", "tex", "csv", "tsv", "po", "pot"),
        *(
            "map",
            "lock",
            "patch",
            "diff",
            "log",
            "pem",
            "crt",
            "cer",
            "key",
            "pub",
            "asc",
            "sh",
            "bash",
            "jsx",
            "tsx",
            "vue",
        ),
    )
)
_LIBRARIES = frozenset({"node_modules", "site-packages", "dist-packages", "vendor", ".git", "__pycache__", "gems"})
_OF_A_BUILD = re.compile(r".*lock\.(?:json|ya?ml|toml)|(?:package|composer|tsconfig.*)\.json|Cargo\.toml|pom\.xml")
_ABOUT_SETTINGS = re.compile(r"conf|cfg|settings|environment|(?:^|/)etc/", re.IGNORECASE)
_SECTION = re.compile(r"^[ \t]*+\[[^\]\n]++\][ \t]*+\r?$", re.MULTILINE)
_ZONE = re.compile(r"^\$(?:ORIGIN|TTL)\b|\sIN\s++SOA\s", re.MULTILINE)
_ERLANG_END = re.compile(r"\]\s*+\.\s*+\Z")


def style_of(path: str, text: str, *, by_itself: bool = True) -> Style | None:
    """The style of a text; ``None`` for what is no configuration.

    ``by_itself`` says that the file was named and is not just a member of an included tree: a program's source in a
    tree is read only where its name says that it holds settings, and what was installed for a program never.
    """
    parts = path.split("/")
    name = parts[-1]
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _NO_CONFIGURATION or text.startswith("#!"):
        return None
    if not by_itself and (not _LIBRARIES.isdisjoint(parts[:-1]) or _OF_A_BUILD.fullmatch(name)):
        return None
    style = _BY_ENDING.get(ending) or _by_content(text)
    if style.code and not by_itself and not _ABOUT_SETTINGS.search(posixpath.join(*parts[-2:])):
        return None
    return style


def _by_content(text: str) -> Style:
    head = text.lstrip("\ufeff \t\r\n")
    if head.startswith(("<?xml", "<!DOCTYPE", "<!--")):
        return XML
    if head.startswith(("[", "{", "%")) and _ERLANG_END.search(text[-200:]):
        return ERLANG
    if head.startswith("{") and head.rstrip().endswith("}") and re.match(r'\{\s*+"', head):
        return JSON
    if re.search(r"^\s*+\};", text, re.MULTILINE):
        return BRACES
    if _ZONE.search(text) or _SECTION.search(text):
        return INI
    return WORDS
