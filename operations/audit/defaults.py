"""How patient an audit is unless it is told otherwise: read by the command line, so nothing heavy is imported."""

#: Seconds the workers get to reach what was in the log when the audit began.
WAIT_SECONDS = 10.0
#: Seconds after which a job that should run and doesn't is called stuck.
STUCK_SECONDS = 900.0
