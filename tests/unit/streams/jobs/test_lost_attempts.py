"""A lost attempt: who is suspected, who is tried alone, who dies. And that the guilty one alone dies, whoever it is."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.jobs.lost_attempts import LONE_LOSSES, after_loss, company
from streams.jobs.retries import JITTER, Again, Dead
from streams.jobs.schedule import Schedule, Ticket

TIERS = (10.0, 60.0, 600.0, 3600.0, 21_600.0)


@pytest.mark.parametrize(("losses", "most"), [(0, 200), (1, 200), (2, 14), (3, 1), (9, 1)])
def test_the_more_workers_a_job_was_lost_with_the_fewer_others_run_beside_it(losses: int, most: int) -> None:
    assert company(losses, 200) == most


def decide(losses: int, lone: int = 0, *, alone: bool = False) -> Again | Dead:
    return after_loss(losses, lone, alone=alone, tiers=TIERS, seed="job:1:1")


def test_the_first_lost_attempt_of_a_job_delays_it_by_nothing() -> None:
    assert decide(1) == Again(0.0, spends_attempt=False)


@pytest.mark.parametrize(
    ("losses", "delay"), [(2, 10.0), (3, 60.0), (4, 600.0), (5, 3600.0), (6, 21_600.0), (9, 21_600.0)]
)
def test_each_further_one_waits_its_tier(losses: int, delay: float) -> None:
    again = decide(losses)
    assert isinstance(again, Again)
    assert delay <= again.delay <= delay * (1 + JITTER)


def test_one_lost_alone_is_spent_and_so_many_are_proof() -> None:
    assert [decide(9, lone, alone=True) == Dead() for lone in range(1, LONE_LOSSES + 1)] == [False, False, True]
    again = decide(4, 1, alone=True)
    assert isinstance(again, Again)
    assert again.spends_attempt


@given(st.integers(1, 1000))
def test_nobody_dies_for_attempts_lost_in_company(losses: int) -> None:
    assert isinstance(decide(losses), Again)


class Log:
    """Jobs as their log tells of them, over the lives of one worker: a poisoned job ends it, with all in flight."""

    def __init__(self, jobs: int, slots: int, poisoned: set[int], dice: random.Random) -> None:
        self.slots = slots
        self.poisoned = {f"job-{number}" for number in poisoned}
        self.dice = dice
        self.open = {f"job-{number}": (0, 0, 0) for number in range(jobs)}
        self.succeeded: set[str] = set()
        self.dead: set[str] = set()
        self.crashes = 0

    def one_life(self) -> None:
        schedule = Schedule(self.slots, self.slots)
        for number, (job_id, (losses, _, due)) in enumerate(self.open.items()):
            schedule.put(Ticket(job_id, f"w{number % 7}", job_id, 0, due, losses))
        in_flight: list[Ticket] = []
        now = 0
        while self.open:
            while (ticket := schedule.take(now)) is not None:
                in_flight.append(ticket)
            if not in_flight:
                now += 10_000
                continue
            ended = in_flight.pop(self.dice.randrange(len(in_flight)))
            if ended.job_id in self.poisoned:
                self.lose([*in_flight, ended], schedule)
                return
            schedule.release(ended)
            schedule.settle(ended.job_id)
            del self.open[ended.job_id]
            self.succeeded.add(ended.job_id)

    def lose(self, in_flight: list[Ticket], schedule: Schedule) -> None:
        self.crashes += 1
        for ticket in in_flight:
            losses, lone, _ = self.open[ticket.job_id]
            alone = schedule.runs_alone(ticket)
            assert not alone or len(in_flight) == 1, "whoever is said to be alone must be"
            after = after_loss(losses + 1, lone + alone, alone=alone, tiers=TIERS, seed=ticket.job_id)
            if isinstance(after, Dead):
                del self.open[ticket.job_id]
                self.dead.add(ticket.job_id)
            else:
                self.open[ticket.job_id] = (losses + 1, lone + alone, round(after.delay * 1000))


@settings(deadline=None)
@given(
    st.integers(1, 120), st.integers(1, 40), st.sets(st.integers(0, 119), max_size=3), st.randoms(use_true_random=False)
)
def test_the_guilty_die_and_every_innocent_job_succeeds(
    jobs: int, slots: int, poisoned: set[int], dice: random.Random
) -> None:
    poisoned = {number for number in poisoned if number < jobs}
    log = Log(jobs, slots, poisoned, dice)
    while log.open:
        log.one_life()
    assert log.dead == log.poisoned
    assert len(log.succeeded) == jobs - len(poisoned)
    assert log.crashes <= (3 + LONE_LOSSES) * len(poisoned)
