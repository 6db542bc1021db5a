"""The product's own jobs worker, in which marked texts are read for ever: as if one hostile pattern had been missed."""

from headrace.settings import Settings
from streams.jobs.app import jobs_app
from streams.jobs.steps import classify, opt_out_and_bounce, score
from tests.integration.streams.jobs.hostile_reading import hear_or_stall

if __name__ == "__main__":
    for step in (opt_out_and_bounce, classify, score):
        setattr(step, "hear", hear_or_stall)  # noqa: B010 - no part of what the module offers
    jobs_app(Settings()).run()
