"""Which Postgres is used, and where its data goes."""

from pathlib import Path

import pytest

from operations.dev.postgres import open_to_all, postgres_version, wipe


@pytest.mark.parametrize(
    ("text", "version"),
    [("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", 15), ("postgres (PostgreSQL) 18devel", 18), ("?", None)],
)
def test_postgres_version(text: str, version: int | None) -> None:
    assert postgres_version(text) == version


def test_one_closed_directory_closes_all_below(tmp_path: Path) -> None:
    inner = tmp_path / "home" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    assert not open_to_all(inner)


def test_the_root_directory_is_open() -> None:
    assert open_to_all(Path("/"))


def test_wipe_follows_the_link_that_leads_to_the_data(tmp_path: Path) -> None:
    data, link = tmp_path / "data", tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("18")
    link.symlink_to(data)
    wipe(link)
    assert not data.exists()
    assert not link.is_symlink()


def test_wipe_of_nothing_is_nothing(tmp_path: Path) -> None:
    wipe(tmp_path / "postgres")
    assert not list(tmp_path.iterdir())
