"""The JavaScript SDK: its vectors and tests, its package as programs get it, and a real server."""

import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.needs("cmd:node", "cmd:npm")]

HERE = Path(__file__).parent
SDKS = HERE.parents[1] / "sdks"
SECONDS = 300
"""What installing and compiling take on a busy machine."""

ANSWER_SECONDS = 30
"""What the next piece of an answer takes there."""

README = re.compile(r"```javascript\n(import .*?)```", re.DOTALL)
GREETING = "Hello! How can I assist you today?"
QUIET = ("--no-audit", "--no-fund", "--no-update-notifier")
# What Node's own test runner counts; on 18 one case cannot be played, in either build.
COUNTED = re.compile(r"^# (pass|fail|cancelled|skipped) (\d+)$", re.MULTILINE)

PROGRAM = """{load}

const messages = [{{ role: "user", content: "Hello!" }}];

async function main(): Promise<void> {{
  const client = new AIHubClient({{ maxRetries: 1, timeout: {{ idle: 1000 }} }});
  const response = await client.chat.create({{ model: "gpt-4", messages }});
  const text: string | null | undefined = response.choices[0]?.message.content;
  const texts: string[] = [];
  const stream: ChatStream = await client.chat.create({{ model: "gpt-4", messages, stream: true }});
  for await (const one of stream) texts.push(textOf(one));
  for await (const model of client.models.list()) {{ const id: string = model.id; void id; break; }}
  const limit: RateLimit | null = client.lastRateLimit;
  const {{ signal }} = new AbortController();
  try {{
    await client.keys.get("key_none", {{ account: "acc_none", signal }});
  }} catch (error) {{
    if (!(error instanceof StatusError)) throw error;
    const status: number | null = error.status;
    console.log(text === texts.join(""), limit !== null, status, error instanceof AIHubError);
  }}
}}

// Types are there, and are no `any`:
export async function unused(client: AIHubClient): Promise<void> {{
  // @ts-expect-error: a misspelt field
  await client.chat.create({{ modle: "gpt-4", messages }});
  // @ts-expect-error: no such field of an answer
  (await client.usage.get()).totals;
  // @ts-expect-error: a wrong type
  new AIHubClient({{ apiKey: 7 }});
}}

void main();
"""
NAMES = "AIHubClient, AIHubError, StatusError, textOf, type ChatStream, type RateLimit"
BY_IMPORT = f'import {{ {NAMES} }} from "@ai-hub/client";'
# How a program is written, and for which of TypeScript's ways to find a package.
CONSUMERS = {
    "modules-node16": ("main.mts", {"module": "node16"}),
    "modules-nodenext": ("main.mts", {"module": "nodenext"}),
    "commonjs-node16": ("main.cts", {"module": "node16"}),
    "commonjs-nodenext": ("main.cts", {"module": "nodenext"}),
    "bundler": ("main.mts", {"module": "esnext", "moduleResolution": "bundler"}),
    # A program for Node alone, which has its types and none of a browser's.
    "node": ("main.mts", {"module": "nodenext", "lib": ["es2022"], "types": ["node"]}),
}
STRICT = {
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "skipLibCheck": False,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "types": [],
}


def output_of(command, *, expected=0, **options):
    """What a command prints, which ends as it should."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, **options
    )
    assert (done.returncode == 0) == (expected == 0), done.stdout + done.stderr
    return done.stdout


def environ(server, key="test"):
    """Where a program finds the server."""
    return {**os.environ, "AIHUB_BASE_URL": server.url, "AIHUB_API_KEY": key}


def hashes(folder):
    """Each file below a folder, and what is in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """The SDK in a folder of its own, built, with its vectors where it looks for them."""
    sdks = tmp_path_factory.mktemp("sdks")
    leave = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(SDKS / "js", sdks / "js", ignore=leave)
    shutil.copytree(SDKS / "vectors", sdks / "vectors")
    output_of(["npm", "ci", "--ignore-scripts", *QUIET], cwd=sdks / "js")
    output_of(["npm", "run", "build"], cwd=sdks / "js")
    return sdks / "js"


@pytest.fixture(scope="module")
def tarball(sdk, tmp_path_factory):
    """The package as it would be published."""
    folder = tmp_path_factory.mktemp("packed")
    output_of(["npm", "pack", "--pack-destination", str(folder)], cwd=sdk)
    [packed] = folder.iterdir()
    return packed


@pytest.fixture(scope="module")
def program(tarball, tmp_path_factory):
    """A folder of a program that has installed the package, and nothing else."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "package.json").write_text('{"name": "program", "private": true}')
    output_of(["npm", "install", "--offline", *QUIET, str(tarball)], cwd=folder)
    modules = {path.name for path in (folder / "node_modules").iterdir()}
    assert modules <= {".package-lock.json", "@ai-hub"}
    return folder


def test_all_vectors_and_tests_pass_in_both_builds(sdk):
    """Over real connections, by Node's own test runner."""
    tests = sorted(str(path) for path in (sdk / "test").glob("*.test.mjs"))
    told = output_of(["node", "--test", "--test-reporter=tap", *tests], cwd=sdk)
    counted = {name: int(count) for name, count in COUNTED.findall(told)}
    is_old = output_of(["node", "--version"]).startswith("v18.")
    assert counted.pop("pass") > 500
    assert counted == {"fail": 0, "cancelled": 0, "skipped": 2 if is_old else 0}


def test_a_vector_that_is_not_known_fails(sdk, tmp_path):
    """A case that is added and not implemented here."""
    shutil.copytree(sdk, tmp_path / "js", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(sdk.parent / "vectors", tmp_path / "vectors")
    case = {"name": "new", "about": "New.", "novel": 1, "expect": {"base_url": ""}}
    file = tmp_path / "vectors" / "cases" / "new.json"
    file.write_text(json.dumps({"$schema": "../schema.json", "about": "New.", "cases": [case]}))
    told = output_of(["node", "--test", "test/vectors.test.mjs"], cwd=tmp_path / "js", expected=1)
    assert "novel" in told


def test_it_builds_and_packs_the_same_twice(sdk, tarball, tmp_path):
    """To the byte."""
    before = hashes(sdk / "dist")
    output_of(["npm", "run", "build"], cwd=sdk)
    assert hashes(sdk / "dist") == before
    output_of(["npm", "pack", "--pack-destination", str(tmp_path)], cwd=sdk)
    assert hashes(tmp_path) == hashes(tarball.parent)


def test_the_package_has_what_it_should(sdk):
    """Each module in both builds with its types, and nothing else."""
    [packed] = json.loads(
        output_of(["npm", "pack", "--dry-run", "--json", "--ignore-scripts"], cwd=sdk)
    )
    modules = [path.stem for path in (sdk / "src").glob("*.ts")]
    built = {
        f"dist/{build}/{module}{kind}"
        for build in ("esm", "cjs")
        for module in modules
        for kind in (".js", ".d.ts")
    }
    about = {"LICENSE", "README.md", "package.json", "dist/cjs/package.json"}
    assert {one["path"] for one in packed["files"]} == built | about


def test_it_depends_on_nothing():
    """But on the compiler and Node's types for tests, pinned, from wherever npm takes them."""
    package = json.loads((SDKS / "js" / "package.json").read_text())
    lock = json.loads((SDKS / "js" / "package-lock.json").read_text())
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & package.keys()
    assert not {"install", "postinstall", "preinstall"} & package["scripts"].keys()
    assert package["devDependencies"].keys() == {"typescript", "@types/node"}
    assert all(re.fullmatch(r"[\d.]+", one) for one in package["devDependencies"].values())
    assert not any("resolved" in one for one in lock["packages"].values())
    version = (SDKS / "js" / "src" / "version.ts").read_text()
    assert f'VERSION = "{package["version"]}"' in version


@pytest.mark.parametrize("name", CONSUMERS)
def test_its_types_hold_for_who_uses_it(name, sdk, program, server):
    """With all of `tsc --strict` and the package's own types checked; and the program runs."""
    file, options = CONSUMERS[name]
    folder = program / name
    folder.mkdir()
    (folder / file).write_text(PROGRAM.format(load=BY_IMPORT))
    modules = sdk / "node_modules"
    places = {"typeRoots": [str(modules / "@types")], "outDir": "out"}
    config = {"compilerOptions": {**STRICT, **options, **places}, "files": [file]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    tsc = str(modules / "typescript" / "bin" / "tsc")
    output_of(["node", tsc, "-p", "."], cwd=folder)
    [built] = (folder / "out").iterdir()
    told = output_of(["node", str(built)], cwd=folder, env=environ(server))
    assert re.fullmatch(r"true true 40[34] true\n", told), told


def test_it_is_required_as_well(program, server):
    """By CommonJS in JavaScript."""
    code = """
        const { AIHubClient } = require("@ai-hub/client");
        const messages = [{ role: "user", content: "Hello!" }];
        new AIHubClient().chat.create({ model: "gpt-4", messages })
          .then((response) => console.log(response.choices[0].message.content));
    """
    told = output_of(["node", "-e", code], cwd=program, env=environ(server))
    assert told == f"{GREETING}\n"


def test_the_documents_sample_runs(program, server):
    """As it stands, but for the key."""
    text = (HERE / "document.mjs.txt").read_text()
    (program / "sample.mjs").write_text(text.replace("your-api-key-here", "test"))
    told = output_of(["node", "sample.mjs"], cwd=program, env=environ(server))
    assert told == f"{GREETING}\n"


@pytest.mark.parametrize("number", range(5))
def test_the_readmes_programs_run(number, program, server):
    """Each as it stands."""
    programs = README.findall((SDKS / "js" / "README.md").read_text())
    assert len(programs) == 5
    (program / "readme.mjs").write_text(programs[number])
    told = output_of(["node", "readme.mjs"], cwd=program, env=environ(server))
    expected = (
        rf"{re.escape(GREETING)}\ncost in USD: 0\.\d+\n",
        r"(?s).{100,}\nstop\n",
        r"AbortError\n",
        r"the key is none: invalid_api_key\n",
        r"true models\ntrue\n\d+ requests, true\n",
    )
    assert re.fullmatch(expected[number], told), told


# The chat in the terminal


@pytest.fixture
def chat(program):
    """The program, beside the package."""
    return shutil.copy(SDKS / "js" / "examples" / "terminal-chat.mjs", program)


def test_the_chat_in_the_terminal_streams_and_remembers(chat, server):
    """Two questions in one session; the server has both turns."""
    asked = "My name is Ada.\nWhat is my name?\n\n"
    told = output_of(["node", chat], env=environ(server), input=asked)
    assert told.count("> ") == 3
    sessions = server.ask("/v1/sessions", "test")["data"]
    [kept] = [one for one in sessions if one["title"] == "Terminal"]
    assert kept["totals"]["turns"] == 2


@pytest.fixture
def slow_server(run_server):
    """A server whose answers take their time."""
    options = ("--ephemeral", "--latency", "50ms,200ms", "--key", "test=enterprise")
    with run_server(*options) as server:
        yield server


def test_a_chat_that_is_interrupted_frees_its_request(chat, slow_server):
    """Ctrl-C in the midst of an answer: it is settled as aborted, and the program goes on."""
    process = subprocess.Popen(
        ["node", chat],
        env=environ(slow_server),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdin.write("Tell me a long story\n")
        process.stdin.flush()
        assert process.stdout.read(12).startswith("> ")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate("\n", timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "(stopped)" in rest
    usage = slow_server.ask("/v1/usage", "test")["usage"]
    assert usage["total_requests"] == 1


def test_the_key_for_it_works_in_a_terminal_too(chat, slow_server):
    """There the program gets the key itself, and not a signal; at a question it ends the chat."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["node", chat],
        env={**environ(slow_server), "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        start_new_session=True,
    )
    os.close(follower)
    try:
        read_until(leader, "> ")
        os.write(leader, b"Tell me a long story\r")
        for text in ("story", "\n", " "):
            read_until(leader, text)
        os.write(leader, b"\x03")
        for text in ("(stopped)", "> "):
            read_until(leader, text)
        os.write(leader, b"\x03")
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def read_until(terminal, text):
    """Read what a terminal shows until that is there, and no further."""
    seen = ""
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], ANSWER_SECONDS)
        assert ready, seen
        seen += os.read(terminal, 1).decode(errors="replace")
