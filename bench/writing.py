"""What the mock takes to write JSON by a usual schema: eight properties, one of them an object.

Run as a process of its own (`python -m bench.writing`), as `bench.inprocess` is.
"""

from __future__ import annotations

import argparse
import json
import sys
from time import process_time

from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.schema import template_of
from aihub.backends.providers.mock.text import Subject

PROMPT = "What will the weather be in Paris, France for the next 3 days, in celsius?"
STRING = {"type": "string"}
AUTHOR = {
    "type": "object",
    "properties": {"name": STRING, "email": {"type": "string", "format": "email"}},
    "required": ["name", "email"],
    "additionalProperties": False,
}
PROPERTIES = {
    "title": STRING,
    "summary": {"type": "string", "maxLength": 60},
    "city": STRING,
    "temperature": {"type": "number"},
    "unit": {"enum": ["celsius", "fahrenheit"]},
    "rain": {"type": "boolean"},
    "tags": {"type": "array", "items": STRING},
    "author": AUTHOR,
}
SCHEMA = {
    "type": "object",
    "properties": PROPERTIES,
    "required": list(PROPERTIES),
    "additionalProperties": False,
}


def measure(calls: int) -> dict[str, float]:
    """Write *calls* values, each of other choices, and give what one took, in microseconds.

    The schema comes with each request, so finding its template is a part of it.
    """
    subject = Subject(PROMPT)
    seeds = [b"%032d" % n for n in range(calls)]
    template_of(SCHEMA)
    began = process_time()
    for seed in seeds:
        template_of(SCHEMA).write(Chooser(seed), subject)
    return {"cpu_us": (process_time() - began) * 1e6 / calls}


def main() -> int:
    """Print the figure as JSON."""
    parser = argparse.ArgumentParser(description="Write JSON by a schema; print JSON.")
    parser.add_argument("--calls", type=int, default=5000)
    json.dump(measure(parser.parse_args().calls), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
