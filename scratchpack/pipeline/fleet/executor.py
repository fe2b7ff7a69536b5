"""Who does the work: one interface, that of ``concurrent.futures``, over processes of this machine or a Dask cluster (W41)."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor, wait
from typing import TYPE_CHECKING

from scratchpack.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    # how many workers are wanted -> the executor, for the time of a with
    Opener = Callable[[int], AbstractContextManager[Executor]]

_ROUNDS = 3  # in the last one each unit has a process to itself, so that the one that dies takes no other with it
_RETRIES = 3  # of a unit whose worker died, on a cluster
_PATIENCE = 30  # seconds for a scheduler to answer, and to have a first worker


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    function: Callable[[str], str], units: Sequence[str], opener: Opener, jobs: int, done: Callable[[int, str], None]
) -> None:
    """Call the function with each unit; ``done`` gets its number and what it gave, in the order in which they end.

    A unit whose worker died runs again: nothing of it was published. One whose worker dies every time is given up.

    Raises:
        RemoteError: a scheduler does not answer, or lost a unit too often; a process that makes an image died every time.
    """
    left = list(range(len(units)))
    for attempt in range(_ROUNDS):
        alone = attempt == _ROUNDS - 1
        rounds = [[number] for number in left] if alone else [left]
        left = [
            number
            for some in rounds
            if some
            for number in _round(function, units, some, opener, 1 if alone else jobs, done)
        ]
    for number in left:
        done(number, lost())


def lost(why: str = "") -> str:
    """The answer of a unit whose worker died every time."""
    import json

    error = RemoteError(
        "the process that works on it was killed each time",
        hint="it may have been out of memory: try it by itself, or with --jobs 1",
        details=(why,) if why else (),
    )
    return json.dumps({"failed": json.loads(error.to_json())})


def _round(
    function: Callable[[str], str],
    units: Sequence[str],
    some: Sequence[int],
    opener: Opener,
    jobs: int,
    done: Callable[[int, str], None],
) -> list[int]:
    """Some of the units, once; those whose worker died."""
    dead: list[int] = []
    with opener(min(jobs, len(some))) as executor:
        futures = {}
        for number in some:
            try:
                futures[executor.submit(function, units[number])] = number
            except BrokenExecutor:
                dead.append(number)
        try:
            waiting = set(futures)
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    try:
                        answer = future.result()
                    except BrokenExecutor:
                        dead.append(futures[future])
                        continue
                    except CancelledError as error:
                        raise RemoteError("cannot go on: the scheduler went away") from error
                    except Exception as error:  # noqa: BLE001 - a cluster's own: each worker that took it died
                        answer = lost(f"{type(error).__name__}: {error}"[:500])
                    done(futures[future], answer)
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(dead)


@contextlib.contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Processes of this machine, started afresh: what this one has open or locked is nothing to them."""
    import multiprocessing

    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_settle) as pool:
        yield pool


def _settle() -> None:
    """An interrupt is for the one who asked; and when that one is gone, so is the worker."""
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    import multiprocessing
    from multiprocessing.connection import wait as ready

    parent = multiprocessing.parent_process()
    if parent is not None:
        ready([parent.sentinel])
        os._exit(1)


def cluster(address: str) -> Opener:
    """The workers of a Dask scheduler.

    Raises:
        UsageError: Dask is not installed.
    """
    try:
        import distributed  # noqa: F401 - whether it is there is asked before anything is read
    except ImportError as error:
        raise UsageError(
            "cannot use --scheduler: dask's distributed is not installed", hint="pip install 'scratchpack[fleet]'"
        ) from error

    @contextlib.contextmanager
    def opener(_jobs: int) -> Iterator[Executor]:
        import logging

        from distributed import Client

        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it says on stderr is ours to say
        try:
            client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise RemoteError(
                f"cannot reach the scheduler {address}: {error}", hint="start one: dask scheduler --host 127.0.0.1"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError as error:
                raise RemoteError(
                    f"cannot use the scheduler {address}: it has no worker", hint=f"start one: dask worker {address}"
                ) from error
            yield client.get_executor(pure=False, retries=_RETRIES)

    return opener
