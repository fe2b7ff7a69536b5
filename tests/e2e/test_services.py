"""What people put in containers: services of Debian with their own configuration, in docker as user 65532, asked for real.

`make campaign` runs it, one service after another; `services.toml` is the table, `docs/services.md` what came of it.
Where a line says `add`, the service does not run at the first try: then the report has to say what to add, and with that it runs.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_servers import connected, free_port
from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.engines import Docker

TABLE = tomllib.loads(Path(__file__).with_name("services.toml").read_text())["service"]
USER = 65532
SECONDS = 40


class Running:
    """One service in a container on the loopback."""

    def __init__(self, docker: Docker, service: dict[str, Any], ports: dict[str, str], data: Path, home: Path) -> None:
        self.docker, self.service, self.ports, self.data, self.home = docker, service, ports, data, home
        self.port = int(ports["port"])
        self.name = f"service-{self.port}"
        self.options = ["--network", "host", "--ulimit", "nofile=4096:4096"]
        if "data" in service:
            self.options += ["-v", f"{data}:{service['data']}"]
        self.options += [
            word for path in service.get("tmpfs", ()) for word in ("--tmpfs", f"{path}:uid={USER},mode=0755")
        ]

    def start(self) -> None:
        """What comes before the service, then the service itself."""
        for words in self.service.get("before", ()):
            given = b"".join(Path(path).read_bytes() for path in self.service.get("before_stdin", ()))
            self.docker(
                *("run", "--rm", "-i", *self.options, "--entrypoint", words[0], "packed:latest", *words[1:]),
                stdin=(b"create database mysql;\nuse mysql;\n" + given) if given else None,
            )
        words = [filled(word, self.ports) for word in self.service.get("command", ())]
        self.docker("run", "-d", "--name", self.name, *self.options, "packed:latest", *words)

    def said(self) -> str:
        """What it printed so far."""
        logs = self.docker("logs", self.name, check=False)
        return (logs.out + logs.err)[-3000:]

    def connect(self) -> socket.socket:
        """A connection, as soon as it listens."""
        try:
            return connected(self.port, SECONDS)
        except AssertionError:
            raise AssertionError(f"{self.service['name']} does not listen: {self.said()}") from None

    def restart(self) -> None:
        """End it, and start it again on the same volume."""
        self.docker("restart", "-t", "5", self.name)

    def end(self) -> None:
        """Take the container away."""
        self.docker("rm", "-f", self.name, check=False)


def filled(text: str, ports: dict[str, str]) -> str:
    for name, port in ports.items():
        text = text.replace(f"{{{name}}}", port)
    return text


def run(*words: str, given: bytes = b"") -> str:
    done = subprocess.run(words, input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout.decode()


def exchange(running: Running, *lines: bytes) -> bytes:
    """What a line protocol answers to these lines."""
    with running.connect() as stream:
        answers = b""
        for line in lines:
            stream.sendall(line + b"\r\n")
            time.sleep(0.2)
            answers += stream.recv(4096)
        return answers


def patiently(ask: Callable[[], Any]) -> Any:
    """The answer of a service that may listen before it is ready."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return ask()
        except (OSError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def ask_page(running: Running, scheme: str = "http") -> None:
    running.connect().close()
    context = ssl._create_unverified_context() if scheme == "https" else None
    address = f"{scheme}://127.0.0.1:{running.port}{running.service.get('path', '/')}"

    def page() -> str:
        with urllib.request.urlopen(address, timeout=30, context=context) as answer:
            return str(answer.read().decode())

    try:
        found = patiently(page)
    except OSError as error:
        raise AssertionError(f"{error}: {running.said()}") from error
    assert running.service["expect"] in found, (found, running.said())


def ask_tls_page(running: Running) -> None:
    ask_page(running, "https")


def ask_redis(running: Running) -> None:
    assert exchange(running, b"SET answer 42") == b"+OK\r\n"
    running.restart()
    assert exchange(running, b"GET answer") == b"$2\r\n42\r\n", running.said()


def ask_memcached(running: Running) -> None:
    assert exchange(running, b"set answer 0 0 2\r\n42", b"get answer").startswith(b"STORED\r\nVALUE answer 0 2\r\n42")


def ask_mqtt(running: Running) -> None:
    running.connect().close()
    host = ("-h", "127.0.0.1", "-p", str(running.port), "-t", "topic")
    with subprocess.Popen(["mosquitto_sub", *host, "-C", "1", "-W", "20"], stdout=subprocess.PIPE) as listener:
        time.sleep(1)
        run("mosquitto_pub", *host, "-m", "packed")
        assert listener.communicate(timeout=30)[0] == b"packed\n", running.said()


def ask_dns(running: Running) -> None:
    running.connect().close()
    query = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\4host\6packed\0" + struct.pack(">2H", 1, 1)

    def answer() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
            stream.settimeout(5)
            stream.sendto(query, ("127.0.0.1", running.port))
            assert bytes((10, 1, 2, 3)) in stream.recv(512), running.said()

    try:
        patiently(answer)
    except OSError as error:
        raise AssertionError(f"{error}: {running.said()}") from error


def ask_key_exchange(running: Running) -> None:
    running.connect().close()
    mine = (running.home / "host_key.pub").read_text().split()[1]
    assert mine in run("ssh-keyscan", "-p", str(running.port), "-t", "ed25519", "127.0.0.1"), running.said()


def ask_postgresql(running: Running) -> None:
    running.connect().close()
    sql = "create table if not exists t (n int); insert into t values (41); select count(*) + 41 from t"
    words = ("psql", "-h", "127.0.0.1", "-p", str(running.port), "-U", "postgres", "-tAc")
    assert run(*words, sql).splitlines()[-1] == "42", running.said()
    running.restart()
    running.connect().close()
    time.sleep(2)
    assert run(*words, "select n from t").strip() == "41", running.said()


def ask_mariadb(running: Running) -> None:
    running.connect().close()
    words = ("mariadb", "-h", "127.0.0.1", "-P", str(running.port), "-u", "root", "--skip-ssl", "-Ne")
    assert run(*words, "select 41 + 1").strip() == "42", running.said()


def ask_etcd(running: Running) -> None:
    running.connect().close()
    words = ("env", "ETCDCTL_API=3", "etcdctl", f"--endpoints=http://127.0.0.1:{running.port}")
    patiently(lambda: run(*words, "put", "answer", "42"))
    assert run(*words, "get", "answer").split() == ["answer", "42"], running.said()


def ask_amqp(running: Running) -> None:
    with running.connect() as stream:
        stream.sendall(b"AMQP\0\0\x09\x01")
        stream.settimeout(20)
        assert b"RabbitMQ" in stream.recv(4096), running.said()  # Connection.Start, with the server's properties


def ask_fastcgi_session(running: Running) -> None:
    first = fastcgi(running, "")
    assert "count 1" in first, (first, running.said())
    cookie = first.partition("Set-Cookie: ")[2].partition(";")[0]
    assert "count 2" in fastcgi(running, cookie), running.said()


def fastcgi(running: Running, cookie: str) -> str:
    """One request by the FastCGI protocol."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content

    values = {"SCRIPT_FILENAME": "/srv/www/count.php", "REQUEST_METHOD": "GET", "HTTP_COOKIE": cookie}
    pairs = b"".join(bytes((len(k), len(v))) + k.encode() + v.encode() for k, v in values.items())
    begin = record(1, struct.pack(">HB5x", 1, 0))
    with running.connect() as stream:
        stream.settimeout(20)
        stream.sendall(begin + record(4, pairs) + record(4, b"") + record(5, b""))
        answer = b""
        while part := stream.recv(4096):
            answer += part
        return answer.decode(errors="replace")


def ask_banner(running: Running) -> None:
    """What it says of itself, or to the words of ``send``."""

    def said() -> None:
        with running.connect() as stream:
            stream.settimeout(10)
            stream.sendall(running.service.get("send", "").encode())
            answer = b""
            while running.service["expect"].encode() not in answer:
                part = stream.recv(4096)
                assert part, (answer, running.said())
                answer += part

    patiently(said)


def ask_handshake(running: Running) -> None:
    with running.connect() as stream, ssl._create_unverified_context().wrap_socket(stream) as wrapped:
        assert wrapped.version() == "TLSv1.3", running.said()


def ask_ldap(running: Running) -> None:
    running.connect().close()
    words = ("-x", "-H", f"ldap://127.0.0.1:{running.port}", "-D", "cn=admin,dc=packed", "-w", "packed")
    entry = b"dn: dc=packed\nobjectClass: dcObject\nobjectClass: organization\no: packed\ndc: packed\n"
    run("ldapadd", *words, given=entry)
    running.restart()
    running.connect().close()
    assert "o: packed" in run("ldapsearch", *words, "-b", "dc=packed"), running.said()


def ask_snmp(running: Running) -> None:
    running.connect().close()
    address = f"tcp:127.0.0.1:{running.port}"
    assert "packed" in run("snmpget", "-v2c", "-c", "public", address, "1.3.6.1.2.1.1.6.0"), running.said()


def ask_pgbouncer(running: Running) -> None:
    running.connect().close()
    words = ("psql", "-h", "127.0.0.1", "-p", str(running.port), "-U", "admin", "-tAc", "show version", "pgbouncer")
    assert "PgBouncer" in run(*words), running.said()


def ask_syslog(running: Running) -> None:
    with running.connect() as stream:
        stream.sendall(b"<13>Jan  1 00:00:00 host tag: packed\n")

    def written() -> None:
        assert "packed" in (running.data / "messages").read_text(), running.said()

    patiently(written)


def ask_stun(running: Running) -> None:
    running.connect().close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(10)
        stream.sendto(struct.pack(">HHI12s", 1, 0, 0x2112A442, b"packedpacked"), ("127.0.0.1", running.port))
        assert stream.recv(512)[:2] == b"\1\1", running.said()  # Binding Success


def ask_ntp(running: Running) -> None:
    def answered() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
            stream.settimeout(2)
            stream.sendto(b"\x23" + bytes(47), ("127.0.0.1", running.port))
            assert stream.recv(512)[0] & 7 == 4, running.said()  # mode: server

    patiently(answered)


def prepared(service: dict[str, Any], home: Path) -> dict[str, str]:
    """The files of a service written, and the ports that stand in them."""
    ports = {"port": str(free_port()), "other": str(free_port())}
    for name, text in service.get("files", {}).items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text, ports))
    if service["ask"] == "key_exchange":
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / "host_key"))
        (home / "host_key").chmod(0o644)  # for user 65532, who is not its owner
    if service["ask"] in {"tls_page", "handshake"}:
        pair = ("-keyout", f"{home}/key.pem", "-out", f"{home}/crt.pem")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", *pair)
        (home / "tls.pem").write_text((home / "key.pem").read_text() + (home / "crt.pem").read_text())
    if main := service.get("jar"):
        run("javac", "-d", f"{home}/classes", f"{home}/{main}.java")
        run("jar", "cfe", f"{home}/serve.jar", main, "-C", f"{home}/classes", ".")
    return ports


def _param(service: dict[str, Any]) -> Any:
    """One line of the table; one that cannot run yet has to fail, so that the day it runs is seen."""
    marks = [pytest.mark.xfail(reason=service["fails"], strict=True)] if "fails" in service else []
    return pytest.param(service, id=service["name"], marks=marks)


@pytest.mark.campaign
@pytest.mark.parametrize("service", [_param(service) for service in TABLE])
def test_a_service_answers_from_an_image_of_its_configuration_alone(
    service: dict[str, Any], docker: Docker, tmp_path: Path
) -> None:
    for program in service["run"]:
        if not Path(program).exists():
            tools.missing(f"{program} of {', '.join(service['packages'])} is not installed")
    ports = prepared(service, tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, USER, USER)
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(place.stat().st_mode | 0o055)  # never less: with --basetemp it may be /tmp itself
    words = (
        "pack",
        *service["run"],
        *service.get("pack", ()),
        "-t",
        "packed:latest",
        "-o",
        "type=docker,dest=service.tar",
    )
    packed = scratchpack(*words, cwd=tmp_path)
    added = service.get("add", ())
    assert all(option in packed.err for option in service.get("tells", added)), f"it does not say {added}: {packed.err}"
    packed = scratchpack(*words, *added, cwd=tmp_path) if added else packed
    assert packed.status == 0, packed.err
    docker("load", "-i", tmp_path / "service.tar")
    size = int(docker("image", "inspect", "--format", "{{.Size}}", "packed:latest").out)
    warned = [line for line in packed.err.splitlines() if line.startswith("warning:")]
    sys.stdout.write(f"\n| {service['name']} | {size / 1e6:.1f} MB | {'<br>'.join(warned)} |\n")  # pytest -s shows it
    running = Running(docker, service, ports, data, tmp_path)
    ask: Callable[[Running], None] = globals()[f"ask_{service['ask']}"]
    try:
        running.start()
        ask(running)
    finally:
        running.end()
        docker("image", "rm", "-f", "packed:latest", check=False)
        shutil.rmtree(data)
