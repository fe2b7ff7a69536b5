"""N49: what stands beside the program is evidence: its configuration, its argument list, its variables. nginx of Debian is the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.pipeline.plan import plan
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.pipeline.model import Plan

CONFIGURATION = """daemon off;
user www-data;
load_module modules/ngx_http_echo_module.so;
pid /run/nginx.pid;
events {}
http {
  include mime.types;
  access_log /var/log/nginx/access.log;
  client_body_temp_path /tmp/body;  # /etc/hostname2
  proxy_pass http://127.0.0.1/etc/no;
  ssl_certificate /etc/tls-of-nobody/x.pem;
  root /srv/www;
}
"""


def planned(tmp_path: Path, text: str, **options: object) -> Plan:
    nginx = tools.need("nginx", package="nginx-light")
    (tmp_path / "nginx.conf").write_text(text)
    given = (f"{tmp_path / 'nginx.conf'}:/etc/nginx/nginx.conf",)
    (made,) = plan([nginx], Options(include=(*given, *options.pop("include", ())), **options))  # type: ignore[arg-type,misc]
    return made


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("nginx"), CONFIGURATION)


def reason(made: Plan, path: str) -> str:
    """Why an entry is there; "" where it is not."""
    entry = made.rootfs.get(path)
    return "" if entry is None else "; ".join(f"{item.by} {item.detail}" for item in entry.because)


def test_packaged_files_that_the_configuration_names_come_with_file_and_line_as_their_reason(nginx: Plan) -> None:
    assert "/etc/nginx/nginx.conf:7: names mime.types" in reason(nginx, "/etc/nginx/mime.types")


def test_the_place_of_temporary_files_that_it_names_is_made(nginx: Plan) -> None:
    assert "/etc/nginx/nginx.conf:9: names /tmp/body" in reason(nginx, "/tmp")


def test_the_account_that_it_names_is_known_in_the_image(nginx: Plan) -> None:
    entry = nginx.rootfs.get("/etc/passwd")
    assert entry is not None
    assert b"\nwww-data:x:33:" in entry.source.open().read()  # type: ignore[union-attr]


def test_what_is_not_in_the_image_is_named_with_the_option_that_adds_it(nginx: Plan) -> None:
    (missing,) = [text for text in nginx.warnings if "/etc/tls-of-nobody" in text]

    assert missing.startswith("/etc/nginx/nginx.conf:11 names /etc/tls-of-nobody/x.pem, which is not in the image")
    assert "--include FILE:/etc/tls-of-nobody/x.pem" in missing


def test_what_it_will_write_is_listed_with_the_volumes_for_it(nginx: Plan) -> None:
    (written,) = [text for text in nginx.warnings if "will write" in text]

    assert "/run/nginx.pid (/etc/nginx/nginx.conf:4)" in written
    assert "--volume /var/log/nginx" in written


def test_comments_urls_and_what_the_engine_gives_are_no_evidence(nginx: Plan) -> None:
    assert not [text for text in nginx.warnings if "/etc/hostname2" in text or "/etc/no" in text]


def test_a_module_that_it_names_by_a_relative_name_comes_from_where_the_program_looks(tmp_path: Path) -> None:
    made = planned(tmp_path, CONFIGURATION, need=("own-data=never",))

    assert reason(made, "/usr/lib/nginx/modules/ngx_http_echo_module.so")


def test_the_lists_of_accounts_are_written_and_not_taken_from_the_root(tmp_path: Path) -> None:
    made = planned(tmp_path, "http { userid_file /etc/passwd; }\n", user="4242")
    entry = made.rootfs.get("/etc/passwd")

    assert entry is not None
    assert b":4242:" in entry.source.open().read()  # type: ignore[union-attr]
    assert not [text for text in made.warnings if "/etc/passwd" in text]


def test_what_is_not_read_of_a_large_tree_is_counted(tmp_path: Path) -> None:
    """S4: 70 texts of 64 KiB are more than one run reads."""
    (tmp_path / "many").mkdir()
    for number in range(70):
        (tmp_path / f"many/{number}.conf").write_bytes(b"# no name\n" * 6553)
    made = planned(tmp_path, "events {}\n", include=(f"{tmp_path / 'many'}:/etc/many",))

    assert [text for text in made.warnings if "included texts were not read" in text]


def test_what_options_bring_or_a_volume_holds_is_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/index.html").write_text('<a href="/usr/share/nothing">')
    made = planned(
        tmp_path,
        CONFIGURATION,
        include=(f"{tmp_path / 'www'}:/srv/www",),
        volume=("/etc/tls-of-nobody", "/run", "/var/log/nginx"),
    )

    assert not [text for text in made.warnings if "names /" in text or "will write" in text]


def test_the_argument_list_and_variables_name_files_too(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        "events {}\n",
        need=("own-data=never",),
        cmd="-c /etc/nginx/koi-utf",
        env=("X=/etc/nginx/win-utf",),
    )

    assert "--cmd: names /etc/nginx/koi-utf" in reason(made, "/etc/nginx/koi-utf")
    assert "-e X: names /etc/nginx/win-utf" in reason(made, "/etc/nginx/win-utf")


def test_a_secret_of_the_root_is_not_taken_but_named(tmp_path: Path) -> None:
    """S23: a text that is included names what is looked for, and the gate says what may be taken."""
    made = planned(tmp_path, "http { auth_basic_user_file /etc/shadow; }\n")

    assert made.rootfs.get("/etc/shadow") is None
    assert any("nginx.conf:1 names /etc/shadow, which is not in the image" in text for text in made.warnings)
