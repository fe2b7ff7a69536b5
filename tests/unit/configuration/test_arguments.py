"""N49: the argument list and the variables of an image name files and accounts too."""

from __future__ import annotations

import pytest

from scratchpack.configuration.arguments import read_arguments, read_variables


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-c", "/etc/x.conf"), ["path /etc/x.conf"]),
        (("--config=/etc/x.conf",), ["path /etc/x.conf"]),
        (("--config", "/etc/x.conf:ro"), ["path /etc/x.conf"]),
        (("-I/usr/share/x",), ["path /usr/share/x"]),
        (("--path", "/usr/a:/usr/b"), ["path /usr/a", "path /usr/b"]),
        (("-u", "memcache"), ["user memcache"]),
        (("--user=redis", "--group", "web"), ["user redis", "group web"]),
        (("-g", "daemon off; user www-data;"), ["user www-data"]),
        (("--storage.path=/data",), ["path /data"]),
        (("http://host/usr/share/x", "/metrics", "--telemetry-path=/metrics", "-v"), []),
        (("file:///usr/share/x",), ["path /usr/share/x"]),
    ],
)
def test_words_name_what_they_are(words: tuple[str, ...], expected: list[str]) -> None:
    assert [f"{named.kind} {named.value}" for named in read_arguments(words)] == expected


def test_variables_name_files_and_search_paths_are_the_shells_own() -> None:
    env = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib", "CONF": "/etc/x.conf", "DB": "postgres://h/usr/no"}

    assert [(named.value, named.where) for named in read_variables(env)] == [("/etc/x.conf", "-e CONF")]


def test_the_accounts_of_apache_come_from_its_variables() -> None:
    found = read_variables({"APACHE_RUN_USER": "web", "APACHE_RUN_GROUP": "www"})

    assert [(named.kind, named.value) for named in found] == [("user", "web"), ("group", "www")]
