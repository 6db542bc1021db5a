"""Every projection Headrace has. A new one is a projector file and an entry here."""

from headrace.events.ai import AiCalled
from headrace.events.conversations import ConversationMoved
from headrace.events.dead_letters import DeadLetterDiscarded, DeadLetterFixed, DeadLetterRedriven
from headrace.events.enrichments import (
    BookingDeclined,
    BookingProposed,
    DraftCreated,
    DraftRejected,
    FollowUpScheduled,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    MessageScreened,
    ReplyDecided,
    StepSkipped,
)
from headrace.events.jobs import (
    JobCancelled,
    JobDied,
    JobPaused,
    JobRedecided,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    MessageMoved,
    MessageReceived,
    MessageSent,
)
from headrace.events.receipts import IngestLatencyMeasured, ReceiptJudged
from headrace.events.topics import AI_INTERACTIONS, DEAD_LETTERS, ENRICHMENTS, INGEST_LATENCY, JOBS, MESSAGES, RECEIPTS
from projections.projection import Projection
from projections.projectors.ai_interactions import project_ai_call
from projections.projectors.dead_letters import (
    DeadLetter,
    project_dead_letter,
    project_discard,
    project_fix,
    project_redrive,
    read_dead_letter,
)
from projections.projectors.enrichments import (
    project_booking,
    project_conclusion,
    project_draft,
    project_follow_up,
    project_label,
    project_reply_decision,
    project_score,
    project_state,
)
from projections.projectors.evidence import project_signal, project_suppression
from projections.projectors.ingest_latency import project_latency
from projections.projectors.jobs import (
    project_cancellation,
    project_death,
    project_nothing,
    project_pause,
    project_redecision,
    project_request,
    project_resumption,
    project_retry,
    project_start,
    project_step,
    project_success,
)
from projections.projectors.leads import project_lead, project_merge, project_move, project_split
from projections.projectors.messages import project_message
from projections.projectors.webhook_receipts import project_receipt

LEADS = Projection(
    name="leads",
    topic=MESSAGES,
    rev=1,
    tables=(
        "messages",
        "leads",
        "lead_identities",
        "lead_merges",
        "lead_splits",
        "message_moves",
        "lead_activity",
        "lead_suppressions",
        "lead_signals",
    ),
    projectors={
        MessageReceived: project_message,
        MessageSent: project_message,
        LeadChanged: project_lead,
        LeadMerged: project_merge,
        LeadSplit: project_split,
        MessageMoved: project_move,
        LeadSuppressed: project_suppression,
        LeadSignalled: project_signal,
    },
)
WEBHOOK_RECEIPTS = Projection(
    name="webhook_receipts",
    topic=RECEIPTS,
    rev=1,
    tables=("webhook_receipts",),
    projectors={ReceiptJudged: project_receipt},
)
INGEST_LATENCIES = Projection(
    name="ingest_latency",
    topic=INGEST_LATENCY,
    rev=1,
    tables=("ingest_latency",),
    projectors={IngestLatencyMeasured: project_latency},
)
DEAD_LETTER_LIST = Projection(
    name="dead_letters",
    topic=DEAD_LETTERS,
    rev=1,
    tables=("dead_letters", "dead_letter_events"),
    projectors={
        DeadLetter: project_dead_letter,
        DeadLetterRedriven: project_redrive,
        DeadLetterFixed: project_fix,
        DeadLetterDiscarded: project_discard,
    },
    decode=read_dead_letter,
)
JOB_HISTORY = Projection(
    name="jobs",
    topic=JOBS,
    rev=1,
    tables=("jobs", "job_progress", "job_attempts", "job_steps", "job_ends", "job_holds"),
    projectors={
        JobRequested: project_request,
        JobStarted: project_start,
        JobStepFinished: project_step,
        JobRetryScheduled: project_retry,
        JobSucceeded: project_success,
        JobDied: project_death,
        JobCancelled: project_cancellation,
        JobPaused: project_pause,
        JobResumed: project_resumption,
        JobRedecided: project_redecision,
        ConversationMoved: project_nothing,
    },
)
CONCLUSIONS = Projection(
    name="enrichments",
    topic=ENRICHMENTS,
    rev=1,
    tables=(
        "enrichments",
        "message_labels",
        "lead_states",
        "follow_ups",
        "booking_decisions",
        "drafts",
        "reply_decisions",
        "lead_scores",
    ),
    projectors={
        StepSkipped: project_conclusion,
        MessageScreened: project_conclusion,
        MessageClassified: project_label,
        LeadStateChanged: project_state,
        FollowUpScheduled: project_follow_up,
        BookingProposed: project_booking,
        BookingDeclined: project_booking,
        DraftCreated: project_draft,
        DraftRejected: project_draft,
        ReplyDecided: project_reply_decision,
        LeadScored: project_score,
    },
)
AI_CALLS = Projection(
    name="ai_interactions",
    topic=AI_INTERACTIONS,
    rev=1,
    tables=("ai_interactions",),
    projectors={AiCalled: project_ai_call},
)

ALL_PROJECTIONS = (
    LEADS,
    WEBHOOK_RECEIPTS,
    INGEST_LATENCIES,
    DEAD_LETTER_LIST,
    JOB_HISTORY,
    CONCLUSIONS,
    AI_CALLS,
)
