"""What a machine without Java or Maven is told."""

from pathlib import Path

import pytest

from operations.dev.cannot_start import OTHER_WAY, CannotStart
from operations.dev.kafka import fetch_jars, find_java, java_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_412"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("no idea", None),
    ],
)
def test_java_version(text: str, version: int | None) -> None:
    assert java_version(text) == version


def test_missing_java(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"^Java is missing: install .* 17 or newer") as refusal:
        find_java({"PATH": str(tmp_path)})
    assert OTHER_WAY in str(refusal.value)


def test_old_java(tmp_path: Path) -> None:
    _program(tmp_path / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    with pytest.raises(CannotStart, match=r"^Java 11 is too old for Kafka: install Java 17 or newer") as refusal:
        find_java({"PATH": str(tmp_path)})
    assert OTHER_WAY in str(refusal.value)


def test_java_home_comes_first(tmp_path: Path) -> None:
    _program(tmp_path / "bin" / "java", "echo 'openjdk version \"21.0.1\"' >&2")
    assert find_java({"PATH": "/usr/bin", "JAVA_HOME": str(tmp_path)}) == str(tmp_path / "bin" / "java")


def test_missing_maven(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"^Maven is missing, which fetches Kafka") as refusal:
        fetch_jars({"PATH": str(tmp_path)}, tmp_path / "downloads")
    assert OTHER_WAY in str(refusal.value)


def test_failing_maven_leaves_nothing_that_looks_like_a_broker(tmp_path: Path) -> None:
    _program(tmp_path / "mvn", "echo '[ERROR] no route to the registry'; exit 1")
    with pytest.raises(CannotStart, match="no route to the registry"):
        fetch_jars({"PATH": f"{tmp_path}:/usr/bin:/bin"}, tmp_path / "downloads")
    assert not list(tmp_path.glob("downloads/*"))


def test_maven_is_not_asked_twice(tmp_path: Path) -> None:
    _program(tmp_path / "mvn", 'for a; do case $a in -DoutputDirectory=*) mkdir -p "${a#*=}";; esac; done')
    jars = fetch_jars({"PATH": f"{tmp_path}:/usr/bin:/bin"}, tmp_path / "downloads")
    assert jars.is_dir()
    assert fetch_jars({"PATH": ""}, tmp_path / "downloads") == jars


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
