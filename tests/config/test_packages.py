"""Kinds of providers that other packages bring: looked up by name, called by contract."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aihub.config.file import Config, Mistaken, read_config

HOWTO = Path(__file__).parents[2] / "docs/howto/write-a-provider.md"
SECONDS = 60

BROKEN = """
from aihub.errors import UsageMistake

def breaks(options):
    raise RuntimeError(f"it has {options.key}")

def refuses(options):
    raise UsageMistake("the option 'end' is missing")

def makes_nothing(options):
    return None
"""


def install(folder, module, source, **points):
    """Put a package into a folder as an installer does: a module, and its entry points."""
    (folder / f"{module}.py").write_text(source)
    info = folder / f"aihub_{module}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: aihub-{module}\nVersion: 1\n")
    named = "".join(f"{name} = {point}\n" for name, point in points.items())
    (info / "entry_points.txt").write_text(f"[aihub.providers]\n{named}")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path, with the package of the page and one that is broken."""
    folder = tmp_path / "site"
    folder.mkdir()
    section = HOWTO.read_text().partition("## As a package\n")[2].partition("\n## ")[0]
    code, project, *_ = re.findall(r"```(?:python|toml)\n(.*?)```", section, re.DOTALL)
    points = tomllib.loads(project)["project"]["entry-points"]["aihub.providers"]
    install(folder, "shouting", code, **points)
    broken = {name: f"broken:{name}" for name in ("breaks", "refuses", "makes_nothing")}
    install(folder, "broken", BROKEN, **broken, gone="broken:gone")
    install(folder, "again", "", refused="again:x", breaks="again:x")
    monkeypatch.syspath_prepend(str(folder))
    for name in ("shouting", "broken", "again"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def config_of(kind, more=""):
    return f'[providers.loud]\nkind = "{kind}"\nmodels = ["my-shouter"]\n{more}'


def told(tmp_path, text):
    path = tmp_path / "aihub.toml"
    path.write_text(text)
    read = read_config(path, environ={"KEY": "sk-Zx81-never-shown"})
    assert isinstance(read, Mistaken)
    return [line.removeprefix(f"{path}:") for line in read.lines()]


@pytest.mark.slow
def test_a_server_asks_a_provider_of_another_package(site, tmp_path, run_server):
    """As the page says, to the letter: installed, named in a file, and asked by a client."""
    openai = pytest.importorskip("openai")
    pytest.importorskip("trio")
    path = tmp_path / "aihub.toml"
    path.write_text(config_of("shouting", 'options = { end = "!!" }\n'))
    env = {**os.environ, "PYTHONPATH": str(site)}
    with run_server("--ephemeral", "--config", str(path), "--key", "k=pro", env=env) as server:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0) as ai:
            answer = ai.chat.completions.create(
                model="my-shouter", messages=[{"role": "user", "content": "hello"}]
            )
        assert answer.choices[0].message.content == "HELLO!!"


def test_a_package_is_loaded_only_where_a_file_names_its_kind(site, tmp_path):
    """Reading a file that names another, or none, imports nothing of it."""
    path = tmp_path / "aihub.toml"
    path.write_text('providers.x.base_url = "http://127.0.0.1:1"\nproviders.x.models = ["m"]\n')
    code = (
        "import sys; from aihub.config.file import read_config;"
        f"read_config({str(path)!r}); print('shouting' in sys.modules);"
        f"open({str(path)!r}, 'w').write({config_of('shouting')!r});"
        f"read_config({str(path)!r}); print('shouting' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )

    assert done.stdout.split() == ["False", "True"]


def test_a_good_one_is_read_with_its_options(site, tmp_path):
    """The table is the package's own."""
    path = tmp_path / "aihub.toml"
    path.write_text(config_of("shouting", "options = { end = '?', deep = [1] }"))

    read = read_config(path, environ={})

    assert isinstance(read, Config)
    assert read.providers["loud"].options == {"end": "?", "deep": [1]}
    assert set(read.make_providers()) == {"loud"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            config_of("shoutin"),
            "2: providers.loud.kind: 'shoutin' is no kind: did you mean 'shouting'?",
        ),
        (
            config_of("shouting", "options = { end = 1 }"),
            "1: providers.loud: the option 'end' must be a text",
        ),
        (config_of("refuses"), "1: providers.loud: the option 'end' is missing"),
        (
            config_of("breaks2", 'api_version = "1"').replace("breaks2", "refuses"),
            "4: providers.loud.api_version: is for 'azure': a kind that another",
        ),
        (
            config_of("makes_nothing"),
            "1: providers.loud: the kind 'makes_nothing' made no provider",
        ),
        (config_of("gone"), "1: providers.loud: the kind 'gone' failed: AttributeError in "),
        (
            config_of("breaks", 'key = { env = "KEY" }'),
            "1: providers.loud: several packages bring the kind 'breaks': aihub-again,",
        ),
    ],
)
def test_what_is_wrong_with_a_package_is_a_mistake_of_the_line(site, tmp_path, text, line):
    """Never a traceback: a server that reads its file again must live on."""
    (mistake,) = told(tmp_path, text)

    assert mistake.startswith(line)


def test_what_a_factory_says_when_it_breaks_is_not_repeated(site, tmp_path):
    """It may have a secret in it: its type and its place are told."""
    (site / "aihub_again-1.dist-info" / "entry_points.txt").write_text("")

    (mistake,) = told(tmp_path, config_of("breaks", 'key = { env = "KEY" }'))

    where = f"RuntimeError in {site / 'broken.py'}:5"
    assert mistake == f"1: providers.loud: the kind 'breaks' failed: {where}"
