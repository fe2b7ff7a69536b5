"""N43 to N48: apps in scripting languages and programs that unpack themselves, packed without a hint, in docker as user 65532, compared with this machine.

`make campaign` runs it; the table is in `docs/scripts.md`. Where an app has ``add``, it does not run at the first try: then the report of the first try has to say
what to add, word for word, and with that it runs. None may be silent. pip and npm are asked for packages of fixed versions; gems and CPAN modules are Debian's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.e2e.test_servers import connected, free_port
from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.engines import Docker

pytestmark = pytest.mark.campaign

FROM_PYPI = (
    "flask==3.1.3",
    "gunicorn==27.0.1",
    "uvicorn==0.54.0",
    "fastapi==0.165.0",
    "httpie==3.2.4",
    "black==26.10.1",
)
BUILDERS = ("pyinstaller==6.22.3", "shiv==1.0.8", "pex==2.105.2", "pygments==2.21.0")
FROM_NPM = ("prettier@3.10.1", "http-server@14.1.1", "express@5.3.0", "postject@1.0.0-alpha.6")
SECONDS = 60


class App(NamedTuple):
    """One app: what is packed, how it is started here and there, and how it is asked.

    ``args`` are given to the program in both places; ``{port}`` in them is a free port, and then the app is a server that is asked for ``path``. ``host`` is the program
    here where that is not ``program`` itself. ``add`` are words of the report of the first try, which make it run.
    """

    program: str
    args: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    given: str = ""
    host: tuple[str, ...] = ()
    path: str = ""
    env: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()
    same: bool = True  # the output is the same byte for byte; else it only must hold ``expect``
    expect: str = ""


class Workshop:
    """Where the apps are made: one virtual environment, one node_modules, both filled once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._made: dict[str, Path] = {}

    def environment(self, *packages: str) -> Path:
        """A virtual environment with packages of PyPI."""
        name = "venv-" + packages[0].partition("=")[0]
        if name not in self._made:
            place = self._made[name] = self.home / name
            run(sys.executable, "-m", "venv", place)
            run(place / "bin/pip", "install", "-q", *packages)
        return self._made[name]

    def modules(self) -> Path:
        """A directory with node_modules."""
        if "npm" not in self._made:
            place = self._made["npm"] = self.home / "npm"
            place.mkdir()
            run(
                tools.need("npm", package="npm"), "install", "--silent", "--no-audit", "--no-fund", *FROM_NPM, cwd=place
            )
        return self._made["npm"]

    def place(self, name: str) -> Path:
        """A directory of an app's own."""
        made = self.home / name
        made.mkdir()
        return made


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


def run(*words: str | Path, cwd: Path | None = None, given: str = "", env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, input=given, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


FLASK = (
    "from flask import Flask\napp = Flask(__name__)\n\n\n@app.get('/')\ndef hello():\n    return 'flask says hello'\n"
)
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n\n\n@app.get('/')\ndef hello():\n    return {'fastapi': 'says hello'}\n"


def flask_with_gunicorn(shop: Workshop) -> App:
    place = shop.place("flask")
    written(place / "app.py", FLASK)
    served = ("--include", f"{place}/app.py:/srv/app.py", "--workdir", "/srv", "--need", "tmp=always")
    gunicorn = shop.environment(*FROM_PYPI) / "bin/gunicorn"
    return App(str(gunicorn), ("-b", "127.0.0.1:{port}", "app:app"), served, path="/")


def fastapi_with_uvicorn(shop: Workshop) -> App:
    place = shop.place("fastapi")
    written(place / "api.py", FASTAPI)
    served = ("--include", f"{place}/api.py:/srv/api.py", "--workdir", "/srv")
    uvicorn = shop.environment(*FROM_PYPI) / "bin/uvicorn"
    return App(str(uvicorn), ("--port", "{port}", "api:app"), served, path="/")


def httpie(shop: Workshop) -> App:
    program = str(shop.environment(*FROM_PYPI) / "bin/http")
    return App(
        program,
        ("--ignore-stdin", "--offline", "--print=HB", "POST", "example.org/post", "a=1", "b:=2"),
        env=(("HTTPIE_CONFIG_DIR", "/tmp"),),
    )


def black(shop: Workshop) -> App:
    return App(str(shop.environment(*FROM_PYPI) / "bin/black"), ("-q", "-"), given="x = {  'a':1 }\n")


def a_script_with_time_zones(shop: Workshop) -> App:
    text = "#!/usr/bin/env python3\nimport datetime, zoneinfo\nprint(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')))\n"
    return App(str(written(shop.place("zones") / "zones", text)))


def a_script_with_tls(shop: Workshop) -> App:
    text = "#!/usr/bin/env python3\nimport ssl\nprint(len(ssl.create_default_context().get_ca_certs()))\n"
    return App(str(written(shop.place("tls") / "authorities", text)))


def debians_pygmentize(shop: Workshop) -> App:
    return App("/usr/bin/pygmentize", ("-l", "python", "-f", "html"), given="print(1)\n")


def debians_gunicorn(shop: Workshop) -> App:
    tools.need("flask", package="python3-flask")
    place = shop.place("debian-flask")
    written(place / "app.py", FLASK)
    served = ("--include", f"{place}/app.py:/srv/app.py", "--workdir", "/srv", "--need", "tmp=always")
    return App("/usr/bin/gunicorn", ("-b", "127.0.0.1:{port}", "app:app"), served, path="/")


def debians_httpie(shop: Workshop) -> App:
    return App(
        "/usr/bin/http",
        ("--ignore-stdin", "--offline", "--print=HB", "example.org/get", "q==1"),
        env=(("HTTPIE_CONFIG_DIR", "/tmp"),),
    )


def prettier(shop: Workshop) -> App:
    return App(
        str(shop.modules() / "node_modules/.bin/prettier"), ("--stdin-filepath", "x.js"), given="let  a = {b:1}\n"
    )


def http_server(shop: Workshop) -> App:
    place = shop.place("pages")
    (place / "index.html").write_text("<p>served by node\n")
    served = ("--include", f"{place}/index.html:/srv/index.html")
    program = str(shop.modules() / "node_modules/.bin/http-server")
    return App(
        program, ("-p", "{port}", "-a", "127.0.0.1", "/srv"), served, path="/", same=False, expect="served by node"
    )


def express(shop: Workshop) -> App:
    text = "#!/usr/bin/env node\nconst app = require('express')();\napp.get('/', (q, r) => r.send('express says hello'));\napp.listen(process.argv[2], '127.0.0.1');\n"
    return App(str(written(shop.modules() / "server.js", text)), ("{port}",), path="/")


def exiftool(shop: Workshop) -> App:
    return App(
        tools.need("exiftool", package="libimage-exiftool-perl"),
        ("-s", "-FileType", "-MIMEType", "-"),
        given="%PDF-1.4\n%%EOF\n",
    )


def ack(shop: Workshop) -> App:
    return App(tools.need("ack", package="ack"), ("--noenv", "--nocolor", "b"), given="abc\nxyz\n")


def starman(shop: Workshop) -> App:
    place = shop.place("psgi")
    written(place / "app.psgi", "sub { [200, ['Content-Type' => 'text/plain'], ['starman says hello']] };\n")
    served = ("--include", f"{place}/app.psgi:/srv/app.psgi", "--need", "tmp=always")
    program = tools.need("starman", package="starman")
    return App(program, ("--workers", "1", "--listen", "127.0.0.1:{port}", f"{place}/app.psgi"), served, path="/")


def a_local_library_of_perl(shop: Workshop) -> App:
    place = shop.place("local")
    written(
        place / "lib/perl5/Own/Words.pm",
        "package Own::Words;\nuse JSON::PP;\nsub say_it { encode_json([shift]) }\n1;\n",
    )
    text = '#!/usr/bin/perl\nuse strict;\nuse FindBin;\nuse lib "$FindBin::Bin/../lib/perl5";\nuse Own::Words;\nprint Own::Words::say_it(\'hello\'), "\\n";\n'
    return App(str(written(place / "bin/hello", text)))


def puma(shop: Workshop) -> App:
    place = shop.place("rack")
    written(place / "config.ru", "run ->(env) { [200, {'content-type' => 'text/plain'}, ['puma says hello']] }\n")
    served = ("--include", f"{place}/config.ru:/srv/config.ru")
    program = tools.need("puma", package="puma")
    return App(
        program,
        ("-b", "tcp://127.0.0.1:{port}", f"{place}/config.ru"),
        served,
        path="/",
    )


def sinatra(shop: Workshop) -> App:
    text = "#!/usr/bin/env ruby\nrequire 'sinatra'\nset :port, ARGV[0].to_i\nset :bind, '127.0.0.1'\nget('/') { 'sinatra says hello' }\n"
    return App(
        str(written(shop.place("sinatra") / "app.rb", text)), ("{port}",), path="/", add=("--need", "modules=always")
    )


def a_shell_tool_with_curl_and_jq(shop: Workshop) -> App:
    place = shop.place("curl")
    text = '#!/bin/bash\nset -euo pipefail\nprintf \'{"a": [1, 2]}\' > "/tmp/$$.json"\ncurl -fsS "file:///tmp/$$.json" | jq -c .a\n'
    return App(str(written(place / "tool", text)), options=("--need", "tmp=always"), add=("--need", "commands=always"))


def pipes_and_functions(shop: Workshop) -> App:
    text = (
        "#!/bin/bash\nset -eu\ncount() { sort | uniq -c | sed 's/^ *//'; }\nfold() { tr a-z A-Z; }\ncat <<EOF | count | fold\nb\na\nb\nEOF\n"
        "while read -r word; do echo \"<$word>\"; done <<<'last line'\n"
    )
    return App(str(written(shop.place("pipes") / "tool", text)), add=("--need", "commands=always"))


def a_script_that_sources_its_neighbour(shop: Workshop) -> App:
    place = shop.place("neighbour")
    written(place / "lib/words.sh", 'greet() { echo "hello $1"; }\n')
    return App(
        str(written(place / "bin/greet", '#!/bin/bash\nsource "${BASH_SOURCE[0]%/*}/../lib/words.sh"\ngreet "$1"\n')),
        ("world",),
    )


def an_awk_script(shop: Workshop) -> App:
    tools.need("awk", package="mawk")
    return App(
        str(written(shop.place("awk") / "sum", "#!/usr/bin/awk -f\n{ s += $1 }\nEND { print s }\n")), given="1\n2\n39\n"
    )


def split_by_env(shop: Workshop) -> App:
    text = "#!/usr/bin/env -S python3 -I -X utf8\nimport sys\nprint(sys.flags.isolated, sys.flags.utf8_mode)\n"
    return App(str(written(shop.place("split") / "tool", text)))


SOURCE = "import json, sqlite3, sys, zlib\nprint(json.dumps([sqlite3.sqlite_version_info > (3,), zlib.crc32(b'x'), sys.argv[1:]]))\n"


def pyinstaller(shop: Workshop, how: str) -> Path:
    place = shop.place(f"pyinstaller-{how}")
    written(place / "app.py", SOURCE)
    tool = shop.environment(*BUILDERS) / "bin/pyinstaller"
    run(
        tool,
        f"--{how}",
        "--log-level",
        "ERROR",
        "--specpath",
        place,
        "--distpath",
        place / "dist",
        "--workpath",
        place / "work",
        place / "app.py",
        cwd=place,
    )
    return place / "dist"


def pyinstallers_one_folder(shop: Workshop) -> App:
    return App(str(pyinstaller(shop, "onedir") / "app/app"), ("a",))


def pyinstallers_one_file(shop: Workshop) -> App:
    return App(str(pyinstaller(shop, "onefile") / "app"), ("a",))


def shiv(shop: Workshop) -> App:
    place = shop.place("shiv")
    tool = shop.environment(*BUILDERS) / "bin/shiv"
    run(
        tool, "-q", "-c", "pygmentize", "-o", place / "pygmentize.pyz", "-p", "/usr/bin/env python3", "pygments==2.21.0"
    )
    return App(
        str(place / "pygmentize.pyz"),
        ("-l", "python", "-f", "html"),
        given="print(1)\n",
        host=(sys.executable, str(place / "pygmentize.pyz")),
    )


def pex(shop: Workshop) -> App:
    place = shop.place("pex")
    tool = shop.environment(*BUILDERS) / "bin/pex"
    run(
        tool,
        "pygments==2.21.0",
        "-c",
        "pygmentize",
        "-o",
        place / "pygmentize.pex",
        "--python-shebang",
        "/usr/bin/env python3",
    )
    return App(str(place / "pygmentize.pex"), ("-l", "python", "-f", "html"), given="print(1)\n")


def a_zipapp(shop: Workshop) -> App:
    place = shop.place("zipapp")
    written(place / "app/__main__.py", SOURCE + "import own\nprint(own.WORD)\n")
    written(place / "app/own.py", "import zoneinfo\nWORD = str(zoneinfo.ZoneInfo('Asia/Tokyo'))\n")
    run(sys.executable, "-m", "zipapp", place / "app", "-o", place / "app.pyz", "-p", "/usr/bin/env python3")
    return App(str(place / "app.pyz"), ("a",))


def pp(shop: Workshop) -> App:
    place = shop.place("par")
    written(
        place / "app.pl",
        "use strict; use JSON::PP; use Digest::MD5 'md5_hex';\nprint encode_json([md5_hex('a'), @ARGV]), \"\\n\";\n",
    )
    run(tools.need("pp", package="libpar-packer-perl"), "-o", place / "app", place / "app.pl", cwd=place)
    return App(str(place / "app"), ("a",))


def a_single_executable_of_node(shop: Workshop) -> App:
    modules = shop.modules()
    place = shop.place("sea")
    node = os.path.realpath(tools.need("node", package="nodejs"))
    written(place / "app.js", "console.log(JSON.stringify([1, process.argv.slice(2)]));\n")
    (place / "sea.json").write_text(
        json.dumps({"main": "app.js", "output": "sea.blob", "disableExperimentalSEAWarning": True})
    )
    run(node, "--experimental-sea-config", "sea.json", cwd=place)
    shutil.copy(node, place / "app")
    fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"
    run(
        modules / "node_modules/.bin/postject",
        place / "app",
        "NODE_SEA_BLOB",
        place / "sea.blob",
        "--sentinel-fuse",
        fuse,
    )
    return App(str(place / "app"), ("a",))


def makeself(shop: Workshop) -> App:
    place = shop.place("makeself")
    written(place / "tree/run.sh", '#!/bin/sh\necho "hello $1"\n')
    run(
        tools.need("makeself", package="makeself"),
        "--nox11",
        "--quiet",
        place / "tree",
        place / "app.run",
        "an archive",
        "./run.sh",
        cwd=place,
    )
    return App(str(place / "app.run"), ("--quiet", "--nodiskspace", "--", "world"), add=("--need", "commands=always"))


APPS = (
    flask_with_gunicorn, fastapi_with_uvicorn, httpie, black, a_script_with_time_zones, a_script_with_tls, debians_pygmentize, debians_gunicorn,
    debians_httpie, prettier, http_server, express, exiftool, ack, starman, a_local_library_of_perl, puma, sinatra,
    a_shell_tool_with_curl_and_jq, pipes_and_functions, a_script_that_sources_its_neighbour, an_awk_script, split_by_env,
    pyinstallers_one_folder, pyinstallers_one_file, shiv, pex, a_zipapp, pp, a_single_executable_of_node, makeself,
)  # fmt: skip


def packed(docker: Docker, app: App, home: Path, *more: str) -> tuple[str, str]:
    """The image of an app in the engine, and what was printed about it."""
    archive = home / "image.tar"
    done = scratchpack(
        app.program,
        "-t",
        "packed:latest",
        "-o",
        f"type=docker,dest={archive}",
        *app.options,
        *more,
        cwd=home,
        timeout=300,
    )
    assert done.status == 0, done.err
    docker.load(archive)
    archive.unlink()
    return "packed:latest", done.err


def here(app: App, home: Path) -> str:
    """What the app prints, or serves, on this machine."""
    command = [*(app.host or (app.program,)), *app.args]
    if not app.path:
        return run(*command, given=app.given, cwd=home)
    port = str(free_port())
    words = [word.replace("{port}", port).replace("/srv", str(_served(app))) for word in command]
    with subprocess.Popen(
        words, cwd=_served(app), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            return page(int(port), app.path)
        finally:
            os.killpg(server.pid, 15)


def _served(app: App) -> Path:
    """The directory whose file the image has below /srv."""
    included = next((word for word in app.options if ":/srv/" in word), app.program)
    return Path(included.partition(":")[0]).parent


def there(docker: Docker, app: App, reference: str) -> str:
    """What it prints, or serves, in a container; what it says where it fails."""
    env = [word for name, value in app.env for word in ("-e", f"{name}={value}")]
    if not app.path:
        done = docker(
            *("run", "--rm", "-i", "--network", "none", *env, reference, *app.args),
            stdin=app.given.encode(),
            check=False,
        )
        return done.out if done.status == 0 else f"exit {done.status}: {done.out}{done.err}"
    port = str(free_port())
    args = [word.replace("{port}", port).replace(str(_served(app)), "/srv") for word in app.args]
    limits = ("--ulimit", "nofile=4096:4096")
    name = docker("run", "-d", "--network", "host", *limits, *env, reference, *args).out.strip()
    try:
        return page(int(port), app.path)
    except (OSError, AssertionError) as error:
        logs = docker("logs", name, check=False)
        return f"{error}: {logs.out}{logs.err}"
    finally:
        docker("rm", "-f", name, check=False)


def page(port: int, path: str) -> str:
    """What a server answers, as soon as it listens."""
    end = time.monotonic() + SECONDS
    connected(port, 20).close()
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def right(app: App, found: str, wanted: str) -> bool:
    plain = found.replace("\r\n", "\n")  # as subprocess reads what it prints here
    return plain == wanted if app.same else app.expect in found


@pytest.mark.parametrize("make", APPS, ids=lambda make: make.__name__)
def test_an_app_runs_in_an_engine_as_it_runs_here_or_the_report_says_what_to_add(
    make: Callable[[Workshop], App], workshop: Workshop, docker: Docker, tmp_path: Path
) -> None:
    app = make(workshop)
    wanted = here(app, tmp_path)
    reference, report = packed(docker, app, tmp_path)
    found = there(docker, app, reference)
    if app.add:
        assert not right(app, found, wanted), "it runs at the first try: nothing is to be added"
        assert " ".join(app.add) in report, f"silent: {found}\n{report}"
        reference, report = packed(docker, app, tmp_path, *app.add)
        found = there(docker, app, reference)
    assert right(app, found, wanted), f"{found}\n--- wanted\n{wanted}\n--- report\n{report}"


@pytest.fixture(autouse=True)
def _images_go_away(docker: Docker) -> Iterator[None]:
    yield
    docker("image", "prune", "-a", "-f", check=False)
