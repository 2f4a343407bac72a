"""Tools that a vendor runs itself, as OpenAI's document has them: `Tool` but its functions.

They are checked to the last field, for a response tells its tools again.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.units import Json
from ..fields import (
    Check,
    array,
    boolean,
    described,
    integer,
    name,
    obj,
    pairs,
    schema_of,
    string,
    text_of,
)
from .exact import either, having, maybe, only, real, union, words

_anything = having({})
_texts = array(string)
_some = text_of(1, 10_485_760)
_size = words("low medium high")

# File search

_number_or_text = either(real, string)
_comparison = only(
    {
        "type": words("eq ne gt gte lt lte in nin"),
        "key": string,
        "value": either(array(_number_or_text), boolean, real, string),
    }
)


def _filter(value: Json, path: str) -> Json:
    """Take a comparison, or several that are put together; as deep as any field may be."""
    return (_compound if obj(value, path).get("type") in {"and", "or"} else _comparison)(
        value, path
    )


described({"anyOf": [schema_of(_comparison), {"type": "object"}]}, _filter)
_compound = only({"type": words("and or"), "filters": array(_filter)})
_ranking = having(
    {},
    {
        "ranker": words("auto default-2024-11-15"),
        "score_threshold": real,
        "hybrid_search": having({"embedding_weight": real, "text_weight": real}),
    },
)
_file_search = having(
    {"vector_store_ids": _texts},
    {"max_num_results": integer(), "ranking_options": _ranking, "filters": maybe(_filter)},
)

# Searching the web

_place = {one: maybe(string) for one in ("country", "region", "city", "timezone")}
_web_search = having(
    {},
    {
        "filters": maybe(having({}, {"allowed_domains": maybe(_texts)})),
        "user_location": maybe(having({}, {"type": words("approximate"), **_place})),
        "search_context_size": _size,
    },
)
_web_search_preview = having(
    {},
    {
        "user_location": maybe(having({"type": words("approximate")}, _place)),
        "search_context_size": _size,
        "search_content_types": array(words("text image")),
    },
)

# Servers of others

_of_them = only({}, {"tool_names": _texts, "read_only": boolean})
_mcp = having(
    {"server_label": string},
    {
        "server_url": string,
        "connector_id": words(
            "connector_dropbox connector_gmail connector_googlecalendar connector_googledrive "
            "connector_microsoftteams connector_outlookcalendar connector_outlookemail "
            "connector_sharepoint"
        ),
        "authorization": string,
        "server_description": string,
        "headers": maybe(pairs),
        "allowed_tools": maybe(either(_texts, _of_them)),
        "require_approval": maybe(
            either(words("always never"), only({}, {"always": _of_them, "never": _of_them}))
        ),
        "defer_loading": boolean,
    },
)

# Machines

_container = {
    "file_ids": array(string, high=50),
    "memory_limit": maybe(words("1g 4g 16g 64g")),
    "network_policy": union(
        {
            "disabled": _anything,
            "allowlist": having(
                {"allowed_domains": array(string, 1)},
                {
                    "domain_secrets": array(
                        having({"domain": _some, "name": _some, "value": _some}), 1
                    )
                },
            ),
        }
    ),
}
_archive = union(
    {"base64": having({"media_type": words("application/zip"), "data": text_of(1, 70_254_592)})}
)
_skill = union(
    {
        "skill_reference": having({"skill_id": text_of(1, 64)}, {"version": string}),
        "inline": having({"name": string, "description": string, "source": _archive}),
    }
)
_folder = having({"name": string, "description": string, "path": string})
LOCAL: Mapping[str, Check] = {
    "local": having({}, {"skills": array(_folder, high=200)}),
    "container_reference": having({"container_id": string}),
}
"""Where a shell may be that is not made for it."""

_shell = having(
    {},
    {
        "environment": maybe(
            union(
                {
                    "container_auto": having({}, {**_container, "skills": array(_skill, high=200)}),
                    **LOCAL,
                }
            )
        )
    },
)
_code_interpreter = having({"container": either(string, union({"auto": having({}, _container)}))})
_computer_use = having(
    {
        "environment": words("windows mac linux ubuntu browser"),
        "display_width": integer(),
        "display_height": integer(),
    }
)

# Pictures

_image_generation = having(
    {},
    {
        "model": string,
        "quality": words("low medium high auto"),
        "size": string,
        "output_format": words("png webp jpeg"),
        "output_compression": integer(0, 100),
        "moderation": words("auto low"),
        "background": words("transparent opaque auto"),
        "input_fidelity": maybe(words("high low")),
        "input_image_mask": only({}, {"image_url": string, "file_id": string}),
        "partial_images": integer(0, 3),
        "action": words("generate edit auto"),
    },
)

# Tools among which others are looked for

_custom = having(
    {"name": string},
    {
        "description": string,
        "format": union(
            {
                "text": _anything,
                "grammar": having({"syntax": words("lark regex"), "definition": string}),
            }
        ),
        "defer_loading": boolean,
    },
)
_function = {
    "description": maybe(string),
    "parameters": maybe(obj),
    "strict": maybe(boolean),
    "defer_loading": boolean,
}
_named = having({"name": name}, _function)
_namespace = having(
    {
        "name": _some,
        "description": _some,
        "tools": array(union({"function": _named, "custom": _custom}), 1),
    }
)
_tool_search = having(
    {},
    {
        "execution": words("server client"),
        "description": maybe(string),
        "parameters": maybe(obj),
    },
)

HOSTED: Mapping[str, Check] = {
    "file_search": _file_search,
    "web_search": _web_search,
    "web_search_2025_08_26": _web_search,
    "web_search_preview": _web_search_preview,
    "web_search_preview_2025_03_11": _web_search_preview,
    "mcp": _mcp,
    "code_interpreter": _code_interpreter,
    "image_generation": _image_generation,
    "computer": _anything,
    "computer_use_preview": _computer_use,
    "local_shell": _anything,
    "shell": _shell,
    "apply_patch": _anything,
    "namespace": _namespace,
    "tool_search": _tool_search,
}
"""The vendor's own tools, by their types."""

FOUND: Check = union(
    {
        "function": having(
            {"name": string, "parameters": maybe(obj), "strict": maybe(boolean)}, _function
        ),
        "custom": _custom,
        **HOSTED,
    }
)
"""Any tool, as it is told in an answer."""
