"""One Python source: its text goes in, what it imports comes out, by the parser of Python itself.

``ast`` needs some 1,300 bytes and 20 µs for each token of a hostile text, so tokens are counted before it is asked (S4); its own limits (200
parentheses, its stack) end in typed errors.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.scripts.model import SourceText

MAX_TOKENS = 120_000
MAX_LINE = 1 << 20  # bytes
_DEEP = re.compile(
    rb"__file__|__import__|import_module|sys\.path|load_entry_point"
)  # only where one of these stands do expressions say anything
_STATEMENTS = ("body", "handlers", "orelse", "finalbody", "cases")  # the fields that hold statements
_TOKEN = re.compile(rb"\w+|[^\w\s]")
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Imported(NamedTuple):
    """One import: ``level`` dots, ``module`` ("" for ``from . import x``), the ``names`` of a ``from``.

    ``why`` is empty for what runs when the module is loaded; else why the program may do without it.
    """

    module: str
    level: int
    names: tuple[str, ...]
    line: int
    why: str = ""


class Beside(NamedTuple):
    """A file named relative to ``__file__``."""

    path: str
    line: int


class EntryPoint(NamedTuple):
    """``load_entry_point(requirement, group, name)`` with constant words."""

    requirement: str
    group: str
    name: str
    line: int


class PythonReading(NamedTuple):
    """What one source imports and names."""

    imports: tuple[Imported, ...]
    beside: tuple[Beside, ...]
    path: tuple[Beside, ...] = ()  # directories that it puts into sys.path: absolute, or relative to its own
    path_unknown: int = 0  # the first line that changes sys.path in a way that nobody can say; 0 without one
    entry_points: tuple[EntryPoint, ...] = ()
    by_name: int = 0  # the first line that imports a module whose name only a run makes; 0 without one


def read_python(source: SourceText, *, is_main: bool = True) -> PythonReading:
    """Parse one source; ``is_main`` for the script itself, whose ``__name__`` is ``__main__``.

    Raises:
        ScriptError: not Python 3, or over a bound.
    """
    return _Reader(is_main=is_main, deep=_DEEP.search(source.data) is not None).read(_parse(source))


def _parse(source: SourceText) -> ast.Module:
    data = source.data
    for count, _ in enumerate(_TOKEN.finditer(data) if len(data) > MAX_TOKENS else ()):
        if count > MAX_TOKENS:
            raise ScriptError(f"cannot look into {source.path}: it has over {MAX_TOKENS} tokens")
    if max(map(len, data.split(b"\n")), default=0) > MAX_LINE:
        raise ScriptError(f"cannot look into {source.path}: a line of it is over {MAX_LINE} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stranger's invalid escapes
            return ast.parse(data)
    except SyntaxError as error:
        raise ScriptError(
            f"cannot look into {source.path}: line {error.lineno or 1} is not Python 3 ({error.msg})"
        ) from error
    except (ValueError, RecursionError, MemoryError, LookupError) as error:
        raise ScriptError(
            f"cannot look into {source.path}: Python's parser gives up ({type(error).__name__})"
        ) from error


class _Reader:
    def __init__(self, *, is_main: bool, deep: bool) -> None:
        self._is_main, self._deep = is_main, deep
        self._path: dict[Beside, None] = {}
        self._path_unknown = 0
        self._imports: list[Imported] = []
        self._beside: dict[Beside, None] = {}
        self._entry_points: list[EntryPoint] = []
        self._by_name = 0

    def read(self, tree: ast.Module) -> PythonReading:
        """Walk without recursion; ``why`` goes down with each node."""
        stack: list[tuple[ast.AST, str]] = [(tree, "")]
        while stack:
            node, why = stack.pop()
            if isinstance(node, ast.Import):
                self._imports += [Imported(alias.name, 0, (), node.lineno, why) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = tuple(alias.name for alias in node.names if alias.name != "*")
                self._imports.append(Imported(node.module or "", node.level, names, node.lineno, why))
            elif isinstance(node, ast.Call):
                self._call(node, why)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                stack.append((self._joined(node), why))
                continue
            stack += [
                (child, below) for child, below in reversed(_below(node, why, is_main=self._is_main, deep=self._deep))
            ]
        return PythonReading(
            tuple(self._imports), tuple(self._beside), tuple(self._path), self._path_unknown,
            tuple(self._entry_points), self._by_name,
        )  # fmt: skip

    def _call(self, node: ast.Call, why: str) -> None:
        """``importlib.import_module("x")``, ``__import__("x")``, and ``os.path.join(os.path.dirname(__file__), "x")``."""
        name = _dotted(node.func)
        words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name in {"importlib.import_module", "import_module", "__import__"} and node.args:
            if not isinstance(node.args[0], ast.Constant):
                self._by_name = self._by_name or node.lineno
            elif words and isinstance(node.args[0], ast.Constant) and not words[0].startswith("."):
                self._imports.append(Imported(words[0], 0, (), node.lineno, why))
        elif name.endswith("load_entry_point") and len(words) == len(node.args) == 3:
            self._entry_points.append(EntryPoint(words[0], words[1], words[2], node.lineno))
        elif name in {"sys.path.insert", "sys.path.append"} and node.args:
            self._search(node.args[-1], node.lineno)
        elif name.endswith("join") and len(words) == len(node.args) - 1 and node.args:
            self._add(_directory(node.args[0]), words, node.lineno)
        elif name.endswith(".joinpath") and isinstance(node.func, ast.Attribute) and len(words) == len(node.args):
            self._add(_directory(node.func.value), words, node.lineno)

    def _search(self, node: ast.expr, line: int) -> None:
        above = _directory(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\0" not in node.value:
            self._path[Beside(node.value or ".", line)] = None
        elif above is not None:
            self._path[Beside("/".join([".."] * above) or ".", line)] = None
        elif isinstance(node, ast.Call) and _dotted(node.func).endswith("join") and node.args:
            words = [a.value for a in node.args[1:] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            above = _directory(node.args[0])
            if above is None or len(words) != len(node.args) - 1:
                self._path_unknown = self._path_unknown or line
            else:
                self._path[Beside("/".join([".."] * above + words), line)] = None
        else:
            self._path_unknown = self._path_unknown or line

    def _joined(self, node: ast.BinOp) -> ast.AST:
        """``Path(__file__).parent / "x" / "y"``: what is left to walk, without the shorter paths in it."""
        words: list[str] = []
        part: ast.expr = node
        while isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div):
            if not (isinstance(part.right, ast.Constant) and isinstance(part.right.value, str)):
                return ast.Tuple([part.left, part.right], ast.Load())
            words.append(part.right.value)
            part = part.left
        self._add(_directory(part), words[::-1], node.lineno)
        return part

    def _add(self, above: int | None, words: list[str], line: int) -> None:
        if above is not None and words and not any(word.startswith("/") or "\0" in word for word in words):
            self._beside[Beside("/".join([".."] * above + words), line)] = None


def _children(node: ast.AST, *, deep: bool) -> Iterable[ast.AST]:
    """The children of a node; without ``deep`` the statements among them, a fifth of a tree."""
    if deep:
        return ast.iter_child_nodes(node)
    blocks = (getattr(node, field, None) for field in _STATEMENTS)
    return [child for block in blocks if isinstance(block, list) for child in block]


def _below(node: ast.AST, why: str, *, is_main: bool, deep: bool) -> list[tuple[ast.AST, str]]:
    """The children of a node, each with why it may not run when the module is loaded."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return [(child, why or "within a function") for child in _children(node, deep=deep)]
    if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
        caught = any(_catches(handler.type) for handler in getattr(node, "handlers", ()))
        tried = (why or "in a try that goes on without it") if caught else why
        return [
            (child, tried if field in {"body", "handlers"} else why)
            for field in ("body", "handlers", "orelse", "finalbody")
            for child in getattr(node, field)
        ]
    if isinstance(node, ast.If):
        kind = _condition(node.test)
        body = why if kind == "main" else why or "under a condition"
        other = why if kind in {"main", "typing"} else why or "under a condition"
        never = kind == "typing" or (kind == "main" and not is_main)
        found = [] if never else [(child, body) for child in node.body]
        return [(node.test, why), *found, *((child, other) for child in node.orelse)]
    if isinstance(node, ast.With) and any(
        "suppress" in _dotted(getattr(i.context_expr, "func", i)) for i in node.items
    ):
        return [(child, why or "in a block that goes on without it") for child in _children(node, deep=deep)]
    return [(child, why) for child in _children(node, deep=deep)]


def _condition(test: ast.expr) -> str:
    """What an ``if`` asks: "typing" (never true at run time), "main" (true for the script), else ""."""
    if _dotted(test).rpartition(".")[2] == "TYPE_CHECKING":
        return "typing"
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__":
        return "main"
    return ""


def _catches(kind: ast.expr | None) -> bool:
    """Whether an ``except`` of this type catches an import that fails."""
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_dotted(one).rpartition(".")[2] in _CATCHES for one in kinds)


def _dotted(node: object) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < 8:
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else "." + ".".join(reversed(parts))


def _directory(node: ast.expr, depth: int = 0) -> int | None:
    """How many directories above the file's own an expression names; ``None`` where it names something else."""
    if depth > 12:
        return None
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        above = _file(node.value)
        return 0 if above else _raised(_directory(node.value, depth + 1))
    if isinstance(node, ast.Call):
        name = _dotted(node.func)
        if name.endswith("dirname") and node.args:
            return 0 if _file(node.args[0]) else _raised(_directory(node.args[0], depth + 1))
        if name.endswith(("abspath", "realpath", "Path", "str")) and node.args:
            return _directory(node.args[0], depth + 1)
        if name.endswith(("resolve", "absolute")) and isinstance(node.func, ast.Attribute):
            return _directory(node.func.value, depth + 1)
    return None


def _raised(above: int | None) -> int | None:
    return None if above is None else above + 1


def _file(node: ast.expr, depth: int = 0) -> bool:
    """``__file__``, however it is wrapped."""
    if isinstance(node, ast.Name):
        return node.id == "__file__"
    if isinstance(node, ast.Call) and depth < 8:
        name = _dotted(node.func)
        if name.endswith(("abspath", "realpath", "Path", "str", "fspath")) and node.args:
            return _file(node.args[0], depth + 1)
        if name.endswith(("resolve", "absolute", "expanduser")) and isinstance(node.func, ast.Attribute):
            return _file(node.func.value, depth + 1)
    return False
