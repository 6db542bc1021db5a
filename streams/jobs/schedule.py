"""Which job runs next: round-robin over workspaces, one job a lead, earliest due first. Values in, values out.

Each workspace has a heap with the earliest job of each of its leads, so that neither a long backlog nor a lead with
many jobs costs more than a logarithm. Entries are removed lazily: one that no longer tells the truth is dropped when
it comes to the top. Times are milliseconds since the epoch.
"""

from collections import deque
from collections.abc import Set
from heapq import heappop, heappush

import msgspec

from streams.jobs.lost_attempts import company

_Entry = tuple[int, str]


class Ticket(msgspec.Struct, frozen=True, gc=False):
    """All that memory holds of an open job: 200,000 of them must fit beside everything else."""

    job_id: str
    workspace: str
    lead_id: str
    partition: int
    due_ms: int
    #: Attempts whose worker was lost: see `lost_attempts.company`.
    losses: int = 0


class _InFlight:
    """A job that was handed out. It has a slot until `release`, and keeps its lead until `settle`."""

    __slots__ = ("has_slot", "ticket")

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.has_slot = True


class _Workspace:
    """One workspace's turn-taking: its leads' earliest jobs and how many of its jobs run."""

    __slots__ = ("awake", "heap", "running", "wakes_at")

    def __init__(self) -> None:
        self.heap: list[_Entry] = []
        self.running = 0
        #: It is in the ring.
        self.awake = False
        #: The earliest time for which a wake-up is noted; None without one.
        self.wakes_at: int | None = None


class Schedule:
    """The open jobs of this process. `put` and `remove` follow the log, `take` hands out, `settle` ends a run."""

    def __init__(self, slots: int, workspace_slots: int) -> None:
        self._slots = slots
        self._workspace_slots = workspace_slots
        self._tickets: dict[str, Ticket] = {}
        self._lines: dict[str, list[_Entry]] = {}
        self._workspaces: dict[str, _Workspace] = {}
        self._ring: deque[str] = deque()
        self._sleeping: list[tuple[int, str]] = []
        self._in_flight: dict[str, _InFlight] = {}
        self._busy_leads: dict[str, str] = {}
        self._running = 0
        #: How many may run beside each running job that may not run beside all others.
        self._companies: dict[str, int] = {}
        #: The next job waits for others to end, and nobody overtakes it.
        self._is_draining = False

    def __len__(self) -> int:
        """Jobs that wait."""
        return len(self._tickets)

    @property
    def running(self) -> int:
        """Jobs that have a slot."""
        return self._running

    def runs_alone(self, ticket: Ticket) -> bool:
        """True when nothing else has a slot while this job has one."""
        return company(ticket.losses, self._slots) == 1

    def in_flight(self, job_id: str) -> bool:
        """True from `take` to `settle`."""
        return job_id in self._in_flight

    def jobs_of(self, lead_id: str) -> list[str]:
        """The ids of the lead's jobs: the one in flight, and those that wait."""
        in_flight = [self._busy_leads[lead_id]] if lead_id in self._busy_leads else []
        waiting = (entry[1] for entry in self._lines.get(lead_id, []) if self._is_true(entry))
        return list(dict.fromkeys((*in_flight, *waiting)))

    def later_of(self, workspace: str, now_ms: int) -> list[Ticket]:
        """The workspace's jobs that wait for their time. Looks at every job there is."""
        return [one for one in self._tickets.values() if one.workspace == workspace and one.due_ms > now_ms]

    def still_waits(self, ticket: Ticket) -> bool:
        """True when nothing has become of the job since the ticket was looked up."""
        return self._tickets.get(ticket.job_id) is ticket

    def put(self, ticket: Ticket) -> None:
        """The job waits until its due time, and replaces what was known of it. In flight, it is not handed out."""
        self._tickets[ticket.job_id] = ticket
        line = self._lines.setdefault(ticket.lead_id, [])
        heappush(line, (ticket.due_ms, ticket.job_id))
        self._offer(ticket.lead_id)

    def remove(self, job_id: str) -> None:
        """The job waits no more: it ended or is paused. Does not end a run."""
        ticket = self._tickets.pop(job_id, None)
        if ticket is not None:
            self._offer(ticket.lead_id)

    def take(self, now_ms: int) -> Ticket | None:
        """The next job to run, None when no slot is free or nothing may run now."""
        self._wake_sleepers(now_ms)
        self._is_draining = False
        if self._is_full():
            return None
        while self._ring:
            workspace = self._workspaces[self._ring[0]]
            ticket = self._next_of(self._ring[0], workspace, now_ms)
            if ticket is None:
                self._ring.popleft()
                workspace.awake = False
            elif self._running >= company(ticket.losses, self._slots):
                self._is_draining = True
                return None
            else:
                # To the back of the ring: its next turn comes after everybody else's.
                self._ring.rotate(-1)
                return self._hand_out(ticket, workspace)
        return None

    def next_due(self, now_ms: int) -> int | None:
        """When `take` may have something again without any other call; None: not before one."""
        if self._is_draining or self._is_full():
            return None
        if self._ring:
            return now_ms
        return self._sleeping[0][0] if self._sleeping else None

    def release(self, ticket: Ticket) -> None:
        """The run of this ticket is over: its slot is free. The lead is not, until the log says how it ended."""
        flight = self._in_flight.get(ticket.job_id)
        if flight is None or flight.ticket is not ticket or not flight.has_slot:
            return
        flight.has_slot = False
        self._companies.pop(ticket.job_id, None)
        self._running -= 1
        self._workspaces[flight.ticket.workspace].running -= 1
        self._wake(flight.ticket.workspace)

    def settle(self, job_id: str) -> None:
        """The log says how the run ended, and `put` or `remove` said what that means: the lead is free."""
        flight = self._in_flight.get(job_id)
        if flight is not None:
            self.release(flight.ticket)
            del self._in_flight[job_id]
            del self._busy_leads[flight.ticket.lead_id]
            self._offer(flight.ticket.lead_id)

    def clear(self) -> None:
        """Forget everything: the partitions are not ours any more."""
        for known in (
            self._tickets,
            self._lines,
            self._workspaces,
            self._ring,
            self._sleeping,
            self._in_flight,
            self._busy_leads,
            self._companies,
        ):
            known.clear()
        self._running = 0

    def keep(self, partitions: Set[int]) -> None:
        """Forget all jobs of other partitions, also those in flight."""
        waiting = [ticket for ticket in self._tickets.values() if ticket.partition in partitions]
        flights = [flight for flight in self._in_flight.values() if flight.ticket.partition in partitions]
        self.clear()
        for flight in flights:
            self._track(flight)
        for ticket in waiting:
            self.put(ticket)

    def _is_full(self) -> bool:
        return self._running >= min(self._companies.values(), default=self._slots)

    def _offer(self, lead_id: str) -> None:
        """Let the lead's earliest job stand in its workspace's heap."""
        line = self._lines.get(lead_id)
        if line is None:
            return
        while line and not self._is_true(line[0]):
            heappop(line)
        if not line:
            del self._lines[lead_id]
        elif lead_id not in self._busy_leads:
            name = self._tickets[line[0][1]].workspace
            heappush(self._workspaces.setdefault(name, _Workspace()).heap, line[0])
            self._wake(name)

    def _is_true(self, entry: _Entry) -> bool:
        ticket = self._tickets.get(entry[1])
        return ticket is not None and ticket.due_ms == entry[0]

    def _stands_for_its_lead(self, entry: _Entry) -> bool:
        if not self._is_true(entry):
            return False
        lead_id = self._tickets[entry[1]].lead_id
        return lead_id not in self._busy_leads and self._lines[lead_id][0] == entry

    def _next_of(self, name: str, workspace: _Workspace, now_ms: int) -> Ticket | None:
        if workspace.running >= self._workspace_slots:
            return None
        heap = workspace.heap
        while heap and not self._stands_for_its_lead(heap[0]):
            heappop(heap)
        if not heap:
            return None
        due_ms, job_id = heap[0]
        if due_ms > now_ms:
            self._sleep(name, workspace, due_ms)
            return None
        return self._tickets[job_id]

    def _hand_out(self, ticket: Ticket, workspace: _Workspace) -> Ticket:
        """The ticket is at the top of its workspace's heap."""
        heappop(workspace.heap)
        del self._tickets[ticket.job_id]
        self._track(_InFlight(ticket))
        self._offer(ticket.lead_id)
        return ticket

    def _track(self, flight: _InFlight) -> None:
        ticket = flight.ticket
        self._in_flight[ticket.job_id] = flight
        self._busy_leads[ticket.lead_id] = ticket.job_id
        if flight.has_slot:
            self._running += 1
            self._workspaces.setdefault(ticket.workspace, _Workspace()).running += 1
            if (most := company(ticket.losses, self._slots)) < self._slots:
                self._companies[ticket.job_id] = most

    def _wake(self, name: str) -> None:
        workspace = self._workspaces[name]
        if not workspace.awake:
            workspace.awake = True
            self._ring.append(name)

    def _sleep(self, name: str, workspace: _Workspace, until_ms: int) -> None:
        if workspace.wakes_at is None or until_ms < workspace.wakes_at:
            workspace.wakes_at = until_ms
            heappush(self._sleeping, (until_ms, name))

    def _wake_sleepers(self, now_ms: int) -> None:
        while self._sleeping and self._sleeping[0][0] <= now_ms:
            until_ms, name = heappop(self._sleeping)
            workspace = self._workspaces[name]
            if workspace.wakes_at == until_ms:
                workspace.wakes_at = None
            self._wake(name)
