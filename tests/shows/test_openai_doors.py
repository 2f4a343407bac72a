"""OpenAI's own SDK embeds, judges and continues texts against a real server process."""

import pytest

openai = pytest.importorskip("openai")
pytest.importorskip("trio")

pytestmark = pytest.mark.slow

SMALL = "text-embedding-3-small"


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="test", max_retries=0) as client:
        yield client


def test_vectors_come_as_the_sdk_asks_for_them(client):
    """In base64, which it reads by itself, and as numbers; of tokens, and shorter."""
    packed = client.embeddings.create(model=SMALL, input=["Hello", "there"])
    plain = client.embeddings.create(model=SMALL, input=["Hello", "there"], encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    tokens = client.embeddings.create(model=SMALL, input=[[9906], [1070]], dimensions=8)
    assert [len(one.embedding) for one in tokens.data] == [8, 8]
    assert packed.usage.prompt_tokens > 0


def test_content_is_judged(client):
    """By the default model, texts and parts."""
    told = client.moderations.create(input=["Good day", "I will kill you"])
    assert [one.flagged for one in told.results] == [False, True]
    assert told.results[1].categories.violence
    assert told.results[1].category_scores.violence > 0.5
    parts = client.moderations.create(
        model="omni-moderation-latest", input=[{"type": "text", "text": "Good day"}]
    )
    assert parts.results[0].category_applied_input_types.violence == ["text"]


def test_texts_are_continued(client):
    """Whole and streamed, several prompts, with the prompt before them."""
    asked = {"model": "gpt-3.5-turbo-instruct", "prompt": ["Once", "Then"], "max_tokens": 6}
    whole = client.completions.create(**asked, echo=True, logprobs=2)
    assert [one.text[:4] for one in whole.choices] == ["Once", "Then"]
    assert whole.choices[0].logprobs.tokens
    texts = ["", ""]
    for chunk in client.completions.create(**asked, echo=True, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == [one.text for one in whole.choices]


def test_errors_have_their_classes(client):
    """A model of another kind, and one that there is not."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="gpt-4", input="Hi")
    assert refused.value.param == "model"
    with pytest.raises(openai.BadRequestError) as unknown:
        client.completions.create(model="nope", prompt="Hi")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError):
        client.moderations.create(model="gpt-4", input="Hi")
