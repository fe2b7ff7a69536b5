"""The words that shells answer themselves, from their manuals; a command of such a name is not looked for."""

from __future__ import annotations

RESERVED = frozenset(
    [
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "{",
        "}",
        "!",
        "[[",
        "]]",
        "function",
        "select",
    ]
)

_POSIX = frozenset(
    [
        ".",
        ":",
        "[",
        "alias",
        "bg",
        "break",
        "cd",
        "command",
        "continue",
        "echo",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fc",
        "fg",
        "getopts",
        "hash",
        "jobs",
        "kill",
        "local",
        "printf",
        "pwd",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "test",
        "times",
        "trap",
        "true",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
    ]
)
_BASH = _POSIX | frozenset(
    [
        "coproc",
        "time",
        "bind",
        "builtin",
        "caller",
        "compgen",
        "complete",
        "compopt",
        "declare",
        "dirs",
        "disown",
        "enable",
        "help",
        "history",
        "let",
        "logout",
        "mapfile",
        "popd",
        "pushd",
        "readarray",
        "shopt",
        "source",
        "suspend",
        "typeset",
    ]
)
_ZSH = _BASH | frozenset(
    [
        "autoload",
        "bindkey",
        "emulate",
        "functions",
        "integer",
        "float",
        "limit",
        "noglob",
        "nocorrect",
        "print",
        "private",
        "rehash",
        "setopt",
        "unsetopt",
        "vared",
        "where",
        "whence",
        "zle",
        "zmodload",
        "zparseopts",
        "zstyle",
        "add-zsh-hook",
        "compdef",
        "compinit",
        "zformat",
        "sched",
        "ttyctl",
    ]
)
_ASH = _POSIX | frozenset(["source", "let", "chdir"])
_KSH = _POSIX | frozenset(["source", "typeset", "let", "print", "whence", "builtin"])
_TABLE = {"bash": _BASH, "rbash": _BASH, "zsh": _ZSH, "ash": _ASH, "busybox": _ASH, "ksh": _KSH, "mksh": _KSH}


def builtins(shell: str) -> frozenset[str]:
    """The builtins of a shell by the name of its program; an unknown one has those of dash."""
    return _TABLE.get(shell, _POSIX | {"chdir"})
