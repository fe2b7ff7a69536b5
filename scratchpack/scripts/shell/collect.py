"""One walk over the tree of a shell script: every command with where it stands, every assignment, every function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import MAX_NODES, text, walk
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from tree_sitter import Node

_GIVES_UP = frozenset({"exit", "die", "fail", "fatal", "abort", "error", "usage", "err", "panic", "bail"})
_MAX_LOOK = 256  # nodes of one branch that are looked at for a word that gives up


class Context(NamedTuple):
    """Where a command stands."""

    function: str = ""  # the function around it
    broken: bool = False  # within text that does not parse
    if_true: tuple[Node, ...] = ()  # what runs when it ends with 0, where it is a condition
    if_false: tuple[Node, ...] = ()
    from_stdin: bool = False  # a pipe or a here-document feeds it
    top: bool = True  # not in a function, a loop or a branch


class Collected(NamedTuple):
    """What one tree holds, in the order of the text."""

    commands: tuple[tuple[Node, Context], ...]
    tests: tuple[tuple[Node, Context], ...]  # ``[ … ]`` and ``[[ … ]]``
    assigned: dict[str, list[Node | None]]
    functions: frozenset[str]
    backquoted: tuple[tuple[Node, Context], ...]  # here-documents: the grammar sees no `…` in them


def collect(top: Node, path: str) -> Collected:
    """Walk without recursion; the context goes down with each node.

    Raises:
        ScriptError: the tree has too many nodes; ``path`` is for that message.
    """
    commands: list[tuple[Node, Context]] = []
    tests: list[tuple[Node, Context]] = []
    assigned: dict[str, list[Node | None]] = {}
    functions: set[str] = set()
    backquoted: list[tuple[Node, Context]] = []
    stack = [(top, Context())]
    seen = 0
    while stack:
        node, context = stack.pop()
        seen += 1
        if seen > MAX_NODES:
            raise ScriptError(f"cannot look into {path}: it has over {MAX_NODES} syntax nodes")
        kind = node.type
        if kind == "command":
            commands.append((node, context))
            context = context._replace(if_true=(), if_false=())
        elif kind == "test_command":
            tests.append((node, context))
        elif kind == "variable_assignment":
            _assign(node, context, assigned)
        elif kind == "for_statement" and (variable := node.child_by_field_name("variable")) is not None:
            assigned.setdefault(text(variable), []).extend((None, None))
        elif kind == "function_definition" and (name := node.child_by_field_name("name")) is not None:
            functions.add(text(name))
            context = Context(function=text(name), broken=context.broken, top=False)
        elif kind == "heredoc_redirect" and (body := _expanded(node)) is not None:
            backquoted.append((body, context))
        elif kind == "ERROR":
            context = context._replace(broken=True)
        stack += reversed([(child, _below(node, child, context)) for child in node.children if child.is_named])
    return Collected(tuple(commands), tuple(tests), assigned, frozenset(functions), tuple(backquoted))


def _expanded(node: Node) -> Node | None:
    """The body of a here-document whose delimiter is not quoted, so that the shell expands what is in it."""
    parts = {part.type: part for part in node.named_children}
    start, body = parts.get("heredoc_start"), parts.get("heredoc_body")
    if start is None or body is None or set("'\"\\") & set(text(start)):
        return None
    return body


def _assign(node: Node, context: Context, assigned: dict[str, list[Node | None]]) -> None:
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if name is None or (node.parent is not None and node.parent.type == "command"):
        return  # FOO=x command: for that command alone
    values = assigned.setdefault(text(name), [])
    values.append(value)
    if not context.top and not context.function:
        values.append(None)  # perhaps, or again and again: no constant


def _below(node: Node, child: Node, context: Context) -> Context:
    """The context of a child: what its exit status decides, and what feeds it."""
    kind = node.type
    if kind == "list":
        return _in_list(node, child, context)
    if kind in {"if_statement", "elif_clause"}:
        return _in_if(node, child, context)
    if kind == "negated_command":
        return context._replace(if_true=context.if_false, if_false=context.if_true)
    if kind == "pipeline":
        return context._replace(if_true=(), if_false=(), from_stdin=child.start_byte > node.start_byte)
    if kind == "redirected_statement":
        fed = any(part.type in {"heredoc_redirect", "herestring_redirect"} for part in node.children)
        return context._replace(from_stdin=context.from_stdin or fed)
    if kind in {"while_statement", "for_statement", "case_statement", "subshell", "else_clause", "case_item"}:
        return context._replace(if_true=(), if_false=(), top=False)
    if kind in {"program", "compound_statement", "do_group", "function_definition", "command_substitution"}:
        return context._replace(if_true=(), if_false=(), from_stdin=False)
    return context


def _in_list(node: Node, child: Node, context: Context) -> Context:
    """``A && B || C`` is ``((A && B) || C)``: what runs after A or B depends on the operator behind them."""
    parts = node.named_children
    if len(parts) < 2 or child.start_byte != parts[0].start_byte:
        return context._replace(top=False)
    after = (parts[1],)
    operator = next((part.type for part in node.children if not part.is_named), "")
    if operator == "||":
        return context._replace(if_false=after)
    return context._replace(if_true=after)


def _in_if(node: Node, child: Node, context: Context) -> Context:
    children = node.children
    then = next((part.end_byte for part in children if part.type == "then"), 0)
    if child.end_byte <= then:  # the condition
        body = tuple(p for p in children if p.is_named and p.start_byte >= then and not p.type.endswith("_clause"))
        other = tuple(p for p in children if p.type in {"else_clause", "elif_clause"})
        return context._replace(if_true=body, if_false=other)
    return context._replace(if_true=(), if_false=(), top=False)


def gives_up(branch: tuple[Node, ...]) -> bool:
    """Whether a branch ends the script or the function: then what it was tested for is required, not optional."""
    looked = 0
    for top in branch:
        for node in walk(top):
            looked += 1
            if looked > _MAX_LOOK:
                return False
            if node.type == "command_name" and text(node) in _GIVES_UP:
                return True
    return False
