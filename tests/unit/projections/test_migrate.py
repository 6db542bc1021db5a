"""How a database URL is spelled does not matter."""

import pytest

from projections.connection import libpq_url
from projections.migrate import sqlalchemy_url

SPELLINGS = ["postgres://u:p@h:1/d", "postgresql://u:p@h:1/d", "postgresql+psycopg://u:p@h:1/d"]


@pytest.mark.parametrize("url", SPELLINGS)
def test_sqlalchemy_gets_our_driver(url: str) -> None:
    made = sqlalchemy_url(url)
    assert made.drivername == "postgresql+psycopg"
    assert made.render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h:1/d"


@pytest.mark.parametrize("url", SPELLINGS)
def test_libpq_gets_its_own_scheme(url: str) -> None:
    assert libpq_url(url) == "postgresql://u:p@h:1/d"


def test_a_socket_directory_stays() -> None:
    assert sqlalchemy_url("postgresql:///d?host=/run/pg").query == {"host": "/run/pg"}
