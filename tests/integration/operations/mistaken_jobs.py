"""The jobs worker as it is run, but with a mistake in a rule of it: what a replay is to put right.

`--mistake state`: who is interested counts as new. `--mistake label`: who is interested is labelled neutral.
`--mistake deaf`: nobody who asks us to stop is heard. `--mistake fatal`: whatever a model is asked about makes the job
die. `--mistake none` makes none. `--wordless` forgets what models
answered, as workers did before answers were kept.
"""

import argparse
from typing import Any

from msgspec.structs import replace

from headrace.settings import Settings
from streams.jobs.app import jobs_app
from streams.jobs.desk_ai import DeskAi
from streams.jobs.step import StepFailed
from streams.jobs.steps import classify, lead_state, opt_out_and_bounce
from tests.integration.operations.deaf_hearing import hear_no_opt_out


def mistake_state() -> None:
    lead_state.STATUS["Interested"] = "new"


def mistake_label() -> None:
    right = classify._of_model

    def wrong(*given: Any) -> Any:
        verdict = right(*given)
        return replace(verdict, label="Neutral") if verdict.label == "Interested" else verdict

    classify._of_model = wrong  # type: ignore[assignment]


def mistake_deaf() -> None:
    opt_out_and_bounce.hear = hear_no_opt_out  # type: ignore[attr-defined]


def mistake_fatal() -> None:
    def refuse(*_given: Any) -> Any:
        raise StepFailed("defect", "permanent")

    classify._of_model = refuse  # type: ignore[assignment]


MISTAKES = {
    "none": lambda: None,
    "state": mistake_state,
    "label": mistake_label,
    "deaf": mistake_deaf,
    "fatal": mistake_fatal,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mistake", choices=MISTAKES, default="none")
    parser.add_argument("--wordless", action="store_true")
    given = parser.parse_args()
    MISTAKES[given.mistake]()
    if given.wordless:
        DeskAi.take_answers = lambda _: ()  # type: ignore[assignment]
    jobs_app(Settings()).run()


if __name__ == "__main__":
    main()
