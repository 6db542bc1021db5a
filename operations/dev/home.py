"""Where the local stack keeps its files: one directory a stack, so that two can run at once and one can be wiped."""

from dataclasses import dataclass
from pathlib import Path

#: The checkout.
PROJECT = Path(__file__).resolve().parents[2]
#: Kept outside the homes: every stack, and every test session, uses the same broker program.
DOWNLOADS = PROJECT / ".headrace" / "downloads"


@dataclass(frozen=True)
class Home:
    """The files of one stack."""

    root: Path

    @property
    def kafka(self) -> Path:
        """The broker's configuration and data."""
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        """Postgres' data, or a link to it."""
        return self.root / "postgres"

    @property
    def tables(self) -> Path:
        """The workers' RocksDB files."""
        return self.root / "tables"

    @property
    def logs(self) -> Path:
        """One file for each program."""
        return self.root / "logs"

    @property
    def environment(self) -> Path:
        """Shell lines that point other programs at the running stack."""
        return self.root / "env"

    @property
    def state(self) -> Path:
        """What the supervisor says of its children."""
        return self.root / "state.json"

    @property
    def postgres_password(self) -> Path:
        """Drawn when the database is made."""
        return self.root / "postgres-password"

    @property
    def secrets_key(self) -> Path:
        """Drawn at the first start: what encrypts the workspaces' secrets."""
        return self.root / "secrets-key"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it runs."""
        return self.root / "lock"

    def log(self, name: str) -> Path:
        """The log of one program."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Makes the directories."""
        if not self.root.exists():
            self.root.mkdir(parents=True)
            # Others may pass through, because Postgres may have to run as another user, but not look.
            self.root.chmod(0o711)
        for directory in (self.kafka, self.logs):
            directory.mkdir(mode=0o700, exist_ok=True)
