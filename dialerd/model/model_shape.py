"""The JSON Schema of a checked model, asked by path: which keys may stand there and of what form a value is.

Never checks a value: the model does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class _Schema(GenerateJsonSchema):
    """JSON Schema of what may be given, where the models take a moment as text too."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        return {"anyOf": [{"type": "string", "format": "date-time"}, inner]}


class ModelShape:
    """What may stand under each path of a model; a path's parts are keys and the numbers of list items, all as text."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.whole: dict[str, Any] = model.model_json_schema(schema_generator=_Schema)

    def at(self, path: Sequence[str]) -> list[dict[str, Any]]:
        """The schemas of which a value at `path` has to fit one; none for a path that the model does not know."""
        shapes = self._branches(self.whole)
        for part in path:
            below: list[dict[str, Any]] = []
            for shape in shapes:
                inner = shape.get("properties", {}).get(part)
                for one in (inner, *shape.get("patternProperties", {}).values(), shape.get("additionalProperties")):
                    if isinstance(one, dict):
                        below += self._branches(one)
                        break
                if "items" in shape and part.isdecimal():
                    below += self._branches(shape["items"])
            shapes = below
        return shapes

    def keys_at(self, path: Sequence[str]) -> list[str]:
        """The keys that may stand at `path`, in the model's order."""
        return [key for shape in self.at(path) for key in shape.get("properties", {})]

    def is_moment(self, path: Sequence[str]) -> bool:
        """Whether a moment may stand at `path`."""
        return any(branch.get("format") == "date-time" for branch in self.at(path))

    def _branches(self, shape: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in shape:
            return self._branches(self.whole["$defs"][shape["$ref"].rsplit("/", 1)[-1]])
        inner = [*shape.get("anyOf", ()), *shape.get("allOf", ())]
        return [branch for one in inner for branch in self._branches(one)] if inner else [shape]
