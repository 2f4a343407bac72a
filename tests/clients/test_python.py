"""instructor, litellm and Simon Willison's llm, unmodified, at a real server."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

instructor = pytest.importorskip("instructor")
openai = pytest.importorskip("openai")
pydantic = pytest.importorskip("pydantic")
with warnings.catch_warnings():
    # What a client does with its own libraries is its own affair.
    warnings.simplefilter("ignore")
    litellm = pytest.importorskip("litellm")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SECONDS = 120
ASKED = "Tell me about Paris in one sentence."
HELLO = [{"role": "user", "content": ASKED}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class City(pydantic.BaseModel):
    """What an answer in a form must be."""

    name: str
    people: int


# instructor


@pytest.fixture
def client(server):
    """The SDK that instructor is put around."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="test", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("mode", ["TOOLS", "TOOLS_STRICT", "JSON_SCHEMA"])
def test_instructor_gets_objects(client, mode):
    """By a tool, or by a format; a form that is told in words alone the mock does not read."""
    asking = instructor.from_openai(client, mode=instructor.Mode[mode])
    city = asking.chat.completions.create(model="gpt-4o", messages=HELLO, response_model=City)
    assert isinstance(city, City)


def test_instructor_gets_objects_while_they_come(client):
    """A part at a time, and one after another."""
    asking = instructor.from_openai(client)
    *_, last = asking.chat.completions.create_partial(
        model="gpt-4o", messages=HELLO, response_model=City
    )
    assert isinstance(last.people, int)


def test_instructor_says_what_was_refused(client):
    """The SDK's own error is in its own."""
    asking = instructor.from_openai(client)
    with pytest.raises(Exception, match="Invalid model specified"):
        asking.chat.completions.create(
            model="nope", messages=HELLO, response_model=City, max_retries=0
        )


# litellm


@pytest.fixture
def where(server):
    """How litellm is told where to ask."""
    return {"api_base": f"{server.url}/v1", "api_key": "test", "num_retries": 0}


def test_litellm_asks_whole_and_streamed(where):
    """As one of OpenAI's own."""
    whole = litellm.completion(model="openai/gpt-4o", messages=HELLO, **where)
    chunks = list(litellm.completion(model="openai/gpt-4o", messages=HELLO, stream=True, **where))
    streamed = "".join(one.choices[0].delta.content or "" for one in chunks)
    assert streamed == whole.choices[0].message.content
    assert whole.usage.total_tokens > 0


def test_litellm_asks_at_anthropics_door(server):
    """The same hub by other words."""
    told = litellm.completion(
        model="anthropic/claude-opus-4-6",
        messages=HELLO,
        api_base=server.url,
        api_key="test",
        num_retries=0,
        max_tokens=100,
    )
    assert told.choices[0].message.content


def test_litellm_has_tools_called_and_gets_objects(where):
    """The call, its result, the answer; and an answer in a form."""
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = litellm.completion(model="openai/gpt-4o", messages=asked, tools=[WEATHER], **where)
    [call] = first.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    asked += [
        first.choices[0].message.model_dump(),
        {"role": "tool", "tool_call_id": call.id, "content": "19 degrees"},
    ]
    second = litellm.completion(model="openai/gpt-4o", messages=asked, tools=[WEATHER], **where)
    assert "19 degrees" in second.choices[0].message.content
    form = litellm.completion(model="openai/gpt-4o", messages=HELLO, response_format=City, **where)
    assert City.model_validate_json(form.choices[0].message.content)


def test_litellm_embeds(where):
    """Vectors as of OpenAI's."""
    told = litellm.embedding(model="openai/text-embedding-3-small", input=["Hello"], **where)
    assert len(told.data[0]["embedding"]) == 1536


def test_litellm_knows_our_errors(where):
    """By its own classes."""
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(model="openai/nope", messages=HELLO, **where)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(model="openai/gpt-4o", messages=HELLO, temperature=9, **where)
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="openai/gpt-4o", messages=HELLO, **{**where, "api_key": "wrong"})


# llm

MODELS = """
- model_id: hub
  model_name: gpt-4o
  api_base: {url}/v1
  api_key_name: openai
  supports_schema: true
  supports_tools: true
"""
TOOL = "def get_weather(city: str) -> str:\n    return '19 degrees in ' + city\n"


@pytest.fixture
def run_llm(server, tmp_path):
    """Run the command `llm` with our server among its models."""
    (tmp_path / "extra-openai-models.yaml").write_text(MODELS.format(url=server.url))
    env = {**os.environ, "LLM_USER_PATH": str(tmp_path), "OPENAI_API_KEY": "test"}

    def run(*arguments, key="test"):
        command = [str(Path(sys.executable).with_name("llm")), *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**env, "OPENAI_API_KEY": key},
            stdin=subprocess.DEVNULL,
        )

    return run


def test_llm_asks_whole_and_streamed(run_llm):
    """The same words both ways, and a conversation is gone on with."""
    streamed = run_llm("-m", "hub", ASKED)
    whole = run_llm("-m", "hub", "--no-stream", ASKED)
    assert (streamed.returncode, whole.returncode) == (0, 0), streamed.stderr + whole.stderr
    assert streamed.stdout == whole.stdout
    assert len(whole.stdout) > 20
    on = run_llm("-c", "And Rome?")
    assert on.returncode == 0, on.stderr


def test_llm_has_tools_called_and_gets_objects(run_llm, tmp_path):
    """A function of one's own; an answer by a schema in its short form."""
    file = tmp_path / "tools.py"
    file.write_text(TOOL)
    told = run_llm("-m", "hub", "--functions", str(file), "What is the weather in Paris?")
    assert "19 degrees in Paris" in told.stdout, told.stderr
    form = run_llm("-m", "hub", "--schema", "name, people int", ASKED)
    assert type(json.loads(form.stdout)["people"]) is int, form.stderr


def test_llm_says_what_went_wrong(run_llm):
    """A key that is none."""
    told = run_llm("-m", "hub", ASKED, key="wrong")
    assert told.returncode != 0
    assert "Incorrect API key" in told.stderr + told.stdout
