"""The providers Headrace knows: a line each here, and a file of the same name each in `headrace/providers`.

Topics, jobs and the ways to recognise a person follow from these lines. They stand below the adapters because those
take time to import, and because who reads a topic need not know what its bodies mean.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Provider(NamedTuple):
    """What all of Headrace knows of a provider. What its webhooks mean is its adapter's."""

    #: The type of job (`headrace.events.job_plan`) that looks after a message of its leads.
    job: str
    #: The kind of identity that its own id of a person is, where leads are found by it.
    person_id: str | None = None
    #: What people call it.
    says: str = ""


#: In the order in which people read of them, and in which their own ids of a person are matched.
PROVIDERS: Mapping[str, Provider] = {
    "ghl": Provider(job="SMS_INBOUND_POST_PROCESS", person_id="ghl_contact_id", says="HighLevel"),
    "unipile": Provider(job="LINKEDIN_INBOUND_POST_PROCESS", says="Unipile"),
    "smartlead": Provider(job="SMARTLEAD_INBOUND_POST_PROCESS", says="Smartlead"),
    "instantly": Provider(job="INSTANTLY_INBOUND_POST_PROCESS", says="Instantly"),
    "emailbison": Provider(job="EMAIL_INBOUND_POST_PROCESS", person_id="emailbison_lead_id", says="EmailBison"),
}
