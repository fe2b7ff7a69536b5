"""One platform's plan: located programs and a request go in; files, configuration and what a person must know come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.entries import Keep
from scratchpack.loader.model import LoaderEnv
from scratchpack.oci.config import check_user
from scratchpack.pipeline.closures import at_start
from scratchpack.pipeline.gather import Gatherer, closure_entries, moved, program_entries
from scratchpack.pipeline.loading import Loading
from scratchpack.pipeline.model import Plan
from scratchpack.pipeline.payload import payload_warnings
from scratchpack.pipeline.place import Moves, parents, place, renamed
from scratchpack.pipeline.refusals import hold_asked, unresolved
from scratchpack.pipeline.settings import image_config
from scratchpack.rootfs import Directory, File, Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scratchpack.elf.evidence import Elf
    from scratchpack.elf.machines import Platform
    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.configuration import Configured
    from scratchpack.pipeline.ground import Ground
    from scratchpack.pipeline.model import Located, Program, Rooted
    from scratchpack.request.model import Request

_SET_ID = 0o6000


class Planner:
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
            raise unresolved(loading.closure)
        needs = self._needs(loading)
        names = {resolution.soname for resolution in loading.closure.resolved}
        for program in self.programs:
            if not program.is_script and not program.asked_by:
                self.warnings += payload_warnings(program, names)
        if self.strict and loading.closure.errors:  # a library that a need opens was found, and would not load
            raise unresolved(loading.closure)
        moves, needs = self._placed(loading, needs, at)
        placed = tuple(moves.of(program) for program in self.programs)
        rootfs = self._files(loading, needs, moves, placed)
        if self.asked.strip or self.asked.strip_libraries:
            rootfs = self._stripped(rootfs, placed)
        if loading.closure.resolved and not loading.closure.errors:
            from scratchpack.pipeline.proof import proven

            rootfs, differing = proven(loading, placed, rootfs, moves, strict=self.strict)
            self.warnings += differing
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
            hold_asked(results, asked)
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
        from scratchpack.pipeline.payload import carries, missing_folder

        if carries(program):
            line = missing_folder(program, placed, rootfs)
        else:
            from scratchpack.pipeline.neighbours import beside

            line = beside(program, placed, rootfs, _viewing(loading, program))
        return (line,) if line else ()

    def _with_packages(self, rootfs: Rootfs, gatherer: Gatherer) -> Rootfs:
        """``--package-db``: of what is left after ``--exclude``, which goes for what is added too."""
        from scratchpack.pipeline.package_db import package_entries

        entries, warnings = package_entries(rootfs, gatherer, self.root, asked=bool(self.asked.package_db))
        self.warnings += warnings
        return rootfs.merge(entries if self.ground is None else self.ground.exclusion.of(entries))


def _viewing(loading: Loading, program: Program) -> Callable[[], Elf]:
    return lambda: loading.views.of(program.root, program.node, program.facts)


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
