"""What of a row is shown unasked: ids, numbers and codes, never what somebody wrote."""

import pytest

from operations.versions.shown_values import shown
from projections.tables import proj_metadata

#: Columns of text that hold what people wrote or who they are.
PERSONAL = {
    "messages": ("text", "body", "html", "subject", "from_email", "from_name", "account", "attrs", "campaign_name"),
    "leads": ("first_name", "last_name", "email", "phone", "linkedin_url", "alternate_emails", "company"),
    "lead_identities": ("value",),
    "drafts": ("body",),
    "lead_scores": ("reasoning",),
    "message_labels": ("evidence", "contains_phone"),
    "dead_letters": ("reason",),
    "ai_interactions": ("error",),
    "job_steps": ("result",),
    "webhook_receipts": ("dedupe_key", "reason"),
}


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in PERSONAL.items() for c in columns])
def test_what_people_wrote_is_told_by_its_length(table: str, column: str) -> None:
    declared = proj_metadata(1).tables[f"proj_v1.{table}"].columns[column]
    type_ = str(declared.type).lower()
    assert shown(table, column, type_, "Ann Lee", all_values=False) == "(7 characters)"
    assert shown(table, column, type_, "Ann Lee", all_values=True) == "Ann Lee"


@pytest.mark.parametrize(
    ("table", "column", "type_", "value"),
    [
        ("messages", "lead_id", "uuid", "0b5f9d0c-28c8-4c5b-8f4f-6d5fbd2c93a4"),
        ("messages", "sent_at", "timestamp with time zone", "2026-03-02 09:00:00+00"),
        ("message_labels", "confidence", "double precision", "0.75"),
        ("message_labels", "label", "text", "Interested"),
    ],
)
def test_ids_times_numbers_and_codes_are_shown(table: str, column: str, type_: str, value: str) -> None:
    assert shown(table, column, type_, value, all_values=False) == value


def test_null_is_null_and_a_sentence_in_a_column_of_codes_is_hidden() -> None:
    assert shown("messages", "text", "text", None, all_values=False) is None
    sentence = "call me on the number below, it is better than writing here, thank you"
    assert shown("message_labels", "label", "text", sentence, all_values=False) == f"({len(sentence)} characters)"
