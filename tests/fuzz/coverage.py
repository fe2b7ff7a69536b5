"""Coverage-guided fuzzing of one reader with atheris: ``python -m tests.fuzz.coverage TARGET [libFuzzer's options]``.

It comes with the extra ``fuzz``. What is found is written beside the working directory as ``crash-…`` by libFuzzer.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["scratchpack"]):
    from scratchpack.errors import ScratchpackError
    from tests.fuzz.targets import TARGETS


def main() -> None:
    read, _ = TARGETS[sys.argv[1]]

    def once(data: bytes) -> None:
        try:
            read(data)
        except ScratchpackError:
            return

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
