"""What a model cannot do, as its provider would say it.

Facts come from the catalogue; texts and codes are OpenAI's. A rule is a function of a call that
raises; `check` runs them all. What OpenAI's document allows is let be, however odd: it is the
dialect that checks types and ranges, and this that knows models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from ....errors import InvalidRequest
from ....messages import Msg
from ....model.catalogue import Model
from ....model.chat import COMPACTION, Chat, OtherPart, Role
from ....protocols import ProviderCall
from .reasoning import efforts, is_openai_reasoner, reasons, shown
from .tools import KINDS as _TOOLS

_OPENAI, _RESPONSES = "openai_chat", "openai_responses"

# Parts by role; what each needs of a model's inputs.
_PARTS: dict[str, frozenset[str]] = {
    "text": frozenset(),
    "refusal": frozenset(),
    "image_url": frozenset({"image"}),
    "input_audio": frozenset({"audio"}),
    "file": frozenset({"pdf", "image"}),
}
_BY_ROLE: dict[Role, tuple[str, ...]] = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_TEXT_ALONE = ("text",)

# What other vendors' documents know besides, wherever in a chat it stands.
_OTHERS: Mapping[str, frozenset[str]] = {
    "anthropic": frozenset(
        """
        bash_code_execution_tool_result code_execution_tool_result container_upload document image
        mid_conv_system search_result server_tool_use text_editor_code_execution_tool_result
        tool_reference
        tool_result tool_search_tool_result tool_use web_fetch_tool_result web_search_tool_result
        """.split()  # noqa: SIM905 - a list of so many is read better so
    ),
    _RESPONSES: frozenset(
        """
        apply_patch_call apply_patch_call_output code_interpreter_call compaction_trigger
        computer_call computer_call_output file_search_call image_generation_call input_file
        input_image local_shell_call local_shell_call_output mcp_approval_request
        mcp_approval_response mcp_call mcp_list_tools
        shell_call shell_call_output tool_search_call tool_search_output web_search_call
        """.split()  # noqa: SIM905
    ),
    "gemini": frozenset(
        """
        codeExecutionResult executableCode fileData functionCall functionResponse inlineData part
        toolCall toolResponse videoMetadata
        """.split()  # noqa: SIM905
    ),
}
_NEEDED = {
    **_PARTS,
    **dict.fromkeys(("image", "input_image"), frozenset({"image"})),
    **dict.fromkeys(("document", "input_file"), frozenset({"pdf", "image"})),
}

_HOSTED = (
    *("apply_patch", "code_interpreter", "computer", "computer_use_preview", "file_search"),
    *("image_generation", "local_shell", "mcp", "namespace", "shell", "tool_search"),
    *("web_search", "web_search_2025_08_26"),
    *("web_search_preview", "web_search_preview_2025_03_11"),
)
"""Tools of OpenAI's Responses that the mock lets be."""

_NO_STOP = re.compile(r"^(o3|o4|gpt-5)")
_PREDICTS = re.compile(r"^gpt-4(o|\.1)")
_SEARCHES = re.compile("search|sonar")
_FORMATS = ("text", "json_object", "json_schema")


def check(model: Model, chat: Chat) -> None:
    """Refuse what *model* cannot do.

    Raises:
        InvalidRequest: with the field's name and the provider's text and code.
    """
    for rule in _RULES:
        rule(model, chat)


def check_readable(chat: Chat) -> None:
    """Refuse what stands for words that the mock does not know; raises `InvalidRequest`."""
    for n, message in enumerate(chat.messages):
        if message.stands_for_others:
            _unknown_value(COMPACTION, tuple(sorted(_PARTS)), f"messages[{n}].content")


def check_room(call: ProviderCall) -> None:
    """Refuse what the model's context has no room for.

    Raises:
        InvalidRequest: prompt and answer together are longer.
    """
    most, window = call.chat.bound, call.model.context_window
    if most is None or call.prompt.tokens + most <= window:
        return
    asked = call.prompt.tokens + most
    _refuse(
        Msg(
            "This model's maximum context length is {window} tokens. However, you "
            "requested {asked} tokens ({tokens} in the messages, {most} in the "
            "completion). Please reduce the length of the messages or completion.",
            window=window,
            asked=asked,
            tokens=call.prompt.tokens,
            most=most,
        ),
        "messages",
        "context_length_exceeded",
    )


def _refuse(message: str, param: str, code: str) -> NoReturn:
    raise InvalidRequest(message, param=param, code=code)


def _unsupported(param: str) -> NoReturn:
    _refuse(
        Msg("Unsupported parameter: '{param}' is not supported with this model.", param=param),
        param,
        "unsupported_parameter",
    )


def _unknown_value(value: str, known: tuple[str, ...], param: str) -> NoReturn:
    listed = ", ".join([f"'{one}'" for one in known])
    _refuse(
        Msg(
            "Invalid value: '{value}'. Supported values are: {known}.",
            value=value[:64],
            known=listed,
        ),
        param,
        "invalid_value",
    )


# What is asked of whom


def _parts(model: Model, chat: Chat) -> None:
    for n, message in enumerate(chat.messages):
        if message.content.__class__ is not tuple:
            continue
        for m, part in enumerate(message.content or ()):
            if not isinstance(part, OtherPart):
                continue
            if part.dialect == chat.dialect == _OPENAI:
                known = _BY_ROLE.get(message.role, _TEXT_ALONE)
                _part(model, part, known, f"messages[{n}].content[{m}].type")
            else:
                # In other words its place is another, and so are the roles that may have it.
                others = _OTHERS.get(part.dialect, frozenset())
                where = f"messages[{n}].content" if part.is_compaction else "messages"
                _part(model, part, tuple(sorted({*others, *_PARTS})), where)


def _part(model: Model, part: OtherPart, known: tuple[str, ...], param: str) -> None:
    if part.type not in known:
        _unknown_value(part.type, known, param)
    needed = _NEEDED.get(part.type)
    if needed and not needed & model.inputs:
        text = Msg(
            "Invalid content type. {type} is only supported by certain models.", type=part.type
        )
        _refuse(text, param, "invalid_value")


def _length(model: Model, chat: Chat) -> None:
    most = chat.bound
    if most is None:
        return
    param = "max_tokens" if chat.max_completion_tokens is None else "max_completion_tokens"
    if model.max_output is not None and most > model.max_output:
        _refuse(
            Msg(
                "{param} is too large: {most}. This model supports at most {max_output} "
                "completion tokens, whereas you provided {most}.",
                param=param,
                most=most,
                max_output=model.max_output,
            ),
            param,
            "invalid_value",
        )


# Reasoning models


def _effort(model: Model, chat: Chat) -> None:
    asked = chat.reasoning_effort
    if asked is None:
        return
    if asked == "none" and chat.dialect != _OPENAI:
        # Elsewhere it is how to say that a model should not do what it may not be able to.
        return
    if not reasons(model):
        _unsupported("reasoning_effort")
    known = efforts(model)[0]
    if asked not in known:
        listed = ", ".join([f"'{one}'" for one in known])
        _refuse(
            Msg(
                "Unsupported value: 'reasoning_effort' does not support '{asked}' with this "
                "model. Supported values are: {listed}.",
                asked=asked[:64],
                listed=listed,
            ),
            "reasoning_effort",
            "unsupported_value",
        )


def _thinking(model: Model, chat: Chat) -> None:
    if chat.dialect == "anthropic" and shown(chat) is not None and not reasons(model):
        _unsupported("thinking")


_DEFAULTS = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}
_NOT_GIVEN = (None, False)


def _sampling(model: Model, chat: Chat) -> None:
    """A model without a temperature takes none but the default; OpenAI's take less still."""
    if "temperature" in model.features or not model.features:
        return
    openai = is_openai_reasoner(model)
    if openai and (chat.reasoning_effort or efforts(model)[1]) == "none":
        return
    for param, default in _DEFAULTS.items():
        value = getattr(chat, param)
        if value is not None and value != default and (openai or param == "temperature"):
            _refuse(
                Msg(
                    "Unsupported value: '{param}' does not support {value} with this model. Only "
                    "the default ({default}) value is supported.",
                    param=param,
                    value=f"{value:g}",
                    default=default,
                ),
                param,
                "unsupported_value",
            )
    if openai:
        for param in ("logprobs", "top_logprobs", "logit_bias"):
            if getattr(chat, param) not in _NOT_GIVEN:
                _unsupported(param)


def _names_of_bounds(model: Model, chat: Chat) -> None:
    if not is_openai_reasoner(model):
        return
    # Others have one name for it, and may have to give it.
    if chat.max_tokens is not None and chat.dialect == _OPENAI:
        _refuse(
            Msg(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead."
            ),
            "max_tokens",
            "unsupported_parameter",
        )
    if chat.stop and _NO_STOP.match(model.id):
        _unsupported("stop")


# Tools and formats


def _tools(model: Model, chat: Chat) -> None:
    if not chat.tools and chat.tool_choice is None:
        return
    param = "functions" if chat.legacy else "tools"
    if chat.tools and model.features and "tools" not in model.features:
        _unsupported(param)
    for n, tool in enumerate(chat.tools):
        # A vendor's own tools are let be in its own words: the mock does without them.
        known = _TOOLS if tool.dialect is None else (*_TOOLS, *_HOSTED)
        if tool.kind not in known and chat.dialect == _OPENAI:
            _unknown_value(tool.kind, known, f"{param}[{n}].type")
    _choice(chat, param)


def _choice(chat: Chat, tools: str) -> None:
    choice = chat.tool_choice
    param = "function_call" if chat.legacy else "tool_choice"
    if choice is None:
        return
    if choice.hosted is not None:
        _hosted(chat, choice.hosted["type"], param, tools)
    names = {tool.name for tool in chat.tools}
    for name in choice.only or ():
        if name not in names:
            _refuse(
                Msg(
                    "Tool choice '{name}' not found in '{tools}' parameter.",
                    name=name[:64],
                    tools=tools,
                ),
                param,
                "invalid_value",
            )
    if choice.mode == "required" and not (choice.only or names):
        _refuse(
            Msg(
                "Invalid value for '{param}': '{param}' is only allowed when '{tools}' are "
                "specified.",
                param=param,
                tools=tools,
            ),
            param,
            "invalid_value",
        )


def _hosted(chat: Chat, kind: str, param: str, tools: str) -> None:
    """Refuse the choice of a vendor's own tool that is not among the tools, in any version."""
    family = kind.partition("_")[0]
    if family not in {tool.kind.partition("_")[0] for tool in chat.tools}:
        _refuse(
            Msg("Tool choice '{name}' not found in '{tools}' parameter.", name=kind, tools=tools),
            param,
            "invalid_value",
        )


def _format(_model: Model, chat: Chat) -> None:
    wanted = chat.response_format
    if wanted is not None and wanted.kind not in _FORMATS:
        _unknown_value(wanted.kind, _FORMATS, "response_format.type")


# The rest


def _top_logprobs(_model: Model, chat: Chat) -> None:
    if chat.top_logprobs is not None and not chat.logprobs:
        _refuse(
            Msg("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
            "top_logprobs",
            "invalid_value",
        )


def _extras(model: Model, chat: Chat) -> None:
    extra = chat.extra
    if not extra:
        return
    if extra.get("prediction") and not _PREDICTS.match(model.id):
        _unsupported("prediction")
    if extra.get("web_search_options") is not None and not _SEARCHES.search(model.id):
        _unsupported("web_search_options")
    modalities = extra.get("modalities") or ()
    if "audio" in modalities or extra.get("audio"):
        # None of OpenAI's catalogue models speaks, and the mock has no voice for others.
        param = "modalities" if "audio" in modalities else "audio"
        _refuse(
            Msg(
                "Unsupported value: '{param}' asks for audio, which is not supported with this "
                "model.",
                param=param,
            ),
            param,
            "unsupported_value",
        )


_RULES: tuple[Callable[[Model, Chat], None], ...] = (
    _parts,
    _names_of_bounds,
    _length,
    _effort,
    _thinking,
    _sampling,
    _tools,
    _format,
    _top_logprobs,
    _extras,
)
