"""What `decode_request` takes, as JSON Schema: no narrower than it, and as telling as it can be.

A field that is null counts as not given, and each may also be written with underscores, as in
Google's own samples: such are let be here.
"""

from __future__ import annotations

from ...model.units import Json

CONTENT = "GeminiContent"
REQUEST = "GeminiRequest"
COUNT_REQUEST = "GeminiCountRequest"

_TEXT: Json = {"type": "string"}
_OBJECT: Json = {"type": "object"}
_BOOLEAN: Json = {"type": "boolean"}


def _or_null(schema: Json) -> Json:
    if schema.keys() == {"type"}:
        return {"type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _shape(**fields: Json) -> dict[str, Json]:
    """Return an object whose *fields* may be null."""
    return {"type": "object", "properties": {name: _or_null(one) for name, one in fields.items()}}


def _list(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}


_PART = _shape(
    text=_TEXT,
    inlineData=_shape(mimeType=_TEXT, data=_TEXT),
    fileData=_shape(mimeType=_TEXT, fileUri=_TEXT),
    functionCall=_shape(id=_TEXT, name=_TEXT, args=_OBJECT),
    functionResponse=_shape(id=_TEXT, name=_TEXT, response=_OBJECT),
    thought=_BOOLEAN,
    thoughtSignature=_TEXT,
)
_FUNCTION = _shape(name=_TEXT, description=_TEXT, parameters=_OBJECT, parametersJsonSchema=_OBJECT)


def request_schemas(generation: dict[str, Json], session: Json) -> dict[str, Json]:
    """Return the schemas of requests by name.

    Args:
        generation: those of the plain fields of `generationConfig`, which their checks know.
        session: that of a session's id.
    """
    content = _shape(role={"enum": ["user", "model", "function"]}, parts=_list(_PART))
    reference: Json = {"$ref": f"#/components/schemas/{CONTENT}"}
    contents: Json = {**_list(reference), "minItems": 1}
    config = _shape(
        **generation,
        stopSequences=_list(_TEXT),
        responseMimeType=_TEXT,
        responseSchema=_OBJECT,
        responseJsonSchema=_OBJECT,
        thinkingConfig=_shape(includeThoughts=_BOOLEAN, thinkingBudget={"type": "integer"}),
    )
    calling = _shape(
        mode={"enum": ["MODE_UNSPECIFIED", "AUTO", "VALIDATED", "ANY", "NONE"]},
        allowedFunctionNames=_list(_TEXT),
    )
    request = _shape(
        model=_TEXT,
        systemInstruction=reference,
        tools=_list(_shape(functionDeclarations=_list(_FUNCTION))),
        toolConfig=_shape(functionCallingConfig=calling),
        generationConfig=config,
        sessionId=session,
    )
    request["properties"]["contents"] = contents
    whole: Json = {"$ref": f"#/components/schemas/{REQUEST}"}
    count = _shape(generateContentRequest=whole)
    count["properties"]["contents"] = _or_null(contents)
    return {
        CONTENT: content,
        REQUEST: {**request, "required": ["contents"]},
        # That one of the two must be there is not said: see `openai_chat.request_schema`.
        COUNT_REQUEST: count,
    }
