"""What is counted of a vendor's own tools in a conversation: what a model reads of them."""

import pytest

from aihub.backends.tokens.hosted import hosted_text


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (
            {
                "type": "file_search_call",
                "id": "fs_1",
                "queries": ["Rome"],
                "results": [{"file_id": "f", "text": "Old.", "attributes": {"a": "b"}}],
            },
            "Rome Old. b",
        ),
        (
            {
                "type": "web_search_call",
                "action": {"type": "find_in_page", "url": "https://a", "pattern": "x"},
            },
            "x",
        ),
        (
            {
                "type": "code_interpreter_call",
                "code": "1 + 1",
                "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "url": "data:,"}],
            },
            "1 + 1 2",
        ),
        ({"type": "image_generation_call", "result": "aGk="}, ""),
        ({"type": "mcp_call", "name": "f", "arguments": "{}", "output": None}, "f {}"),
        ("hologram", ""),
    ],
)
def test_the_texts_of_an_item_are_read(item, text):
    """Not its pictures, its addresses, or its type."""
    kind = item["type"] if isinstance(item, dict) else item
    assert hosted_text(kind, item) == text
