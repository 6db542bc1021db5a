"""OAuth pairs in Postgres, encrypted: where two workers can see that only one of them refreshes."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from headrace.workspaces.api_credentials import ApiCredentials
from headrace.workspaces.encryption import SecretBox, UndecryptableSecret
from projections.connection import Connect
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)
#: Seconds after which a refresher is taken for dead; its call has a far shorter deadline.
LEASE_S = 90.0


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What an OAuth server hands out. The access token is empty before the first refresh."""

    access: str = ""
    refresh: str

    def __repr__(self) -> str:
        return "Tokens(…)"


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The newest tokens of an account. `generation` grows with each pair."""

    tokens: Tokens
    #: None: it counts no longer, or never did.
    expires_at: datetime | None
    generation: int


class PairStore:
    """Raises psycopg.Error while Postgres is away."""

    def __init__(self, connect: Connect, box: SecretBox) -> None:
        self._connect = connect
        self._box = box

    async def read(self, credentials: ApiCredentials) -> Pair:
        """The newest pair; without one, the chain begins with the refresh token of the workspace file."""
        row = await self._one("read", credentials)
        if row is None:
            first = self._sealed(Tokens(refresh=credentials.secrets["refresh_token"]))
            await self._one("begin", credentials, sealed=first)
            row = await self._one("read", credentials)
        if row is None:
            raise UndecryptableSecret("another workspace file is being applied")
        return Pair(tokens=self._opened(row["sealed"]), expires_at=row["expires_at"], generation=row["generation"])

    async def claim(self, credentials: ApiCredentials, pair: Pair) -> bool:
        """True for the one who may refresh this pair now."""
        claimed = await self._one("claim", credentials, generation=pair.generation, lease=LEASE_S)
        return claimed is not None

    async def store(self, credentials: ApiCredentials, before: Pair, tokens: Tokens, expires_at: datetime) -> None:
        """Committed when it returns: only then may the new pair be used."""
        sealed = self._sealed(tokens)
        generation = before.generation
        await self._one("store", credentials, generation=generation, sealed=sealed, expires_at=expires_at)

    async def release(self, credentials: ApiCredentials, pair: Pair) -> None:
        """Nothing came of a claim."""
        await self._one("release", credentials, generation=pair.generation)

    async def spoil(self, credentials: ApiCredentials, generation: int) -> None:
        """The access token of a generation is refused."""
        await self._one("spoil", credentials, generation=generation)

    async def _one(self, name: str, credentials: ApiCredentials, **more: Any) -> Mapping[str, Any] | None:
        values = {
            "workspace_id": credentials.workspace,
            "provider": credentials.provider,
            "account": credentials.accounts.get("location_id", ""),
            "seed": hashlib.sha256(credentials.secrets["refresh_token"].encode()).hexdigest(),
            **more,
        }
        async with await self._connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_SQL[name], values)
            return await cursor.fetchone() if cursor.description else None

    def _sealed(self, tokens: Tokens) -> str:
        return self._box.encrypt(msgspec.json.encode(tokens).decode())

    def _opened(self, sealed: str) -> Tokens:
        return msgspec.json.decode(self._box.decrypt(sealed), type=Tokens)
