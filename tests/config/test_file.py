"""`aihub.toml`: what it says, and every mistake in it at once, with its line."""

import pickle
import subprocess
import sys

import attrs
import pytest

import aihub
from aihub.config import reconfigure
from aihub.config.file import Config, Mistaken, read_config, routing
from aihub.config.file.reading import MAX_FILE
from aihub.config.file.secrets import MAX_SECRET
from aihub.core.routing import candidates
from aihub.errors import ModelNotFound, UsageMistake
from aihub.model.account import Plan
from aihub.model.catalogue import BreakerRules, Deployment, Drain, Model, Retries, Routes
from aihub.model.units import SECOND

SECRET = "sk-Zx81-never-shown"
ENVIRON = {"OPENAI_API_KEY": SECRET, "AZURE_KEY": SECRET, "EMPTY": "", "TWO_LINES": "a\nb"}


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a file and returns where it is."""

    def to(text, name="aihub.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


@pytest.fixture
def read(write):
    """Give a function that reads a text as a configuration."""
    return lambda text, **given: read_config(write(text), environ=ENVIRON, **given)


@pytest.fixture
def told(read):
    """Give a function that returns the mistakes in a text, without the file's name."""

    def mistakes(text):
        found = read(text)
        assert isinstance(found, Mistaken), "nothing is wrong"
        assert all(line.startswith(f"{found.name}:") for line in found.lines())
        assert SECRET not in "".join(found.lines())
        return [line.removeprefix(f"{found.name}:") for line in found.lines()]

    return mistakes


def ids(config, model):
    """The deployments of a model in the order in which they are configured."""
    return [one.id for one in config.routes.deployments[model]]


# What is good

TWO_LINES = """
providers.mine.base_url = "http://127.0.0.1:9000/v1"
providers.mine.models = ["my-model"]
"""


def test_any_server_works_by_two_lines(read):
    """A base address and a name: the model is made with what is supposed of one nobody knows."""
    config = read(TWO_LINES)

    assert isinstance(config, Config)
    (model,) = config.catalogue().models()
    assert (model.id, model.owned_by, model.context_window) == ("my-model", "mine", 128_000)
    assert model.prices.prompt == model.prices.completion == 0
    assert config.routes.default is None
    (deployment,) = config.routes.deployments["my-model"]
    assert (deployment.provider, deployment.upstream_model) == ("mine", "my-model")
    assert set(config.make_providers()) == {"mine"}


def test_an_empty_file_is_the_mock_for_all(read):
    """Where no provider is described, nothing is different."""
    config = read("# nothing\n")

    assert config.routes.default == "mock"
    assert config.catalogue().find("gpt-4o") is not None


FULL = """
[server]
host = "0.0.0.0"
port = 9000
workers = 2
allow_host = ["hub.example"]
pages = false
cors = ["https://example.com"]
keys = [{ key = { env = "OPENAI_API_KEY" }, plan = "gold", scopes = ["read"] }]

[hub]
store = "sqlite:data/hub.db"
region = "eu"
latency = "200ms,20ms"
retention = "36h"

[transport]
connections = 20
timeouts = { connect = 2, total = 90 }

[providers.azure]
kind = "azure"
base_url = "https://mine.openai.azure.com/openai/v1"
key = { env = "AZURE_KEY" }
timeouts = { total = 30.5 }

[providers.openai]
key = { env = "OPENAI_API_KEY" }
region = "us"
models = "all"
headers = { OpenAI-Organization = "org-1", X-Secret = { env = "AZURE_KEY" } }
transport = "native"

[models."gpt-4o"]
policy = "cheapest"
fallbacks = ["gpt-4o-mini"]

[[models."gpt-4o".deployments]]
provider = "azure"
upstream_model = "my-gpt4o"
id = "east"
priority = 1
usd_per_million = { prompt = "1", completion = "2" }
requests_per_minute = 500
drain = { seconds = 2.5 }
hedge_after = 1.5

[models.house]
context_window = 4096
usd_per_million = { prompt = "0.15", completion = "0.6" }
deployments = [{ provider = "mock" }]

[aliases]
cheap = "gpt-4o-mini"

[routing]
policy = "latency"
retries = { most = 1, base = 0.5 }
breaker = { sample = 3, cool = 2.5 }

[regions]
"api-us-east.example.com" = "us"

[[plans]]
name = "gold"
requests_per_minute = 1000
"""


@pytest.mark.needs("h11")
def test_a_file_says_all_of_it(read, tmp_path):
    """Server, hub, providers, models, routes, regions and plans."""
    config = read(FULL)

    assert isinstance(config, Config), config.lines()
    (key,) = config.server["keys"]
    assert (key.secret, key.plan, key.scopes) == (SECRET, "gold", {"read"})
    assert config.server["pages"] is False
    assert config.hub["store"] == f"sqlite:{tmp_path}/data/hub.db"
    assert config.hub["retention"] == 36 * 3600
    azure, openai = config.providers.values()
    assert (azure.timeouts.connect, azure.timeouts.total, azure.connections) == (2, 30.5, 20)
    assert (openai.timeouts.total, openai.transport) == (90, "native")
    assert openai.headers == {"openai-organization": "org-1", "x-secret": SECRET}
    assert ids(config, "gpt-4o") == ["east", "openai/gpt-4o"]
    east = config.routes.deployments["gpt-4o"][0]
    assert east.drain == Drain(seconds=2.5)
    assert east.hedge_after == 1.5
    assert (east.region, east.priority, east.prices.completion) == ("eu", 1, 2_000_000)
    assert config.routes.policies == {"gpt-4o": "cheapest"}
    assert config.routes.fallbacks == {"gpt-4o": ("gpt-4o-mini",)}
    assert config.routes.retries == Retries(most=1, base=0.5)
    assert config.routes.breaker == BreakerRules(sample=3, cool=5 * SECOND // 2)
    assert config.regions == {"api-us-east.example.com": "us"}
    assert config.plans == (Plan(name="gold", requests_per_minute=1000),)
    catalogue = config.catalogue()
    assert catalogue.find("cheap").id == "gpt-4o-mini"
    assert catalogue.find("house").prices.prompt == 150_000


def test_everything_that_can_be_configured_has_a_key():
    """A field that a deployment, a model or the routes get can be said in a file."""

    def fields(of):
        return {one.name for one in attrs.fields(of)}

    prices = {"usd_per_million": "prices"}
    assert fields(Deployment) == {prices.get(key, key) for key in routing.DEPLOYMENT_KEYS}
    assert fields(Drain) == set(routing.DRAIN_KEYS)
    assert fields(Retries) == set(routing.RETRY_KEYS)
    assert fields(BreakerRules) == set(routing.BREAKER_KEYS)
    described = {prices.get(key, key) for key in routing.DESCRIPTION_KEYS}
    # A catalogue file says these.
    assert fields(Model) - described == {"id", "created", "encoding", "exact_tokens"}
    elsewhere = {"deployments", "region", "policies", "fallbacks"}
    assert fields(Routes) - elsewhere == set(routing.ROUTING_KEYS)


@pytest.mark.needs("h11")
def test_what_is_served_is_what_is_listed(read):
    """With providers and no default, models without a place are not there, nor their aliases."""
    catalogue = read(FULL).catalogue()

    assert catalogue.find("gpt-4o-2024-08-06") is not None
    assert catalogue.find("gpt-4-0613").id == "gpt-4"
    assert catalogue.find("claude-3-opus") is None
    kept = read('routing.default = "mock"\n' + TWO_LINES).catalogue()
    assert kept.find("claude-3-opus") is not None


@pytest.mark.needs("h11")
def test_a_configuration_can_be_sent_to_another_process_and_shows_no_secret(read):
    """Workers are told what their parent has read; whoever prints it learns nothing."""
    config = read(FULL)

    assert pickle.loads(pickle.dumps(config)) == config
    assert SECRET not in repr(config)


def test_a_provider_may_be_asked_for_all_the_rest(read):
    """The default is a provider's name, under the models' own ids."""
    config = read(
        '[providers.router]\nkind = "openrouter"\nkey = { env = "AZURE_KEY" }\n'
        '[routing]\ndefault = "router"\n'
    )

    (place,) = candidates(config.routes, config.catalogue().find("gpt-4o"), region=None)
    assert place.deployment.provider == "router"


def test_a_secret_may_be_in_a_file_beside(write):
    """A line's end at its end does not belong to it."""
    write(f"{SECRET}\n", "openai.key")
    config = read_config(
        write('providers.openai = { key = { file = "openai.key" }, models = ["gpt-4o"] }'),
        environ={},
    )

    assert config.providers["openai"].key == SECRET


def test_models_of_ones_own_may_stand_in_a_file(write):
    """The file that `models_from_json` reads; what it says wrong is told at its name."""
    model = '{"id": "acme-1", "owned_by": "acme", "created": "2026-01-31", %s}'
    prices = '"usd_per_million": {"prompt": "1", "completion": "2"}'
    good = model % f'"context_window": 8192, {prices}'
    write(f'{{"models": [{good}], "aliases": {{"acme": "acme-1"}}}}', "models.json")
    text = 'catalogue.file = "models.json"\n'

    assert read_config(write(text)).catalogue().find("acme").context_window == 8192

    write(f'{{"models": [{model % prices}]}}', "models.json")
    (line,) = read_config(write(text)).lines()
    assert line.endswith("catalogue.file: document.models[0] 'acme-1'.context_window: missing")


def test_the_command_lines_region_is_home(read):
    """It stands in place of the file's, also for deployments that name none."""
    config = read('hub.region = "eu"\n' + TWO_LINES, region="us")

    assert config.routes.region == "us"
    assert config.routes.deployments["my-model"][0].region == "us"


# What is wrong

WRONG = """\
[server]
prot = 1
port = 70000
uds = "x.sock"
tls_key = "key.pem"
keys = [{ key = "sk-Zx81-never-shown", plan = "pro" }, { plan = 3 }]

[hub]
store = "postgres:x"
retention = "1h"
region = 7

[providers.azure]
kind = "azuer"
base_url = "ftp://sk-Zx81-never-shown@x"
key = { env = "NOPE" }
headers = { Authorization = "sk-Zx81-never-shown" }
models = ["x"]

[providers.openai]
models = ["gpt-4o", "gpt-4oo"]

[providers.idle]
base_url = "http://127.0.0.1:1"

[models."gpt-4o-mini"]
deployments = [
  { provider = "opnai" },
  { provider = "openai", id = "one" },
  { provider = "openai", id = "one" },
  { region = "eu" },
]
fallbacks = ["gpt-9", "gpt-4o-mini"]
usd_per_million = { prompt = 1.0, completion = "2" }

[models.nope]
policy = "rnd"

[aliases]
cheap = "gpt-4o-mni"
gpt-4o = "gpt-4o-mini"

[routing]
default = "opnai"
retries = { most = true }

[regions]
"api.example.com" = "mars"

[[plans]]
requests_per_minute = 0

[[plans]]
name = "a"

[[plans]]
name = "a"
"""


def test_every_mistake_is_told_at_once(told):
    """In the order of the lines, each with its key; no secret is repeated."""
    assert told(WRONG) == [
        "2: server.prot: is no key here: did you mean 'port'?",
        "3: server.port: must be 65535 or less",
        "5: server.tls_key: needs tls_cert beside it",
        (
            '6: server.keys[0].key: a secret does not stand here: use { env = "NAME" } '
            'or { file = "PATH" }'
        ),
        "6: server.keys[1].key: is missing",
        "6: server.keys[1].plan: must be a text, in quotes",
        "9: hub.store: is no store: use 'memory:' or 'sqlite:PATH'",
        "10: hub.retention: '1h' is no time of a day or more: use 400d, 36h or forever",
        "11: hub.region: must be a text, in quotes",
        "14: providers.azure.kind: 'azuer' is no kind: did you mean 'azure'?",
        "15: providers.azure.base_url: must be http:// or https://, a host and perhaps a path",
        "16: providers.azure.key: the environment has no NOPE",
        (
            "17: providers.azure.headers.Authorization: a secret does not stand here: "
            'use { env = "NAME" } or { file = "PATH" }'
        ),
        '20: providers.openai.key: is missing: use { env = "OPENAI_API_KEY" }',
        (
            "21: providers.openai.models[1]: 'gpt-4oo' is no model that is known: "
            "did you mean 'gpt-4o'?"
        ),
        "23: providers.idle: is asked for no model: give it models",
        (
            "28: models.gpt-4o-mini.deployments[0].provider: there is no provider 'opnai': "
            "did you mean 'openai'?"
        ),
        (
            "30: models.gpt-4o-mini.deployments[2]: there are two deployments 'one': "
            "give one an id of its own"
        ),
        "31: models.gpt-4o-mini.deployments[3].provider: is missing",
        "33: models.gpt-4o-mini.fallbacks[0]: there is no model 'gpt-9'",
        "33: models.gpt-4o-mini.fallbacks[1]: a model does not stand in for itself",
        "34: models.gpt-4o-mini.usd_per_million: prompt: a price is written as text, in quotes",
        "36: models.nope: is no model that is known: describe it, at least by context_window",
        "37: models.nope.policy: 'rnd' is none of them: use cheapest, latency, priority, weighted",
        "40: aliases.cheap: there is no model 'gpt-4o-mni': did you mean 'gpt-4o-mini'?",
        "41: aliases.gpt-4o: is a model already: an alias cannot hide it",
        "44: routing.default: there is no provider 'opnai': did you mean 'openai'?",
        "45: routing.retries.most: must be a whole number",
        "48: regions.\"api.example.com\": nothing is served in the region 'mars': use local",
        "50: plans[0].name: is missing",
        "51: plans[0].requests_per_minute: must be 1 or more",
        "57: plans[2].name: there are two plans 'a'",
    ]


KEYED = '[providers.x]\nbase_url = "http://127.0.0.1:1"\nmodels = ["m"]\n'


BEDROCK = '[providers.x]\nkind = "bedrock"\nmodels = ["m"]\n'
SHOWN = BEDROCK + "key = { env = 'AZURE_KEY' }\n"


@pytest.mark.needs("botocore")
def test_bedrock_is_signed_for_or_shown_a_key(read):
    """With credentials for its region, or with a key of its own; no secret is shown."""
    signed = "aws = { region = 'eu-1', access_key = 'a', secret_key = { env = 'AZURE_KEY' } }"
    shown = "aws.region = 'eu-1'\nkey = { env = 'AZURE_KEY' }"
    for text in (signed, shown):
        config = read(BEDROCK + text)
        assert ids(config, "m")
        assert config.providers["x"].aws.region == "eu-1"
        assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = ", "1: Invalid value"),
        ("a = 1\nb = 2\na = 3", "3: Cannot overwrite a value"),
        ("x = " + "[" * 100_000, "1: is nested too deep"),
        ("srever = 1", "1: srever: is no key here: did you mean 'server'?"),
        ("server = 1", "1: server: must be a table"),
        ("models = []", "1: models: must be a table"),
        ("providers.x = 1", "1: providers.x: must be a table"),
        ("plans = {}", "1: plans: must be an array"),
        ("server.cors = ['x']", "1: server.cors: 'x' is no origin: use *, or such as "),
        ("server.trusted_proxy = ['x']", "1: server.trusted_proxy: 'x' is no network"),
        ("server.uds = 'x'\nserver.host = 'a'", "2: server.host: and uds exclude each other"),
        ("server.workers = 2\nhub.store = 'memory:'", "1: server.workers: need a store"),
        ("server.grace = nan", "1: server.grace: must be a number"),
        ("server.log_level = ''", "1: server.log_level: is empty"),
        ("hub.latency = 'x'", "1: hub.latency: 'x' is no delay"),
        (KEYED + "key = { env = 'EMPTY' }", "4: providers.x.key: the secret in EMPTY is empty"),
        (KEYED + "key = { env = 'TWO_LINES' }", "4: providers.x.key: the secret in TWO_LINES is"),
        (KEYED + "key = {}", "4: providers.x.key: must be either"),
        (KEYED + "key = { env = 'A', file = 'b' }", "4: providers.x.key: must be either"),
        (KEYED + "key = { file = 'none' }", "4: providers.x.key: the file none cannot be read"),
        (KEYED + "proxy = 'http://u:p@x'", "4: providers.x.proxy: a proxy with a password"),
        (KEYED + "api_version = '1'", "1: providers.x: the provider 'x' has an api_version"),
        (KEYED + "aws.region = 'eu-1'", "1: providers.x: the provider 'x' has a region or"),
        (
            BEDROCK + "aws.region = 'eu-1'",
            '1: providers.x.key: is missing: use { env = "AWS_BEARER',
        ),
        (SHOWN + "aws.access_key = 'a'", "5: providers.x.aws: needs an access_key and a secret"),
        (SHOWN + "aws.secret_key = 'a'", "5: providers.x.aws.secret_key: a secret does not"),
        (
            BEDROCK + "aws = { access_key = 'a', secret_key = { env = 'AZURE_KEY' } }",
            "1: providers.x: the provider 'x' needs a region",
        ),
        (KEYED + "options = { a = 1 }", "4: providers.x.options: are for kinds that other"),
        (KEYED + "headers = { 'a b' = 'x' }", '4: providers.x.headers."a b": is no name of a'),
        (KEYED + "transport = 'native'\nproxy = 'http://x'", "1: providers.x: the transport"),
        (KEYED.replace('["m"]', "['m', 'm']"), "3: providers.x.models: 'm' is there twice"),
        (KEYED.replace('["m"]', "'some'"), "3: providers.x.models: must be an array of names"),
        (KEYED.replace('["m"]', "[]"), "3: providers.x.models: is empty"),
        (KEYED.replace('["m"]', "'all'") + "kind = 'vllm'", "3: providers.x.models: 'all' of"),
        (KEYED + "[providers.mock]", "4: providers.mock: is the mock's own name"),
        (KEYED + "[models.gpt-4]\npolicy = 'latency'", "4: models.gpt-4: is served nowhere"),
        (KEYED + "[models.m]\nfallbacks = ['gpt-4']", "5: models.m.fallbacks[0]: 'gpt-4' is serv"),
        (KEYED + "[aliases]\na = 'gpt-4'", "5: aliases.a: 'gpt-4' is served nowhere"),
        ("[models.gpt-4]\nmax_output = 1\n[models.gpt-4-0613]\nmax_output = 1", "3: models.gpt-4-"),
        ("regions.'A b' = 'local'", '1: regions."A b": is no host'),
        ("catalogue.file = 'none'", "1: catalogue.file: the file none cannot be read"),
    ],
)
def test_one_mistake_is_one_line(told, text, line):
    """With the line, the key, and what would be right where that can be said."""
    (mistake,) = told(text)
    assert mistake.startswith(line)


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path):
    """Missing, too large, or no text."""
    missing, large, binary = (tmp_path / name for name in ("missing", "large", "binary"))
    large.write_bytes(b"#" * (MAX_FILE + 1))
    binary.write_bytes(b"a = 1\n\xff")

    assert "cannot be read: No such file" in read_config(missing).lines()[0]
    assert f"has more than {MAX_FILE} bytes" in read_config(large).lines()[0]
    assert read_config(binary).lines() == [f"{binary}:2: is no UTF-8"]


def test_a_secrets_file_has_a_bound(write, tmp_path):
    """A path that leads to something endless does not fill the memory."""
    (tmp_path / "key").write_text("x" * (MAX_SECRET + 1))

    (line,) = read_config(write(KEYED + "key = { file = 'key' }")).lines()

    assert line.endswith(f"the file key has more than {MAX_SECRET} bytes")


# In a program


@pytest.mark.anyio
async def test_a_hub_is_opened_by_a_file(write):
    """Models, aliases and plans are as it says; the mock answers where it is named."""
    path = write(
        '[models.house]\ncontext_window = 4096\ndeployments = [{ provider = "mock" }]\n'
        '[aliases]\nhome = "house"\n[[plans]]\nname = "gold"\nparallel = 3\n'
    )
    async with aihub.open_hub(aihub.Settings.from_file(path)) as hub:
        answer = await hub.chat("home", "Hello")
        row = (await hub.requests())[0]

        assert answer.text
        assert (row.served_model, row.attempts[0].deployment) == ("house", "mock/house")
        assert (await hub.accounts.plan("gold")).parallel == 3


@pytest.mark.anyio
async def test_an_open_hub_works_by_another_file_from_now_on(write):
    """Models, aliases and plans; a stream in flight ends by the file that it began with."""
    house = '[models.%s]\ncontext_window = 4096\ndeployments = [{ provider = "mock" }]\n'
    gold = '[[plans]]\nname = "gold"\nparallel = %d\n'
    settings = aihub.Settings.from_file(write(house % "old" + gold % 1))
    async with aihub.open_hub(settings) as hub:
        async with hub.stream("old", "Hello") as stream:
            texts = stream.texts()
            began = await anext(texts)
            config = aihub.Settings.from_file(write(house % "new" + gold % 2)).config
            await reconfigure(hub, config, settings)
            with pytest.raises(ModelNotFound):
                await hub.chat("old", "Hello")
            text = began + "".join([one async for one in texts])

        assert (await hub.request(stream.id)).served_model == "old"
        assert stream.completion.text == text
        await hub.chat("new", "Hello")
        assert (await hub.accounts.plan("gold")).parallel == 2


def test_azure_may_be_shown_a_token_instead_of_a_key(read, told):
    """It has two ways; with neither, the key is missing."""
    azure = '[providers.a]\nkind = "azure"\nbase_url = "https://a.example"\nmodels = ["m"]\n'
    (line,) = told(azure)

    assert line == '1: providers.a.key: is missing: use { env = "AZURE_OPENAI_API_KEY" }'
    assert isinstance(read(azure + 'headers.Authorization = { env = "AZURE_KEY" }'), Config)


def test_a_program_is_told_every_mistake(write):
    """As one error, a line for each."""
    path = write("server.prot = 1\nhub.seed = 'x'\n")

    with pytest.raises(UsageMistake) as caught:
        aihub.Settings.from_file(path)

    assert caught.value.message.splitlines() == [
        f"{path}:1: server.prot: is no key here: did you mean 'port'?",
        f"{path}:2: hub.seed: must be a whole number",
    ]


def test_a_server_without_a_file_does_not_load_what_reads_one():
    """Nothing of it is on the way of a start that does not need it."""
    code = "import sys, aihub.config.serving; print([m for m in sys.modules if 'config.file' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


# Beside a command line


@pytest.mark.needs("click")
@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, {"uds": "s.sock", "store": "sqlite:", "allowed_hosts": ("a",), "workers": 2}),
        ({"host": "::1"}, {"uds": None, "host": "::1", "workers": 2}),
        ({"port": 1}, {"uds": None, "port": 1}),
        ({"ephemeral": True}, {"store": None, "uds": "s.sock"}),
        ({"clock": 5}, {"store": None}),
        ({"allowed_hosts": ("b",), "workers": 1}, {"allowed_hosts": ("b",), "workers": 1}),
    ],
)
def test_what_is_typed_wins_over_the_file(read, given, left):
    """And over what in the file it excludes; what the file says of no option changes nothing."""
    from aihub.cli.configured import merge

    config = read(
        '[server]\nuds = "s.sock"\nworkers = 2\nallow_host = ["a"]\n'
        '[hub]\nstore = "sqlite:x.db"\nlost_policy = "nothing"\n'
    )
    defaults = dict.fromkeys(("uds", "store", "allowed_hosts", "host", "port", "clock"))
    options = {**defaults, "ephemeral": False, "workers": 1, **given}

    merged = merge(options, config, given.__contains__)

    assert merged.keys() == options.keys()
    for name, value in left.items():
        found = merged[name]
        if name == "uds" and value:
            found = found.name
        if name == "store" and value:
            found = found[: len(value)]
        assert found == value, name
