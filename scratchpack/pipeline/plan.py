"""From binaries and options to plans: what goes into the image of each platform, and why. Nothing is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.machines import oci_platform
from scratchpack.entries import Keep
from scratchpack.errors import ClosureError, NeedError, UsageError
from scratchpack.loader.model import FoundBy, LoaderEnv
from scratchpack.oci.config import check_user
from scratchpack.pipeline.closures import at_start
from scratchpack.pipeline.gather import Gatherer, closure_entries, moved, program_entries
from scratchpack.pipeline.loading import Loading
from scratchpack.pipeline.locate import Roots, locate, refuse_unpackable
from scratchpack.pipeline.model import Plan
from scratchpack.pipeline.payload import payload_warnings
from scratchpack.pipeline.place import Moves, parents, place, renamed
from scratchpack.pipeline.settings import image_config
from scratchpack.request import request
from scratchpack.rootfs import Directory, File, Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.elf.evidence import Elf
    from scratchpack.elf.machines import Platform
    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.configuration import Configured
    from scratchpack.pipeline.ground import Ground
    from scratchpack.pipeline.model import Located, Program, Rooted
    from scratchpack.request.model import Request


_SET_ID = 0o6000


def plan(
    binaries: StrPath | Iterable[StrPath],
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    strict: bool = True,
) -> tuple[Plan, ...]:
    """Plan one image a platform, in the order of ``--platform``, else in which they were first met.

    With ``strict=False`` problems stay in the plan instead of being raised. The files of a plan can be read as long as it lives.

    Raises:
        UsageError: a value that is none, no such file, an impossible combination of options.
        InputError: a binary that cannot be read or packed.
        ClosureError: the loader would not start it; every problem is in ``details``.
        NeedError: a runtime need cannot be provided from this root.
    """
    from scratchpack.request.given import paths

    asked = request(options, "pack", environ)
    return planned(paths(binaries), asked, Roots(asked.root), strict=strict)


def planned(binaries: Sequence[str], asked: Request, roots: Rooted, *, strict: bool = True) -> tuple[Plan, ...]:
    """Plan what was asked for, as :func:`plan` does; the files of the plans can be read until ``roots`` are closed."""
    found = [locate(binary, roots.host, roots.root, dict(asked.env).get("PATH")) for binary in binaries]
    return planned_programs(found, asked, roots, strict=strict)


def planned_programs(
    located: Sequence[Located], asked: Request, roots: Rooted, *, strict: bool = True
) -> tuple[Plan, ...]:
    """The same of programs that were found already."""
    found = list(located)
    if asked.need.get("commands") == "always":
        from scratchpack.pipeline.scripting.commands import with_commands

        found = [with_commands(one, roots, dict(asked.env).get("PATH")) for one in found]
    if asked.cpu not in {None, "all"}:
        for one in found:
            _refuse_other_levels(asked.cpu or "", one.programs[0])
    groups: dict[Platform, list[Located]] = {}
    for one in found:
        if strict:
            refuse_unpackable(one.programs[0], entrypoint=asked.entrypoint, assume_static=asked.assume_static)
        groups.setdefault(platform_of(one.programs[0]), []).append(one)
    if len(groups) > 1 and any(len(group) > 1 for group in groups.values()):
        raise UsageError(
            "cannot pack these binaries together: "
            + ", ".join(f"{one.programs[0].given} is {platform_of(one.programs[0])}" for one in found),
            hint="binaries of one platform make one image; for an index give one binary a platform",
        )
    order = _platforms(asked.platform, tuple(groups))
    return tuple(_Planner(groups[platform], roots, asked, strict=strict).plan(platform) for platform in order)


def platform_of(program: Program) -> Platform:
    """The OCI platform that the ELF file itself names (I6, R28)."""
    return oci_platform(program.facts.machine)


def _refuse_other_levels(cpu: str, program: Program) -> None:
    """Hold that ``--cpu`` names a level of this program's machine."""
    from scratchpack.loader.hwcaps import levels

    known = levels(program.facts.machine)
    if cpu not in known:
        raise UsageError(
            f"cannot use --cpu {cpu} with {program.given}, which is {program.facts.machine}",
            hint=f"its levels are all, {', '.join(known)}",
        )


def _platforms(wanted: tuple[Platform, ...], found: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """The platforms of the binaries, in the order of ``--platform`` where it is given."""
    if not wanted:
        return found
    order = [p for name in wanted for p in found if name == (p if name.variant else p._replace(variant=""))]
    if len(order) != len(wanted) or len(set(order)) != len(found):
        raise UsageError(
            f"cannot make an image for --platform {','.join(str(one) for one in wanted)}: the binaries are for "
            + ", ".join(sorted(str(platform) for platform in found)),
            hint="give one binary for each platform",
        )
    return tuple(dict.fromkeys(order))


class _Planner:
    """One platform's plan, step by step."""

    def __init__(self, found: Sequence[Located], roots: Rooted, asked: Request, *, strict: bool) -> None:
        self.programs = tuple(dict.fromkeys(program for one in found for program in one.programs))
        self.problems = tuple(problem for one in found for problem in one.problems)
        self.host, self.root = roots.host, roots.root
        self.asked, self.strict = asked, strict
        self.warnings: list[str] = list(asked.notes)
        self.notes: tuple[str, ...] = ()
        self.configured: Configured | None = None
        self.main = self.programs.index(_runs(found[0].programs))
        self.keep = Keep(asked.preserve_modes, asked.preserve_privileges)
        self.staying: frozenset[str] = frozenset()  # paths of what only included files load
        self.ground: Ground | None = None  # where something was named that is to lie over the root, or to be left out

    def plan(self, platform: Platform) -> Plan:
        """Lay over what was named, resolve, examine needs until nothing new comes, place, prove."""
        loading, at = self._loading()
        if self.strict and loading.closure.errors:
            raise _unresolved(loading.closure)
        needs = self._needs(loading)
        names = {resolution.soname for resolution in loading.closure.resolved}
        for program in self.programs:
            if not program.is_script and not program.asked_by:
                self.warnings += payload_warnings(program, names)
        if self.strict and loading.closure.errors:  # a library that a need opens was found, and would not load
            raise _unresolved(loading.closure)
        moves, needs = self._placed(loading, needs, at)
        placed = tuple(moves.of(program) for program in self.programs)
        rootfs = self._files(loading, needs, moves, placed)
        if self.asked.strip or self.asked.strip_libraries:
            rootfs = self._stripped(rootfs, placed)
        if loading.closure.resolved and not loading.closure.errors:
            rootfs = self._proven(loading, placed, rootfs, moves)
        rootfs.check()
        self.warnings += self.configured.warnings(rootfs) if self.configured else ()
        if self.ground is not None and self.ground.found:
            from scratchpack.pipeline.included import dangling

            self.warnings += dangling(self.ground.found, rootfs)
        for program, path in zip(self.programs, placed, strict=True):
            if not program.asked_by and not program.is_script:
                self.warnings += self._beside(program, path, rootfs, loading)
        added = {name: value for need in needs if need.decision == "added" for name, value in need.env.items()}
        config = image_config(self.asked, platform, placed[0], {**added, **dict(self.asked.env)})
        if self.strict and self.asked.user is not None:
            check_user(config, rootfs)
        problems = loading.closure.problems
        warnings = [f"{p.name}: {p.detail}" for p in problems if p.severity == "warning"] + self.warnings
        chain = tuple(program.path for program in self.programs if program.asked_by and program.asked_for == "#!")
        return Plan(
            self.programs,
            placed,
            platform,
            at_start(loading, needs),
            needs,
            rootfs,
            config,
            tuple(dict.fromkeys(warnings)),
            chain,
            self.notes,
        )

    def _loading(self) -> tuple[Loading, str | None]:
        """The programs resolved where what was named lies over the root; and ``--at``, unless they stand there already."""
        at = self.asked.at
        if not (self.asked.include or self.asked.traced or self.asked.exclude or self.asked.library_path):
            return self._resolved(self.programs, None), at
        from scratchpack.pipeline import library_path
        from scratchpack.pipeline.ground import ground

        gatherer = Gatherer(Moves({}, {}), self.keep)
        self.ground = ground(self.asked, self.programs, self.programs[self.main], gatherer, self.host, self.root)
        self.warnings += gatherer.warnings
        self.programs = self.ground.standing(self.programs)
        loading = self._resolved(self.programs, self.ground)
        if loading.closure.errors and self.ground.over:
            moves = place(self.programs, loading.closure, at)
            if moves.programs and moves.directory is None:  # nothing holds them where they are: try their own places
                moved, programs = self.ground.moved(self.programs, moves)
                again = self._resolved(programs, moved)
                if not again.closure.errors:
                    self.ground, self.programs, loading, at = moved, programs, again, None
        self.warnings += library_path.not_taken(self.ground.libraries, loading.closure)
        if self.ground.found:
            from scratchpack.pipeline.included import join

            before = {resolution.path for resolution in loading.closure.resolved}
            self.warnings += join(self.ground.found, loading, self.main, self.ground.root)
            self.staying = frozenset(r.path for r in loading.closure.resolved if r.path not in before)
        return loading, at

    def _resolved(self, programs: tuple[Program, ...], ground: Ground | None) -> Loading:
        secure = self.asked.preserve_privileges and any(_is_secure(program) for program in programs)
        env = _loader_env(self.asked, secure=secure)
        if ground is None:
            return Loading(programs, self.root, env, self.problems)
        return Loading(programs, ground.root, env, self.problems, search=ground.search)

    def _stripped(self, rootfs: Rootfs, placed: tuple[str, ...]) -> Rootfs:
        from scratchpack.pipeline.strip import strip

        named = {path for program, path in zip(self.programs, placed, strict=True) if not program.asked_by}
        done = strip(rootfs, named, own=self.asked.strip, libraries=self.asked.strip_libraries)
        self.notes += done.notes
        self.warnings += done.warnings
        return done.rootfs

    def _needs(self, loading: Loading) -> tuple[NeedResult, ...]:
        from scratchpack.pipeline.needs import Examination

        asked = self.asked
        if asked.include or asked.cmd or asked.entrypoint or asked.env:  # texts that can name what the program opens
            from scratchpack.pipeline.configuration import Configured

            self.configured = Configured(asked, loading, self.ground.named if self.ground else {})
        beside = self.configured.evidence() if self.configured else ()
        existing = asked.command == "slim"  # the image does without what it lacks
        examination = Examination(loading, self.asked, strict=self.strict and not existing, beside=beside)
        results = examination.run()
        if existing and self.strict:
            _hold_asked(results, asked)
        self.warnings += examination.notes
        return results

    def _placed(
        self, loading: Loading, needs: tuple[NeedResult, ...], at: str | None
    ) -> tuple[Moves, tuple[NeedResult, ...]]:
        """Where the programs land, with the needs' files that have to keep their position beside them."""
        directories = self._directories(loading.closure, needs)
        scripts = [program for program in self.programs if program.is_script and not program.asked_by]
        moving = any(not program.keeps_path or at is not None for program in scripts)
        beside = tuple(path for need in needs for path in need.beside) if moving else ()
        if (at is None and all(program.keeps_path for program in self.programs)) or not any(
            need.files for need in needs
        ):
            moves = place(self.programs, loading.closure, at, self.staying, directories, beside)
        else:
            from scratchpack.pipeline.trees import moved, report_lines, trees

            own = trees(self.programs, needs, loading.closure, loading.root)
            if at is None:
                keeping = own.keeping
                self.programs = tuple(p._replace(keeps_path=p.keeps_path or p.given in keeping) for p in self.programs)
            moves = place(self.programs, loading.closure, at, self.staying, directories, (*own.together, *beside))
            needs = moved(needs, moves, own)
            self.warnings += report_lines(self.programs, own, moves)
        self.warnings += renamed(self.programs, moves) if at is None else ()
        return moves, needs

    def _directories(self, closure: Closure, needs: tuple[NeedResult, ...]) -> frozenset[str]:
        """What is a directory of the image whatever becomes of the programs."""
        asked = self.asked
        entries = [entry for need in needs for entry in need.files]
        entries += self.ground.entries if self.ground is not None else ()
        made = {entry.path for entry in entries if isinstance(entry, Directory)}
        made |= {path.rstrip("/") for path in (*asked.volume, asked.workdir or "/") if path != "/"}
        made |= {directory.path for directory in asked.directory}
        found = (path for r in closure.resolved if not r.by_origin for path in (r.path, r.node.canonical))
        return parents((*(entry.path for entry in entries), *found, *made)) | made

    def _files(self, loading: Loading, needs: tuple[NeedResult, ...], moves: Moves, placed: tuple[str, ...]) -> Rootfs:
        """Everything that travels: programs, what --include names, closures, what the needs bring; less --exclude."""
        gatherer = Gatherer(moves, self.keep)
        entries = [*program_entries(gatherer, self.programs, moves)]
        if self.ground is not None:
            from scratchpack.pipeline.ground import beside_programs

            own = {entry.path: entry for entry in entries if isinstance(entry, File) and entry.path in placed}
            for included in beside_programs(self.ground, own):
                if isinstance(included, str):
                    self.warnings.append(included)
                else:
                    entries.append(included)
        entries += closure_entries(gatherer, loading.closure, loading.root)
        entries += [moved(entry, moves) for need in needs for entry in need.files]
        rootfs = Rootfs(entries)
        self.warnings += gatherer.warnings
        if self.ground is not None:
            rootfs = self.ground.exclusion.of(rootfs, placed)
        if self.asked.package_db or (self.asked.package_db is None and self.asked.command == "slim"):  # W21
            rootfs = self._with_packages(rootfs, gatherer)
        if self.asked.probe is not None:
            from scratchpack.pipeline.probe import probe_file

            rootfs = rootfs.merge([probe_file(self.asked.probe, self.programs[self.main].facts.machine)])
        if self.ground is not None:
            self.ground.exclusion.check()
        if self.asked.workdir is not None or self.asked.volume or self.asked.directory or _holds_tmp(rootfs):
            from scratchpack.pipeline.directories import with_directories

            rootfs = with_directories(rootfs, self.asked)
        return rootfs

    def _beside(self, program: Program, placed: str, rootfs: Rootfs, loading: Loading) -> tuple[str, ...]:
        from scratchpack.pipeline.neighbours import beside
        from scratchpack.pipeline.payload import carries

        line = "" if carries(program) else beside(program, placed, rootfs, _viewing(loading, program))
        return (line,) if line else ()

    def _with_packages(self, rootfs: Rootfs, gatherer: Gatherer) -> Rootfs:
        """``--package-db``: of what is left after ``--exclude``, which goes for what is added too."""
        from scratchpack.pipeline.package_db import package_entries

        entries, warnings = package_entries(rootfs, gatherer, self.root, asked=bool(self.asked.package_db))
        self.warnings += warnings
        return rootfs.merge(entries if self.ground is None else self.ground.exclusion.of(entries))

    def _proven(self, loading: Loading, placed: tuple[str, ...], rootfs: Rootfs, moves: Moves) -> Rootfs:
        """Resolve again inside the planned files; with a generated cache where the loader needs one (R23).

        Raises:
            ClosureError: the image's loader would find other files, or miss some.
        """
        from scratchpack.verification.again import differences

        closure = loading.closure
        inside = loading.inside(placed)
        started = (None if path is None else moves(path) for path in inside[len(placed) :])
        inside = (*inside[: len(placed)], *started)
        found = differences(closure, inside, loading.opened, rootfs, loading.env, moves.__call__, loading.late)
        if found and any(resolution.found_by is FoundBy.CACHE for resolution in closure.resolved):
            from scratchpack.pipeline.cache import cache_entry

            rootfs = rootfs.merge([cache_entry(closure)])
            found = differences(closure, inside, loading.opened, rootfs, loading.env, moves.__call__, loading.late)
        if found and self.strict:
            raise ClosureError(
                f"cannot pack {closure.roots[0].path}: inside the image its loader would not find what it finds here",
                details=found,
                hint="place the program where its libraries are found with --at PATH, or set -e LD_LIBRARY_PATH=DIR",
            )
        self.warnings += found
        return rootfs


def _viewing(loading: Loading, program: Program) -> Callable[[], Elf]:
    return lambda: loading.views.of(program.root, program.node, program.facts)


def _hold_asked(results: tuple[NeedResult, ...], asked: Request) -> None:
    """Hold that what was asked for by name is there.

    Raises:
        NeedError: it is not.
    """
    lacking = [one for one in results if one.decision == "unavailable" and asked.need.get(one.name) == "always"]
    if lacking:
        raise NeedError(
            f"cannot put in the image what was asked for: {', '.join(one.name for one in lacking)}",
            details=tuple(one.suggestion for one in lacking if one.suggestion),
        )


def _loader_env(asked: Request, *, secure: bool) -> LoaderEnv:
    """What the planned image configuration tells the loader (R29)."""
    env = dict(asked.env)
    return LoaderEnv(
        library_path=env.get("LD_LIBRARY_PATH"),
        preload=env.get("LD_PRELOAD"),
        audit=env.get("LD_AUDIT"),
        tunables=env.get("GLIBC_TUNABLES"),
        working_dir=asked.workdir or "/",
        secure=secure,
        cpu=asked.cpu or "all",
    )


def _holds_tmp(rootfs: Rootfs) -> bool:
    """Whether something other than the need itself brings a place for temporary files."""
    return any(
        entry.path.startswith(("/tmp/", "/var/tmp/"))  # noqa: S108 - paths of the image
        or (entry.path in {"/tmp", "/var/tmp"} and getattr(entry, "mode", 0o1777) != 0o1777)  # noqa: S108
        for entry in rootfs
    )


def _runs(programs: tuple[Program, ...]) -> Program:
    """What finally runs: of a script the last of its interpreters."""
    chain = [p for p in programs if p.asked_for == "#!" and p.asked_by in {"", programs[0].given}]
    return chain[-1]


def _is_secure(program: Program) -> bool:
    """Whether the kernel would start it with AT_SECURE, once its privileges are kept (R6)."""
    return bool(program.node.mode & _SET_ID) or "security.capability" in program.root.xattrs(program.node)


def _unresolved(closure: Closure) -> ClosureError:
    """The error that lists everything that would stop the program at once, each miss with all the places looked at, in order."""
    details: list[str] = []
    for problem in closure.errors:
        what = "not found" if problem.kind == "missing" else problem.kind
        details.append(
            f"{problem.name}: {what}, needed by {problem.requester}" + (f": {problem.detail}" if problem.detail else "")
        )
        details += [f"    looked at {place.path} ({place.via}): {place.verdict}" for place in problem.searched]
    program = closure.roots[0].path if closure.roots else ""
    return ClosureError(
        f"cannot pack {program}: the loader would not start it",
        details=tuple(details),
        hint="install what is missing, or say where it is: --root DIR for another root filesystem, "
        "-e LD_LIBRARY_PATH=DIR for a directory that the image will search",
    )
