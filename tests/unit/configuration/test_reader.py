"""N49: what a configuration names, in each family of formats: comments and quotes are understood, and nothing is guessed."""

from __future__ import annotations

import pytest

from scratchpack.configuration.formats import LIMIT
from scratchpack.configuration.reader import read


def names(file: str, text: str) -> list[str]:
    """Each name as "kind value:line"."""
    return [f"{named.kind} {named.value}:{named.line}" for named in read(text.encode(), file)]


# (name of the file, text, what it names); every text also holds /etc/no or a URL's path, which nothing may find
FORMATS = {
    "nginx": (
        "/etc/nginx/nginx.conf",
        (
            "user www-data adm; # /etc/no\nload_module modules/ngx_x.so;\nhttp { include mime.types; include /etc/nginx/conf.d/*.conf;\n"
            " server { root /srv/www; location /usr/api { proxy_pass http://127.0.0.1/usr/no; fastcgi_pass unix:/run/php.sock; }\n"
            '  ssl_certificate "/etc/tls/a.pem"; access_log /var/log/$host.log; error_page 404 /404.html; } }\n'
        ),
        [
            *("user www-data:1", "group adm:1", "relative modules/ngx_x.so:2", "relative mime.types:3"),
            *("path /etc/nginx/conf.d/*.conf:3", "path /srv/www:4", "path /run/php.sock:4", "path /etc/tls/a.pem:5"),
        ],
    ),
    "JSON": (
        "/etc/a.json",
        (
            '{"storage": {"path": "\\/data\\/x", "list": ["/usr/share/a",\n "/usr/share/b"]}, // "/etc/no"\n'
            ' "metrics_path": "/metrics", "user": "bob", "url": "http://h/usr/no"}'
        ),
        ["path /data/x:1", "path /usr/share/a:1", "path /usr/share/b:2", "user bob:3"],
    ),
    "YAML": (
        "/etc/a.yaml",
        (
            "global:\n  every: 15s   # /etc/no\nrule_files:\n  - /etc/rules/*.yml\n  - 'first.yml'\nweb: {root: /srv/www}\n"
            "tls: {cert_file: '/certs/a.pem'}\nmetrics_path: /metrics\n"
        ),
        ["path /etc/rules/*.yml:4", "path /srv/www:6", "path /certs/a.pem:7"],
    ),
    "TOML": (
        "/etc/a.toml",
        '[web]\nstatic = "/usr/share/a" # /etc/no\nmany = [\n  "/opt/b",\n]\nurl = "https://h/usr/no"\n',
        ["path /usr/share/a:2", "path /opt/b:4"],
    ),
    "ini of PHP": (
        "/etc/php/pool.conf",
        (
            "[global]\npid = /run/php.pid ; /etc/no\n;error_log = /etc/no\n[www]\nuser = www-data\nlisten.group = web\n"
            "php_admin_value[error_log] = /var/log/fpm.log\nextension=opcache.so\n"
        ),
        ["path /run/php.pid:2", "user www-data:5", "group web:6", "path /var/log/fpm.log:7", "relative opcache.so:8"],
    ),
    "named.conf": (
        "/etc/bind/named.conf",
        (
            'options { directory "/var/cache/bind"; // /etc/no\n /* file "/etc/no"; */ # /etc/no\n listen-on { any; };\n};\n'
            'zone "x" { file "/etc/bind/db.x"; };\ninclude "/etc/bind/local.conf";\n'
        ),
        ["path /var/cache/bind:1", "path /etc/bind/db.x:5", "path /etc/bind/local.conf:6"],
    ),
    "haproxy": (
        "/etc/haproxy.cfg",
        (
            "global\n    user haproxy\n    group haproxy\n    stats socket /run/admin.sock mode 660\n    # chroot /etc/no\nfrontend f\n"
            "    bind :80 ssl crt /etc/certs/x.pem\n    acl a path_beg /static\n    errorfile 400 /etc/errors/400.http\n"
        ),
        [
            *("user haproxy:2", "group haproxy:3", "path /run/admin.sock:4", "path /etc/certs/x.pem:7"),
            "path /etc/errors/400.http:9",
        ],
    ),
    "Apache": (
        "/etc/apache2.conf",
        (
            'User www-data\nGroup www-data\nAlias /icons/ "/usr/share/icons/"\n<Location /usr/no>\nLoadModule ssl modules/mod_ssl.so\n'
            'ErrorLog "|/usr/bin/rotatelogs /var/log/x 86400"\nProxyPass /app http://x/usr/no\n# Include /etc/no\nInclude mods/*.load\n'
        ),
        [
            *("user www-data:1", "group www-data:2", "path /usr/share/icons:3", "relative modules/mod_ssl.so:5"),
            *("path /usr/bin/rotatelogs:6", "path /var/log/x:6", "relative mods/*.load:9"),
        ],
    ),
    "sshd": (
        "/etc/ssh/sshd_config",
        "Subsystem\tsftp\t/usr/lib/openssh/sftp-server\n#HostKey /etc/no\nHostKey /etc/ssh/key\nPidFile none\n",
        ["path /usr/lib/openssh/sftp-server:1", "path /etc/ssh/key:3"],
    ),
    "unbound": (
        "/etc/unbound.conf",
        'server:\n  username: "unbound"\n  root-hints: "/usr/share/dns/root.hints" # "/etc/no"\ninclude: "/etc/unbound.d/*.conf"\n',
        ["user unbound:2", "path /usr/share/dns/root.hints:3", "path /etc/unbound.d/*.conf:4"],
    ),
    "redis": (
        "/etc/redis.conf",
        'dir /data\n# aclfile /etc/no\nloadmodule /opt/m/redisearch.so\nsave ""\nunixsocket /run/redis.sock\n',
        ["path /data:1", "path /opt/m/redisearch.so:3", "path /run/redis.sock:5"],
    ),
    "dnsmasq": (
        "/etc/dnsmasq.conf",
        "user=dnsmasq\nconf-dir=/etc/dnsmasq.d,*.conf\naddn-hosts=/etc/more.hosts\n#dhcp-script=/etc/no\n",
        ["user dnsmasq:1", "path /etc/dnsmasq.d:2", "path /etc/more.hosts:3"],
    ),
    "PostgreSQL": (
        "/etc/postgresql.conf",
        "data_directory = '/var/lib/pg/main'\t\t# /etc/no\nunix_socket_directories = '/var/run/pg, /tmp'\nssl = on\n",
        ["path /var/lib/pg/main:1", "path /var/run/pg:2", "path /tmp:2"],
    ),
    "shell variables": (
        "/etc/default/x",
        "DAEMON_OPTS=\"--config=/etc/x.conf -v\"\n# A=/etc/no\nB='/usr/share/b'\nexport C=/opt/c\n",
        ["path /etc/x.conf:1", "path /usr/share/b:3", "path /opt/c:4"],
    ),
    "Lua": (
        "/etc/prosody.cfg.lua",
        '-- "/etc/no"\n--[[ x = "/etc/no"\n]]\nplugin_paths = { "/usr/lib/prosody/modules" }\n',
        ["path /usr/lib/prosody/modules:4"],
    ),
    "Erlang": (
        "/etc/rabbitmq/advanced.config",
        '%% "/etc/no"\n[{rabbit, [{ssl_options, [{cacertfile,"/etc/ssl/ca.pem"}]}]}].\n',
        ["path /etc/ssl/ca.pem:2"],
    ),
    "XML": (
        "/etc/server.xml",
        '<?xml version="1.0"?><!-- <a b="/etc/no"/>\n--><Host appBase="/srv/webapps" url="http://h/usr/no"/>\n<dir>\n /usr/share/fonts</dir>\n',
        ["path /srv/webapps:2", "path /usr/share/fonts:4"],
    ),
    "Ruby": (
        "/app/config/puma.rb",
        "# '/etc/no'\nbind 'tcp://127.0.0.1:92/usr/no'\nbind 'unix:///run/puma.sock'\ndirectory '/srv/app'\nx = a /usr/no/ 2\n",
        ["path /run/puma.sock:3", "path /srv/app:4"],
    ),
    "Python": (
        "/app/gunicorn.conf.py",
        '"""Prose."""\nbind = "unix:/run/app.sock"  # "/etc/no"\nkeyfile = r"/etc/tls/k.pem"\n',
        ["path /run/app.sock:2", "path /etc/tls/k.pem:3"],
    ),
    "Java properties": (
        "/etc/server.properties",
        "! /etc/no\nlog.dirs=/data/kafka\nssl.keystore.location=/etc/kafka/k.jks\nlisteners=PLAINTEXT://:9092/usr/no\n",
        ["path /data/kafka:2", "path /etc/kafka/k.jks:3"],
    ),
    "zone": (
        "/etc/bind/db.x",
        "$ORIGIN x.\n@ IN SOA ns a 1 2 3 4 5 ; /etc/no\n$INCLUDE /etc/bind/more.zone\n",
        ["path /etc/bind/more.zone:3"],
    ),
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_files_and_accounts_of_each_format_are_found_with_their_lines(form: str) -> None:
    file, text, expected = FORMATS[form]

    assert sorted(names(file, text)) == sorted(expected)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("/srv/index.html", '<a href="/usr/share/x">'),
        ("/srv/style.css", "a { background: url(/usr/share/x.png) }"),
        ("/app/README.md", "put it at /usr/share/x"),
        ("/etc/tls/a.pem", "-----BEGIN CERTIFICATE-----\n/usr/share/x\n"),
        ("/etc/x.conf", "route /metrics\npath /\nregex ^/usr/(a|b)$\ntemplate /usr/share/%s.x\nratio 1/2\n"),
        ("/etc/x.conf", "binary \0 /usr/share/x"),
        ("/etc/x.conf", "root /usr/share/x\n" + "# \n" * (LIMIT // 3)),
        ("/srv/run.sh", "#!/bin/sh\nexec /usr/bin/x\n"),
    ],
    ids=("page", "style sheet", "prose", "certificate", "patterns", "binary", "over 64 KiB", "script"),
)
def test_what_is_no_configuration_and_what_is_no_file_names_nothing(file: str, text: str) -> None:
    assert names(file, text) == []


def test_a_source_in_a_tree_is_read_only_where_its_name_says_that_it_holds_settings() -> None:
    text = b"x = '/usr/share/x'\n"

    assert read(text, "/app/views.py", by_itself=True)
    assert not read(text, "/app/views.py", by_itself=False)
    assert read(text, "/app/settings.py", by_itself=False)
    assert not read(text, "/app/node_modules/a/config.py", by_itself=False)
    assert not read(b'{"a": "/usr/share/x"}', "/app/package-lock.json", by_itself=False)


def test_a_variable_stands_for_what_the_image_will_have() -> None:
    text = b"User ${APACHE_RUN_USER}\nErrorLog ${LOGS}/error.log\nPidFile ${UNKNOWN}/x.pid\n"

    found = read(text, "/etc/apache2.conf", {"APACHE_RUN_USER": "web", "LOGS": "/var/log/a"})

    assert [(named.kind, named.value) for named in found] == [("user", "web"), ("path", "/var/log/a/error.log")]


@pytest.mark.parametrize(
    "piece", ["'", '"', "(", "{", "<!--", "/*", "--[[", "[", "\\", "a=", "/", "unix:", "-", "`", '"""', "#", "a:"]
)
@pytest.mark.parametrize("name", ["x.conf", "x.json", "x.lua", "x.xml"])
def test_a_hostile_text_is_read_in_one_pass(piece: str, name: str) -> None:
    """S4: 64 KiB of what opens and never closes. A reader that goes back takes minutes, and the suite's limit ends it."""
    text = (piece * LIMIT)[:LIMIT].encode()

    read(text, f"/etc/{name}")
