"""A provider as its author writes it: an id, an author and words. Becomes headrace/providers/toy.py."""

from headrace.events.ids import conversation_id, message_id
from headrace.events.inbox import Identity, InboxMessage
from headrace.providers.adapter import Adapter, Delivery, Normalised, Payload, Proofs, Receipt
from headrace.providers.identities import identities
from headrace.providers.outcomes import EventKey, fresh

NAME = "toy"


def _deliver(workspace: str, payload: Payload) -> Delivery:
    return EventKey(event="said", identifier=payload["id"]).delivery(workspace, NAME, "replies", "said")


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    message = InboxMessage(
        receipt_id=receipt.receipt_id,
        workspace=receipt.workspace,
        provider=NAME,
        message_id=message_id(receipt.workspace, NAME, "inbound", payload["id"]),
        conversation_id=conversation_id(receipt.workspace, NAME, payload["who"]),
        channel="sms",
        direction="inbound",
        source="direct",
        provider_event="said",
        provider_message_id=payload["id"],
        identities=identities(
            Identity(kind="phone", value="+13125550148"), Identity(kind="toy_person", value=payload["who"])
        ),
        sent_at=receipt.received_at,
        received_at=receipt.received_at,
        text=payload["words"],
        body=payload["words"],
    )
    return fresh("said", [message])


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/toy",
    account_fields=("toy_account",),
    unavailable_status=503,
    secret_query_parameters=(),
    proofs=Proofs(presented=lambda request: (request.headers.get("x-toy"),)),
    workspace_hints=lambda _payload: (),
    query_overrides_unknown_workspace=False,
    deliver=_deliver,
    normalise=_normalise,
    retry_window=lambda _payload: None,
)
