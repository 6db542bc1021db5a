"""One log format for every process: JSON lines for machines, coloured lines for people, third-party logs included."""

import logging
import sys

import structlog
from structlog.typing import Processor

from headrace.log_repeats import RepeatFilter
from headrace.settings import Settings

#: Chatty below WARNING, and of no use to an operator.
_QUIET = ("aiokafka", "kafka", "asyncio", "httpx", "httpcore", "httpx2", "httpcore2", "openai", "faust", "mode")


def configure_logs(settings: Settings, process: str) -> None:
    """Sends structlog's and the standard library's logs to stderr. `process` names the sender in every line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _named(process),
                *_renderer(settings),
            ],
        )
    )
    handler.addFilter(RepeatFilter(_QUIET))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _named(process: str) -> Processor:
    def add_process(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add_process


def _renderer(settings: Settings) -> list[Processor]:
    if settings.log_format == "console":
        # The default formatter prints local variables, among them bodies and secrets.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
