"""Values that fit a JSON Schema: structured output, and the arguments of tool calls."""

from .free import free_object as free_object
from .refusal import SchemaRefused as SchemaRefused
from .strict import check_strict as check_strict
from .template import Template as Template
from .template import compile_schema as compile_schema
from .template import template_of as template_of
