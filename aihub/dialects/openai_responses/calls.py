"""Items of tools that a vendor runs itself, as OpenAI's document has them in an input.

They are checked to the last field, for the input's items are told again; what an item that is told
must have, and one that is sent need not, is filled in.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.units import Json
from ..fields import Check, array, boolean, integer, obj, pairs, string, text_of
from .exact import each, either, having, maybe, real, union, words
from .hosted import FOUND, LOCAL

MAX_TEXT = 10_485_760
"""Characters of a text in such an item: OpenAI's own bound."""

_anything = having({})
_texts = array(string)
_id = maybe(string)
_text = text_of(0, MAX_TEXT)
_call_id = text_of(1, 64)
_sent = {"id": _id, "status": maybe(words("in_progress completed incomplete"))}

# The web, files, servers of others

_searched = words("in_progress searching completed incomplete failed")
_file_search = having(
    {"id": string, "status": _searched, "queries": _texts},
    {
        "results": maybe(
            array(
                having(
                    {},
                    {
                        **dict.fromkeys(("file_id", "text", "filename"), string),
                        "attributes": maybe(each(either(text_of(0, 512), boolean, real))),
                        "score": real,
                    },
                )
            )
        )
    },
)
_web_search = having(
    {
        "id": string,
        "status": words("in_progress searching completed failed"),
        "action": union(
            {
                "search": having(
                    {"query": string},
                    {"queries": _texts, "sources": array(union({"url": having({"url": string})}))},
                ),
                "open_page": having({}, {"url": maybe(string)}),
                "find_in_page": having({"url": string, "pattern": string}),
            }
        ),
    }
)
_mcp_tool = having(
    {"name": string, "input_schema": obj},
    {"description": maybe(string), "annotations": maybe(obj)},
)
_mcp_list = having(
    {"id": string, "server_label": string, "tools": array(_mcp_tool)}, {"error": maybe(string)}
)
_asked_for = dict.fromkeys(("id", "server_label", "name", "arguments"), string)
_mcp_call = having(
    _asked_for,
    {
        **{one: maybe(string) for one in ("output", "error", "approval_request_id")},
        "status": words("in_progress completed incomplete calling failed"),
    },
)
_mcp_answer = having(
    {"approval_request_id": string, "approve": boolean}, {"id": _id, "reason": maybe(string)}
)

# Screens

_at = {"x": integer(), "y": integer()}
_keys = {"keys": maybe(_texts)}
_action = union(
    {
        "click": having({"button": words("left right wheel back forward"), **_at}, _keys),
        "double_click": having({**_at, **_keys}),
        "drag": having({"path": array(having(_at))}, _keys),
        "keypress": having({"keys": _texts}),
        "move": having(_at, _keys),
        "screenshot": _anything,
        "scroll": having({**_at, "scroll_x": integer(), "scroll_y": integer()}, _keys),
        "type": having({"text": string}),
        "wait": _anything,
    }
)
_warnings = array(having({"id": string}, {"code": maybe(string), "message": maybe(string)}))
_computer = having(
    {
        "id": string,
        "call_id": string,
        "pending_safety_checks": _warnings,
        "status": words("in_progress completed incomplete"),
    },
    {"action": _action, "actions": array(_action)},
)
_screen = union({"computer_screenshot": having({}, {"image_url": string, "file_id": string})})
_computer_output = having(
    {"call_id": _call_id, "output": _screen},
    {**_sent, "acknowledged_safety_checks": maybe(_warnings)},
)

# Machines

_logs = union({"logs": having({"logs": string}), "image": having({"url": string})})
_code = having(
    {
        "id": string,
        "status": words("in_progress completed incomplete interpreting failed"),
        "container_id": string,
        "code": maybe(string),
        "outputs": maybe(array(_logs)),
    }
)
_local_shell = having(
    {
        "id": string,
        "call_id": string,
        "action": union(
            {
                "exec": having(
                    {"command": _texts, "env": pairs},
                    {
                        "timeout_ms": maybe(integer()),
                        "working_directory": maybe(string),
                        "user": maybe(string),
                    },
                )
            }
        ),
        "status": words("in_progress completed incomplete"),
    }
)
_local_output = having({"id": string, "output": string}, {"status": _sent["status"]})
_shell = having(
    {
        "call_id": _call_id,
        "action": having(
            {"commands": _texts},
            {"timeout_ms": maybe(integer()), "max_output_length": maybe(integer())},
        ),
    },
    {**_sent, "environment": maybe(union(LOCAL))},
)
_ended = union({"timeout": _anything, "exit": having({"exit_code": integer()})})
_shell_output = having(
    {
        "call_id": _call_id,
        "output": array(having({"stdout": _text, "stderr": _text, "outcome": _ended})),
    },
    {**_sent, "max_output_length": maybe(integer())},
)
_path = text_of(1, MAX_TEXT)
_patch = having(
    {
        "call_id": _call_id,
        "status": words("in_progress completed"),
        "operation": union(
            {
                "create_file": having({"path": _path, "diff": _text}),
                "delete_file": having({"path": _path}),
                "update_file": having({"path": _path, "diff": _text}),
            }
        ),
    },
    {"id": _id},
)
_patch_output = having(
    {"call_id": _call_id, "status": words("completed failed")}, {"id": _id, "output": maybe(_text)}
)

# The rest

_picture = having(
    {
        "id": string,
        "status": words("in_progress completed generating failed"),
        "result": maybe(string),
    }
)
_looked = {**_sent, "call_id": maybe(_call_id), "execution": words("server client")}
_tool_search = having({"arguments": obj}, _looked)
_tools_found = having({"tools": array(FOUND)}, _looked)

CALLS: Mapping[str, Check] = {
    "file_search_call": _file_search,
    "web_search_call": _web_search,
    "computer_call": _computer,
    "image_generation_call": _picture,
    "code_interpreter_call": _code,
    "local_shell_call": _local_shell,
    "shell_call": _shell,
    "apply_patch_call": _patch,
    "tool_search_call": _tool_search,
    "mcp_list_tools": _mcp_list,
    "mcp_approval_request": having(_asked_for),
    "mcp_call": _mcp_call,
}
"""What a model did with a tool of its vendor's, by the items' types."""

RESULTS: Mapping[str, Check] = {
    "computer_call_output": _computer_output,
    "local_shell_call_output": _local_output,
    "shell_call_output": _shell_output,
    "apply_patch_call_output": _patch_output,
    "tool_search_output": _tools_found,
    "mcp_approval_response": _mcp_answer,
}
"""What whoever asks did where such a tool wanted it."""

_FILLED: Mapping[str, Mapping[str, Json]] = {
    "computer_call_output": {"status": "completed"},
    "tool_search_call": {"call_id": None, "execution": "server", "status": "completed"},
    "tool_search_output": {"call_id": None, "execution": "server", "status": "completed"},
    "shell_call": {"status": "completed", "environment": None},
    "shell_call_output": {"status": "completed", "max_output_length": None},
}
_NOT_NULL = frozenset({"id", "status"})


def filled(one: dict[str, Json], id: str) -> dict[str, Json]:
    """Return such an item as it is told."""
    kind = one["type"]
    given = {name: value for name, value in one.items() if name not in _NOT_NULL or value}
    shown = {"id": id, **_FILLED.get(kind, {}), **given}
    if kind == "shell_call":
        shown["action"] = {"timeout_ms": None, "max_output_length": None, **shown["action"]}
    # The document wants a name that it gives no meaning.
    if kind == "mcp_approval_response":
        shown.setdefault("request_id", shown["approval_request_id"])
    if kind == "local_shell_call_output":
        shown.setdefault("call_id", shown["id"])
    if kind == "computer_call_output" and shown["status"] == "in_progress":
        # Whoever sends it has it.
        shown["status"] = "completed"
    if shown.get("acknowledged_safety_checks", ()) is None:
        del shown["acknowledged_safety_checks"]
    return shown
