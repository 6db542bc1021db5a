"""`headrace replay webhooks --depth project`: the rows of all that the webhooks of a window caused, anew in place."""

from headrace.settings import Settings
from operations.cli.acting import Acting
from operations.cli.proj_repair import carry_out
from operations.replay.webhooks.projecting import VERB, caused_by, plan_projecting, project_scope
from operations.replay.webhooks.window import Window


def project(settings: Settings, window: Window, acting: Acting) -> None:
    """Say what would be done, and do it if that is wanted."""
    wants = caused_by(settings, window)
    plan = plan_projecting(settings, window, wants)
    carry_out(settings, VERB, plan, project_scope(window), lambda: wants, acting, depth="project")
