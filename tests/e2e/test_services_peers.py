"""The services of `services.toml` as other tools of this kind pack them: the same programs, configuration, volumes and questions.

`make campaign` runs it and prints one line a service; `docs/services.md` has the table. The peers make a root filesystem or a file; the
configuration is copied into it where our `--include` puts it, and docker imports the result. Nothing here judges them: a line of the table is
whether the service answered, and how large the image is.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import test_services as services
from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.engines import Docker

USER = services.USER


def dockerize(programs: list[str], root: Path) -> None:
    """dockerize2: a directory that a Dockerfile copies."""
    command("dockerize", "-n", "-o", root, *programs)
    (root / "Dockerfile").unlink(missing_ok=True)


def exodus(programs: list[str], root: Path) -> None:
    """exodus-bundler: a bundle, unpacked below /opt, its launchers linked to where the programs stood."""
    command("exodus", "-q", "-t", "-o", root.parent / "bundle.tgz", *programs)
    (root / "opt").mkdir(parents=True)
    command("tar", "-xf", root.parent / "bundle.tgz", "-C", root / "opt")
    for program in programs:
        place = root / program.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(f"/opt/exodus/bin/{Path(program).name}")


def lddtree(programs: list[str], root: Path) -> None:
    """pax-utils: its list of files, copied to the same places."""
    listed = {Path(line) for line in command("lddtree", "-l", *programs).splitlines() if line.startswith("/")}
    for path in sorted(listed | {Path(program) for program in programs}):
        place = root / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


def staticx(programs: list[str], root: Path) -> None:
    """staticx: each program one file that unpacks itself below /tmp, so there is one."""
    for program in programs:
        place = root / program.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        command("staticx", program, place)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


PEERS: dict[str, tuple[Callable[[list[str], Path], None], str]] = {
    "dockerize": (dockerize, "dockerize2"),
    "exodus": (exodus, "exodus-bundler"),
    "lddtree": (lddtree, "pax-utils"),
    "staticx": (staticx, "staticx"),
}


def command(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")[-300:]
    return done.stdout.decode()


def options_of(words: list[str], name: str) -> list[str]:
    """The values of one option in the words that we are given."""
    return [value for option, value in itertools.pairwise(words) if option == name]


def configured(service: dict[str, Any], home: Path, root: Path) -> list[str]:
    """Copy the configuration, make the directories of volumes; the lines of the image's settings."""
    words = service.get("pack", [])
    for value in options_of(words, "--include"):
        source, _, target = value.partition(":")
        place = root / (target or source).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        origin = home / source
        if origin.is_dir():
            shutil.copytree(origin, place, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(origin, place)
    for volume in options_of(words, "--volume"):
        (root / volume.lstrip("/")).mkdir(parents=True, exist_ok=True)
        os.chown(root / volume.lstrip("/"), USER, USER)
    settings = [f"USER {USER}:{USER}", f"ENTRYPOINT {json.dumps(service['run'][:1])}"]
    settings += [f"ENV {value}" for value in options_of(words, "-e")]
    settings += [f"WORKDIR {value}" for value in options_of(words, "--workdir")]
    return [word for line in settings for word in ("--change", line)]


@pytest.mark.campaign
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("service", [pytest.param(service, id=service["name"]) for service in services.TABLE[:22]])
def test_what_others_make_of_a_service_is_recorded(
    service: dict[str, Any], peer: str, docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, package = PEERS[peer]
    if tools.find(peer) is None:
        tools.missing(f"{peer} of {package} is not installed")
    for program in service["run"]:
        if not Path(program).exists():
            tools.missing(f"{program} of {', '.join(service['packages'])} is not installed")
    monkeypatch.setattr(services, "SECONDS", 8)
    home, root, data = tmp_path / "home", tmp_path / "root", tmp_path / "data"
    for place in (home, data):
        place.mkdir()
    os.chown(data, USER, USER)
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(place.stat().st_mode | 0o055)  # never less: with --basetemp it may be /tmp itself
    ports = services.prepared(service, home)
    answered, size = "no", 0.0
    running = services.Running(docker, service, ports, data, home)
    try:
        pack(service["run"], root)
        changes = configured(service, home, root)
        packed = subprocess.run(["tar", "-C", root, "-c", "."], capture_output=True, check=True).stdout
        docker("import", *changes, "-", "packed:latest", stdin=packed)
        size = int(docker("image", "inspect", "--format", "{{.Size}}", "packed:latest").out) / 1e6
        running.start()
        getattr(services, f"ask_{service['ask']}")(running)
        answered = "yes"
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        why = " ".join(str(error).split())[-160:]
        answered = f"no ({why})"
    finally:
        running.end()
        docker("image", "rm", "-f", "packed:latest", check=False)
        shutil.rmtree(data, ignore_errors=True)
    sys.stdout.write(f"\n| {service['name']} | {peer} | {size:.1f} MB | {answered} |\n")  # pytest -s shows it
