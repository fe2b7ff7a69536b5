"""N46: what a Ruby script requires, in the load path that its interpreter has and among the gems; ruby itself is the referee."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from scratchpack.scripts.model import SourceText
from scratchpack.scripts.ruby import reader
from scratchpack.scripts.ruby.gems import Gems, gem_directories
from scratchpack.scripts.ruby.lock import gemfile_of
from scratchpack.scripts.ruby.program import RubyProgram, load_path, ruby_program
from scratchpack.scripts.ruby.reader import RubyReading, read_ruby
from scratchpack.scripts.text import ScriptError
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


def reading(text: str) -> RubyReading:
    return read_ruby(SourceText("/srv/app/bin/x.rb", text.encode()))


def wanted(text: str) -> dict[str, bool]:
    """The features that a text asks for, each with whether it may do without."""
    return {found.path: bool(found.why) for found in reading(text).wanted}


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("require 'json'\nrequire \"a/b\"\nrequire(%q<c>.freeze)", {"json": False, "a/b": False, "c": False}),
        ("begin\n  require 'a'\nrescue LoadError\n  nil\nelse\n  require 'b'\nend", {"a": True, "b": False}),
        ("begin\n  require 'a'\nrescue\n  nil\nend", {"a": False}),  # catches StandardError, which LoadError is not
        ("require 'a' rescue nil", {"a": False}),
        ("begin\n  require 'a'\nrescue Foo, ::LoadError => e\nend", {"a": True}),
        ("require 'a' if RUBY_VERSION < '3'\nrequire 'b' unless x", {"a": True, "b": True}),
        ("if x\n  require 'a'\nelse\n  require 'b'\nend\nrequire 'c'", {"a": True, "b": True, "c": False}),
        ("if __FILE__ == $0\n  require 'a'\nend", {"a": False}),
        ("def m\n  require 'a'\nend\nx { require 'b' }\nx do\n  require 'c'\nend", {"a": True, "b": True, "c": True}),
        ("module M\n  class C\n    require 'a'\n    autoload :X, 'b'\n  end\nend", {"a": False, "b": True}),
        ("ok && require('a')\nrequire('b') or exit", {"a": True, "b": False}),
        ("require_relative 'near'\nrequire_relative '../lib/x'", {"/srv/app/bin/near": False, "/srv/app/lib/x": False}),
        ("require File.expand_path('../lib/x', __dir__)", {"/srv/app/lib/x": False}),
        ("require File.expand_path('../../lib/x', __FILE__)", {"/srv/app/lib/x": False}),
        ("require File.join(File.dirname(__FILE__), 'x')", {"/srv/app/bin/x": False}),
        ('require "#{__dir__}/x"', {"/srv/app/bin/x": False}),
        ("require_relative(Pathname.new(__dir__) / 'x')", {"/srv/app/bin/x": False}),
        ("load 'x.rb'\ngem 'puma', '> 1'", {"x.rb": False, "puma": False}),
        ("load Gem.activate_bin_path('puma', 'puma', version)", {"puma": False}),
        ("Kernel.require 'a'\nFoo.require 'b'", {"a": False}),
        ("# require 'a'\n=begin\nrequire 'b'\n=end\nputs \"require 'c'\"\nx = <<~E\n  require 'd'\nE\n", {}),
        ("x\n__END__\nrequire 'a'\n", {}),
    ],
)  # fmt: skip
def test_features_are_found_in_code_with_whether_they_must_be_there(text: str, features: dict[str, bool]) -> None:
    assert wanted(text) == features


def test_what_only_a_run_can_show_is_told_with_its_line() -> None:
    found = reading(
        "x = 'a'\nrequire x\nDir['lib/*.rb'].each { |f| require f }\n$:.unshift(ENV['X'])\nload Dir.pwd + '/y'\n"
    )
    assert found.unknown == (2, 3, 5)
    assert found.search_unknown == 4
    assert not found.wanted


def test_the_load_path_and_files_beside_the_script_are_read() -> None:
    found = reading(
        "$LOAD_PATH.unshift(File.expand_path('../../lib', __FILE__))\n$: << \"#{__dir__}/x\"\n"
        "puts File.read(File.join(__dir__, '..', 'data/word.txt'))\n"
    )
    assert found.search == ("/srv/app/lib", "/srv/app/bin/x")
    assert ("/srv/app/data/word.txt", 3) in found.beside


@pytest.mark.parametrize(
    ("text", "line"),
    [("\nrequire 'bundler/setup'", 2), ("require 'bundler'\nBundler.require(:default)", 2), ("def m\n  Bundler.require\nend", 0)],
)  # fmt: skip
def test_bundler_is_noticed(text: str, line: int) -> None:
    assert reading(text).bundler == line


def test_ruby_itself_has_the_load_path_and_gem_directories_that_are_derived() -> None:
    ruby = tools.need("ruby", package="ruby")
    script = "require 'rbconfig'; puts RbConfig.ruby, $:, '-', Gem.default_path"
    asked = subprocess.run([ruby, "-e", script], capture_output=True, text=True, check=True).stdout
    binary, *path = asked.partition("-\n")[0].splitlines()
    with DirRoot("/") as root:
        program = root.lookup(binary)
        assert program is not None
        libraries = [root.lookup(f"{place}/{name}") for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")
                     if (node := root.lookup(place)) for name in root.list(node) if name.startswith("libruby")]  # fmt: skip
        derived = load_path(root, (program, *(node for node in libraries if node is not None and node.kind == "file")))
        assert derived == tuple(place for place in path if root.lookup(place) is not None)
        there = {place for place in gem_directories(derived) if root.lookup(place) is not None}
        theirs = {
            p
            for p in asked.partition("-\n")[2].splitlines()
            if root.lookup(f"{p}/specifications") and "/.local/" not in p
        }
        assert theirs <= there


SPEC = """# -*- encoding: utf-8 -*-
# stub: {name} {version} ruby lib

Gem::Specification.new do |s|
  s.name = "{name}".freeze
  s.version = "{version}"
  s.require_paths = ["lib".freeze]
  if s.respond_to? :add_runtime_dependency then
    {dependencies}
    s.add_development_dependency(%q<rspec>.freeze, ["~> 3"])
  else
    s.add_dependency(%q<rspec>.freeze, ["~> 3"])
  end
end
"""


def gem(base: Path, name: str, version: str, *needs: str, files: tuple[str, ...] = (), text: str = "") -> None:
    """A gem as RubyGems installs it."""
    lines = "\n".join(f's.add_runtime_dependency(%q<{other}>.freeze, [">= 0"])' for other in needs)
    (base / "specifications").mkdir(parents=True, exist_ok=True)
    specification = SPEC.format(name=name, version=version, dependencies=lines)
    (base / f"specifications/{name}-{version}.gemspec").write_text(specification)
    for file in files:
        (base / f"gems/{name}-{version}/lib/{file}").parent.mkdir(parents=True, exist_ok=True)
        (base / f"gems/{name}-{version}/lib/{file}").write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A load path, a directory of gems, an app."""
    for name in ("load", "gems", "app"):
        (tmp_path / name).mkdir()
    return tmp_path


def followed(project: Path, text: str) -> RubyProgram:
    (project / "app/main.rb").write_text(text)
    with DirRoot("/") as root:
        node = root.lookup(str(project / "app/main.rb"))
        assert node is not None
        return ruby_program(root, node, (f"{project}/load/site_ruby",), Gems(root, (f"{project}/gems",)))


def test_a_gem_travels_with_the_gems_that_it_asks_for_in_the_newest_version(project: Path) -> None:
    gem(project / "gems", "web", "1.9.0", "old", files=("web.rb",))
    gem(project / "gems", "web", "1.10.0", "rack", files=("web.rb", "web/more.rb"))
    gem(project / "gems", "rack", "2.0", files=("rack.rb",))
    gem(project / "gems", "unused", "2.0", files=("unused.rb",))
    found = followed(project, "require 'web/more'\n")
    assert [(one.name, one.version) for one in found.gems] == [("web", "1.10.0"), ("rack", "2.0")]
    assert not found.missing


def test_a_gem_whose_dependency_is_nowhere_and_a_feature_that_is_nowhere_stop_the_script(project: Path) -> None:
    gem(project / "gems", "web", "1.0", "gone", files=("web.rb",))
    found = followed(project, "require 'web'\nbegin\n  require 'maybe'\nrescue LoadError\nend\nrequire 'nowhere'\n")
    told = {(item.name, item.optional): item.line for item in found.missing}
    assert told == {("gone", False): 1, ("maybe", True): 3, ("nowhere", False): 6}


def test_the_scripts_own_files_are_followed(project: Path) -> None:
    (project / "app/lib").mkdir()
    (project / "app/lib/near.rb").write_text("require 'far'\n")
    (project / "app/lib/far.rb").write_text("require 'nowhere'\n")
    found = followed(project, "$: << File.join(__dir__, 'lib')\nrequire_relative 'lib/near'\n")
    assert [path.rpartition("/")[2] for path in found.files] == ["near.rb", "far.rb"]
    assert [(item.name, item.file.rpartition("/")[2]) for item in found.missing] == [("nowhere", "far.rb")]


def test_a_miss_is_uncertain_once_the_load_path_is_changed_by_the_run(project: Path) -> None:
    found = followed(project, "$:.unshift ENV['X']\nrequire 'nowhere'\n")
    assert [item.optional for item in found.missing] == [True]


def test_gems_that_a_gem_chooses_from_are_hints_and_do_not_travel(project: Path) -> None:
    gem(project / "gems", "web", "1.0", files=("web.rb",), text="%w[server other].each { |name| require name }\n")
    gem(project / "gems", "server", "1.0", files=("server.rb",))
    gem(project / "gems", "quiet", "1.0", files=("quiet.rb",), text="# %w[server]\n")
    found = followed(project, "require 'web'\n")
    assert [(hint.gem.name, hint.line) for hint in found.hints] == [("server", 1)]
    assert [one.name for one in found.gems] == ["web"]
    assert not followed(project, "require 'quiet'\n").hints, "it chooses nothing"


LOCK = """GIT
  remote: https://example.org/own.git
  specs:
    own (0.1)

PATH
  remote: engines/part
  specs:
    part (0.1)

GEM
  remote: https://example.org/
  specs:
    rack (2.0)
    web (1.0-x86_64-linux)
      rack (>= 1)

DEPENDENCIES
  web
"""


def test_a_gemfile_lock_says_which_versions_travel_and_what_is_not_installed(project: Path) -> None:
    (project / "app/Gemfile").write_text("gem 'web'\n")
    (project / "app/Gemfile.lock").write_text(LOCK)
    gem(project / "app/vendor/bundle/ruby/3.1.0", "web", "1.0", "rack", files=("web.rb",))
    gem(project / "app/vendor/bundle/ruby/3.1.0", "rack", "2.0", files=("rack.rb",))
    gem(project / "gems", "rack", "3.0", files=("rack.rb",))
    found = followed(project, "require 'bundler/setup'\nrequire 'web'\n")
    assert {(one.name, one.version) for one in found.gems} >= {("web", "1.0"), ("rack", "2.0")}
    assert ("rack", "3.0") not in {(one.name, one.version) for one in found.gems}
    assert {item.name: item.optional for item in found.missing} == {"own 0.1": True, "bundler": True}
    assert [mention.path for mention in found.mentions] == [f"{project}/app/engines/part"]
    (project / "app/vendor/bundle/ruby/3.1.0/specifications/rack-2.0.gemspec").unlink()
    found = followed(project, "require 'bundler/setup'\n")
    assert {item.name for item in found.missing if not item.optional} == {"rack 2.0"}
    (project / "app/.bundle").mkdir()
    (project / "app/.bundle/config").write_text('---\nBUNDLE_WITHOUT: "development"\n')
    assert not [item for item in followed(project, "require 'bundler/setup'\n").missing if not item.optional]


def test_a_script_without_a_gemfile_is_told_so(project: Path) -> None:
    found = followed(project, "require 'bundler/setup'\n")
    assert [(item.name, item.optional) for item in found.missing] == [("Gemfile", True)]
    with DirRoot(str(project)) as root:
        assert gemfile_of(root, "/app/main.rb") is None


def test_a_hostile_ruby_text_is_read_in_one_pass_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:  # S4
    for piece in (b"require 'a'\n", b"{|x| ", b"<<E + ", b"%w[", b"File.join(", b"x + "):
        with suppress(ScriptError):
            read_ruby(SourceText("/bomb", piece * ((1 << 15) // len(piece))))
    monkeypatch.setattr(reader, "MAX_NODES", 100)
    with pytest.raises(ScriptError, match="over 100 syntax nodes"):
        read_ruby(SourceText("/bomb", b"require 'a'\n" * 60))
