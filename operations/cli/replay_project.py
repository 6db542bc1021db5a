"""`headrace replay webhooks --depth project`: the rows of all that the webhooks of a window caused, anew in place."""

from headrace.settings import Settings
from operations.cli.proj_repair import Asked, carry_out, tell_plan
from operations.cli.refusals import told_plainly
from operations.replay.webhooks.projecting import VERB, caused_by, plan_projecting, project_scope
from operations.replay.webhooks.window import Window


def project(settings: Settings, window: Window, *, execute: bool, as_json: bool) -> None:
    """Say what would be done, and do it if that is wanted."""
    with told_plainly():
        wants = caused_by(settings, window)
        plan = plan_projecting(settings, window, wants)
        if not as_json:
            tell_plan(plan)
        scope = project_scope(window)
        asked = Asked(execute=execute, as_json=as_json, depth="project")
        carry_out(settings, VERB, plan, scope, lambda: wants, asked)
