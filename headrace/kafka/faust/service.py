"""What is started and stopped with a worker: Mode's service, which is quiet about it."""

import logging

import mode

#: Faust's services log every start and stop under the module of their class; ours would look like our own lines.
FAUST_LOGGER = logging.getLogger("faust")


class Service(mode.Service):
    """A part of a worker. It may have `on_start` and `on_stop`."""

    logger = FAUST_LOGGER
    abstract = True
