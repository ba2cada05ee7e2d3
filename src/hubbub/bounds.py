"""Limits of numbers in settings, stated in their types; `hubbub.train.recipe_file` lets pydantic enforce them."""

from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class Bounds:
    """Limits of a number, which pydantic enforces when a recipe is read."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Pydantic's hook: the number's own schema with the limits added, and neither infinite nor NaN."""
        limits = {name: value for name, value in vars(self).items() if value is not None}
        schema = handler(source) | limits
        return schema | {"allow_inf_nan": False} if schema["type"] == "float" else schema


STRICT: dict[str, str] = {"extra": "forbid"}  #: pydantic's setting for dataclasses that allow no unknown keys
Positive = Annotated[float, Bounds(gt=0)]
Amount = Annotated[float, Bounds(ge=0)]
Share = Annotated[float, Bounds(ge=0, lt=1)]
Chance = Annotated[float, Bounds(ge=0, le=1)]
Count = Annotated[int, Bounds(ge=1)]
Size = Annotated[int, Bounds(ge=0)]
