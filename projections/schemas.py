"""The names of the schemas, for those that only read rows: the tables' declarations cost a quarter of a second."""


def proj_schema(version: int) -> str:
    """The schema of a version's tables."""
    return f"proj_v{version}"
