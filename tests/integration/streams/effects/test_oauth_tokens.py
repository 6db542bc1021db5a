"""OAuth pairs in real Postgres, refreshed at the sandbox: one refresher, stored before use, never in the clear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import psycopg
import pytest
from cryptography.fernet import Fernet

from headrace.workspaces.api_credentials import ApiCredentials
from headrace.workspaces.encryption import SecretBox
from operations.dev.sandbox.script import Rule
from projections.connection import connector, libpq_url
from streams.effects.clients.calling import Caller
from streams.effects.clients.ghl import GhlClient
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.oauth_pairs import PairStore
from streams.effects.outcome import AccountHeld, NotReached, RateLimited, Sent
from tests.outside import Outside, outside_world


@dataclass
class Workers:
    """Several effects workers with one database, and the sandbox."""

    outside: Outside
    database_url: str
    box: SecretBox
    stack: AsyncExitStack

    def worker(self, database_url: str | None = None) -> GhlClient:
        caller = Caller()
        self.stack.push_async_callback(caller.aclose)
        store = PairStore(connector(database_url or self.database_url), self.box)
        return GhlClient(caller, OAuthTokens(caller, store))

    def credentials(self, refresh_token: str = "refresh-0") -> ApiCredentials:
        secrets = {"client_id": "app", "client_secret": "app-secret", "refresh_token": refresh_token}
        return replace(self.outside.credentials("ghl"), secrets=secrets)

    def authorise(self, refresh_token: str) -> None:
        self.outside.world.store.token_pairs["L1"] = {"access_token": "", "refresh_token": refresh_token}

    def refreshes(self) -> int:
        return sum(one.route == "token" for one in self.outside.world.store.requests)

    async def send(self, worker: GhlClient, credentials: ApiCredentials, deadline: float = 5.0) -> object:
        return await worker.send_reply(self.outside.reply("ghl"), credentials, deadline)

    def rows(self) -> list[tuple[object, ...]]:
        with psycopg.connect(libpq_url(self.database_url)) as connection:
            return connection.execute("SELECT * FROM ctl.oauth_pairs").fetchall()


@pytest.fixture
async def workers(database_url: str) -> AsyncIterator[Workers]:
    async with outside_world() as outside, AsyncExitStack() as stack:
        found = Workers(outside, database_url, SecretBox([Fernet.generate_key().decode()]), stack)
        found.authorise("refresh-0")
        yield found


async def test_a_token_is_fetched_once_and_used_by_all(workers: Workers) -> None:
    one, other = workers.worker(), workers.worker()
    sends = [workers.send(worker, workers.credentials()) for worker in (one, other) * 5]
    assert all(isinstance(outcome, Sent) for outcome in await asyncio.gather(*sends))
    assert workers.refreshes() == 1
    assert isinstance(await workers.send(workers.worker(), workers.credentials()), Sent)
    assert workers.refreshes() == 1


async def test_nothing_of_it_is_stored_in_the_clear(workers: Workers) -> None:
    await workers.send(workers.worker(), workers.credentials())
    pair = workers.outside.world.store.token_pairs["L1"]
    stored = repr(workers.rows())
    assert stored
    assert [s for s in ("refresh-0", "app-secret", pair["access_token"], pair["refresh_token"]) if s in stored] == []


async def test_a_refused_token_is_replaced_at_the_next_call(workers: Workers) -> None:
    worker = workers.worker()
    assert isinstance(await workers.send(worker, workers.credentials()), Sent)
    workers.outside.world.store.keys["ghl"].clear()
    assert isinstance(await workers.send(worker, workers.credentials()), AccountHeld)
    assert isinstance(await workers.send(worker, workers.credentials()), Sent)
    assert workers.refreshes() == 2


async def test_a_worker_that_slept_takes_the_pair_another_one_fetched(workers: Workers) -> None:
    slow, quick = workers.worker(), workers.worker()
    await workers.send(slow, workers.credentials())
    await workers.send(quick, workers.credentials())
    workers.outside.world.store.keys["ghl"].clear()
    await workers.send(quick, workers.credentials())
    assert isinstance(await workers.send(quick, workers.credentials()), Sent)
    held = await workers.send(slow, workers.credentials())
    assert isinstance(held, Sent | AccountHeld)
    assert isinstance(await workers.send(slow, workers.credentials()), Sent)
    assert workers.refreshes() == 2


async def test_a_refresh_whose_answer_was_lost_holds_the_account_until_it_is_authorised_again(workers: Workers) -> None:
    workers.outside.world.script.add(Rule(fault="close_after", route="token", times=1))
    worker = workers.worker()
    assert isinstance(await workers.send(worker, workers.credentials()), AccountHeld)
    # The claim stays: nobody tries the used token again at once.
    assert isinstance(await workers.send(workers.worker(), workers.credentials(), 0.6), NotReached)
    assert workers.refreshes() == 1
    workers.authorise("refresh-again")
    assert isinstance(await workers.send(worker, workers.credentials("refresh-again")), Sent)
    assert workers.refreshes() == 2


async def test_a_refusal_says_what_to_do(workers: Workers) -> None:
    workers.authorise("another")
    outcome = await workers.send(workers.worker(), workers.credentials())
    assert isinstance(outcome, AccountHeld)
    assert "authorise the account again" in outcome.reason
    assert workers.outside.sent("ghl") == []


async def test_a_refresh_that_did_nothing_may_be_made_again_at_once(workers: Workers) -> None:
    workers.outside.world.script.add(Rule(fault="rate_limited", route="token", times=1))
    worker = workers.worker()
    assert isinstance(await workers.send(worker, workers.credentials()), RateLimited)
    assert isinstance(await workers.send(worker, workers.credentials()), Sent)


async def test_without_postgres_nothing_is_sent(workers: Workers) -> None:
    away = workers.worker("postgresql://nobody@127.0.0.1:9/none")
    assert isinstance(await workers.send(away, workers.credentials()), NotReached)
    assert workers.outside.world.store.requests == []


async def test_a_caller_that_gives_up_does_not_lose_the_pair(workers: Workers) -> None:
    workers.outside.world.script.add(Rule(fault="slow", route="token", times=1, seconds=0.8))
    worker = workers.worker()
    assert isinstance(await workers.send(worker, workers.credentials(), 0.3), NotReached)
    await asyncio.sleep(1.2)
    assert isinstance(await workers.send(worker, workers.credentials()), Sent)
    assert workers.refreshes() == 1
