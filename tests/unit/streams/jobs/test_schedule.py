"""The schedule is fair, respects its bounds, and never hands out what may not run."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.jobs.schedule import Schedule, Ticket

WORKSPACES = st.sampled_from(["a", "b", "c"])


def ticket(number: int, workspace: str = "a", lead: str | None = None, due: int = 0) -> Ticket:
    return Ticket(f"job-{number}", workspace, lead or f"lead-{number}", 0, due)


def taken(schedule: Schedule, now: int = 0) -> list[str]:
    found = []
    while (one := schedule.take(now)) is not None:
        found.append(one.job_id)
    return found


def test_earliest_due_first_and_nothing_before_its_time() -> None:
    schedule = Schedule(slots=10, workspace_slots=10)
    for number, due in enumerate((30, 10, 20)):
        schedule.put(ticket(number, due=due))
    assert taken(schedule, now=20) == ["job-1", "job-2"]
    assert schedule.next_due(20) == 30
    assert taken(schedule, now=30) == ["job-0"]


def test_one_job_of_a_lead_at_a_time() -> None:
    schedule = Schedule(slots=10, workspace_slots=10)
    for number in range(3):
        schedule.put(ticket(number, lead="x", due=number))
    first = schedule.take(100)
    assert first is not None
    assert first.job_id == "job-0"
    assert schedule.take(100) is None
    schedule.release(first)
    assert schedule.take(100) is None, "its slot is free, but the log does not say yet how it ended"
    schedule.settle("job-0")
    assert taken(schedule, 100) == ["job-1"]


def test_a_workspace_at_its_cap_leaves_the_slots_to_others() -> None:
    schedule = Schedule(slots=10, workspace_slots=2)
    for number in range(5):
        schedule.put(ticket(number, "a", due=number))
    schedule.put(ticket(9, "b"))
    assert taken(schedule, 100) == ["job-0", "job-9", "job-1"]
    schedule.settle("job-0")
    assert taken(schedule, 100) == ["job-2"]


def test_no_more_than_the_slots_run() -> None:
    schedule = Schedule(slots=2, workspace_slots=9)
    for number in range(3):
        schedule.put(ticket(number, due=number))
    assert taken(schedule, 100) == ["job-0", "job-1"]
    assert schedule.next_due(100) is None
    schedule.settle("job-1")
    assert taken(schedule, 100) == ["job-2"]


def test_a_job_in_flight_that_is_put_again_waits_for_its_own_end() -> None:
    schedule = Schedule(slots=9, workspace_slots=9)
    schedule.put(ticket(1))
    assert taken(schedule) == ["job-1"]
    schedule.put(ticket(1, due=5))
    assert taken(schedule, 100) == []
    schedule.settle("job-1")
    assert taken(schedule, 4) == []
    assert taken(schedule, 5) == ["job-1"]


def suspect(number: int, losses: int, due: int = 0, workspace: str = "a") -> Ticket:
    return Ticket(f"job-{number}", workspace, f"lead-{number}", 0, due, losses)


def test_a_suspect_waits_until_it_is_alone_and_nobody_overtakes_or_joins_it() -> None:
    schedule = Schedule(slots=9, workspace_slots=9)
    schedule.put(ticket(0))
    assert taken(schedule, 1) == ["job-0"]
    schedule.put(suspect(1, losses=3))
    schedule.put(ticket(2, due=1))
    assert taken(schedule, 1) == []
    assert schedule.next_due(1) is None, "it waits for the other's end, not for a time"
    schedule.settle("job-0")
    assert taken(schedule, 1) == ["job-1"]
    schedule.settle("job-1")
    assert taken(schedule, 1) == ["job-2"]


def test_suspects_run_in_small_company() -> None:
    schedule = Schedule(slots=9, workspace_slots=9)
    for number in range(6):
        schedule.put(suspect(number, losses=2, due=number))
    assert taken(schedule, 9) == ["job-0", "job-1", "job-2"]
    schedule.settle("job-1")
    assert taken(schedule, 9) == ["job-3"]


def test_jobs_of_other_partitions_are_forgotten_and_those_that_stay_go_on() -> None:
    schedule = Schedule(slots=2, workspace_slots=9)
    staying, leaving = ticket(1), Ticket("job-2", "a", "lead-2", 1, 0)
    for one in (staying, leaving):
        schedule.put(one)
    assert len(taken(schedule)) == 2
    schedule.put(ticket(3, lead=staying.lead_id))
    schedule.put(Ticket("job-4", "b", "lead-4", 1, 0))
    schedule.put(ticket(5))
    schedule.keep({0})
    assert (schedule.running, len(schedule)) == (1, 2)
    assert schedule.in_flight(staying.job_id)
    assert not schedule.in_flight(leaving.job_id)
    assert taken(schedule) == ["job-5"], "the slot of the one that left is free, the lead of the one that stayed is not"
    schedule.release(staying)
    schedule.settle(staying.job_id)
    assert taken(schedule) == ["job-3"]


def test_the_end_of_an_old_run_frees_nothing_of_the_new_one() -> None:
    schedule = Schedule(slots=1, workspace_slots=1)
    schedule.put(ticket(1))
    old = schedule.take(0)
    schedule.put(ticket(1, due=0))
    schedule.settle("job-1")
    assert schedule.take(0) is not None
    assert old is not None
    schedule.release(old)
    schedule.put(ticket(2))
    assert schedule.take(0) is None


def test_a_hundred_thousand_due_jobs_delay_others_by_one_turn() -> None:
    schedule = Schedule(slots=1, workspace_slots=1)
    for number in range(100_000):
        schedule.put(ticket(number, "hot"))
    schedule.put(ticket(100_000, "cold"))
    schedule.put(ticket(100_001, "cool"))
    order = []
    for _ in range(4):
        one = schedule.take(10)
        assert one is not None
        order.append(one.workspace)
        schedule.settle(one.job_id)
    assert sorted(order[:3]) == ["cold", "cool", "hot"]
    assert order[3] == "hot"


def test_a_lead_with_many_jobs_costs_others_nothing() -> None:
    schedule = Schedule(slots=5, workspace_slots=5)
    for number in range(10_000):
        schedule.put(ticket(number, lead="chatty", due=number))
    schedule.put(ticket(10_000, due=9_999))
    assert taken(schedule, 10_000) == ["job-0", "job-10000"]


@given(st.lists(st.tuples(WORKSPACES, st.integers(0, 5)), min_size=1, max_size=60), st.integers(1, 4))
def test_between_two_turns_of_a_workspace_every_other_due_one_has_one(jobs: list[tuple[str, int]], slots: int) -> None:
    schedule = Schedule(slots=slots, workspace_slots=slots)
    left: dict[str, int] = defaultdict(int)
    for number, (workspace, _due) in enumerate(jobs):
        schedule.put(ticket(number, workspace))
        left[workspace] += 1
    waited: dict[str, int] = defaultdict(int)
    while (one := schedule.take(0)) is not None:
        schedule.settle(one.job_id)
        left[one.workspace] -= 1
        waited[one.workspace] = 0
        for other, still in left.items():
            if other != one.workspace and still:
                waited[other] += 1
                assert waited[other] < len(left), "somebody had two turns before it"
    assert not any(left.values())


class AgainstANaiveModel(RuleBasedStateMachine):
    """Whatever happens, `take` hands out something exactly when a plain search finds something."""

    @initialize(slots=st.integers(1, 3), workspace_slots=st.integers(1, 2))
    def begin(self, slots: int, workspace_slots: int) -> None:
        self.slots, self.workspace_slots = slots, workspace_slots
        self.schedule = Schedule(slots, workspace_slots)
        self.waiting: dict[str, Ticket] = {}
        self.flying: dict[str, Ticket] = {}
        self.running: dict[str, Ticket] = {}
        self.now = 0

    @rule(number=st.integers(0, 7), due=st.integers(0, 12))
    def put(self, number: int, due: int) -> None:
        # A lead belongs to one workspace, as it does in life.
        lead = number % 4
        one = Ticket(f"job-{number}", "abc"[lead % 3], f"lead-{lead}", 0, due)
        self.schedule.put(one)
        self.waiting[one.job_id] = one

    @rule(number=st.integers(0, 7))
    def remove(self, number: int) -> None:
        self.schedule.remove(f"job-{number}")
        self.waiting.pop(f"job-{number}", None)

    @rule(number=st.integers(0, 7))
    def settle(self, number: int) -> None:
        self.schedule.settle(f"job-{number}")
        self.flying.pop(f"job-{number}", None)
        self.running.pop(f"job-{number}", None)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.running)))
        self.schedule.release(self.running.pop(job_id))

    @rule(by=st.integers(1, 4))
    def wait(self, by: int) -> None:
        self.now += by

    @rule()
    def clear(self) -> None:
        self.schedule.clear()
        self.waiting, self.flying, self.running = {}, {}, {}

    @rule()
    def take(self) -> None:
        may_run = self._may_run()
        one = self.schedule.take(self.now)
        assert (one is None) == (not may_run)
        if one is not None:
            of_workspace = [t.due_ms for t in may_run if t.workspace == one.workspace]
            assert one.due_ms == min(of_workspace)
            self.waiting.pop(one.job_id)
            self.flying[one.job_id] = self.running[one.job_id] = one

    def _may_run(self) -> list[Ticket]:
        if len(self.running) >= self.slots:
            return []
        busy = {one.lead_id for one in self.flying.values()}
        full = {
            name for name in "abc" if sum(t.workspace == name for t in self.running.values()) >= self.workspace_slots
        }
        return [
            one
            for one in self.waiting.values()
            if one.due_ms <= self.now and one.lead_id not in busy and one.workspace not in full
        ]

    @invariant()
    def it_wakes_in_time(self) -> None:
        if not hasattr(self, "schedule"):
            return
        assert len(self.schedule) == len(self.waiting)
        assert self.schedule.running == len(self.running)
        due = self.schedule.next_due(self.now)
        if self._may_run():
            assert due is not None
            assert due <= self.now


AgainstANaiveModel.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestAgainstANaiveModel = AgainstANaiveModel.TestCase
