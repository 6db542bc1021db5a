"""The projections of the read models (`projections.read_models`): each is in the file of its name in `projectors`.

Who reads rows asks here, too, and should not wait for SQLAlchemy: no projector's file imports it outside of a function.
"""

from importlib import import_module

from projections.projection import Projection
from projections.read_models import READ_MODELS


def _projection(name: str) -> Projection:
    projection = import_module(f"projections.projectors.{name}").PROJECTION
    if not isinstance(projection, Projection) or projection.name != name:
        raise TypeError(f"PROJECTION in projections/projectors/{name}.py must be the Projection named {name!r}")
    return projection


ALL_PROJECTIONS = tuple(_projection(name) for name in READ_MODELS)
