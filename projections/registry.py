"""The projections of the read models (`projections.read_models`): each is in the file of its name in `projectors`."""

from importlib import import_module

from sqlalchemy import MetaData

from projections.projection import Projection
from projections.read_models import READ_MODELS
from projections.tables import new_metadata


def _projection(name: str) -> Projection:
    projection = import_module(f"projections.projectors.{name}").PROJECTION
    if not isinstance(projection, Projection) or projection.name != name:
        raise TypeError(f"PROJECTION in projections/projectors/{name}.py must be the Projection named {name!r}")
    return projection


ALL_PROJECTIONS = tuple(_projection(name) for name in READ_MODELS)


def proj_metadata(version: int) -> MetaData:
    """The tables of one version of the read model."""
    metadata = new_metadata(version)
    for projection in ALL_PROJECTIONS:
        projection.declare(metadata)
    return metadata
