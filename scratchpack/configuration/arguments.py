"""What an argument list and the variables of an image name, as a configuration does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.configuration.formats import WORDS
from scratchpack.configuration.model import GROUP, PATH, USER, Named
from scratchpack.configuration.reader import accounts, found_in, paths
from scratchpack.configuration.tokens import ConfigValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LONG = re.compile(r"--?([\w.-]+)=(.*)", re.DOTALL)
_SEARCH_PATHS = re.compile(r"PATH|LD_.*|HOME|PWD|OLDPWD|HOSTNAME|TERM|LANG|LC_.*|SHLVL")  # a shell's or the loader's
_OPTIONS = {"u": "user", "g": "group"}


def read_arguments(
    words: Sequence[str], origin: str = "--cmd", env: Mapping[str, str] | None = None
) -> tuple[Named, ...]:
    """What the words of a command line name: ``-c /etc/x.conf``, ``--config=/etc/x``, ``--user redis``, ``-g 'user x;'``."""
    return tuple(dict.fromkeys(_arguments(words, origin, env or {})))


def _arguments(words: Sequence[str], origin: str, env: Mapping[str, str]) -> Iterator[Named]:
    option = ""
    for word in words:
        long = _LONG.fullmatch(word)
        key, text = (long[1], long[2]) if long else (option, word)
        option = word.lstrip("-") if word.startswith("-") and not long else ""
        if (
            any(sign in text for sign in "\n;") and " " in text.strip()
        ):  # a text of its own: nginx -g "daemon off; user x;"
            yield from (item._replace(line=0) for item in found_in(text, WORDS, origin, env))
            continue
        yield from (Named(PATH, path, key, origin) for path in paths(text, key))
        value = ConfigValue(_OPTIONS.get(key, key), text, 0, 1, quoted=False)
        yield from (Named(kind, name, key, origin) for kind, name in accounts(value))


def read_variables(env: Mapping[str, str]) -> tuple[Named, ...]:
    """What variables name: a path, a list of them, an account under a name such as APACHE_RUN_USER."""
    found: list[Named] = []
    for name, text in env.items():
        if _SEARCH_PATHS.fullmatch(name):
            continue
        origin = f"-e {name}"
        found += [Named(PATH, path, name, origin) for path in paths(text, name)]
        kind = USER if name.endswith("_RUN_USER") else GROUP if name.endswith("_RUN_GROUP") else ""
        found += [Named(kind, text, name, origin)] if kind and text else []
    return tuple(dict.fromkeys(found))
