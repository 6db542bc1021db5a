"""Runs `headrace …` in a process of its own that stops dead at a chosen place, and kills it there with SIGKILL."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

_PROGRAM = """
import sys, time
from importlib import import_module

place, call, settings, *arguments = sys.argv[1:]
module, owner, name = place.rsplit(".", 2)
holder = getattr(import_module(module), owner)
whole, calls = getattr(holder, name), []

def held(*positional, **named):
    calls.append(1)
    if len(calls) == int(call):
        print("here", flush=True)
        time.sleep(600)
    return whole(*positional, **named)

setattr(holder, name, held)
for setting in settings.split():
    target, _, value = setting.partition("=")
    module, _, constant = target.rpartition(".")
    assert hasattr(import_module(module), constant)
    setattr(import_module(module), constant, int(value))
sys.argv = ["headrace", *arguments]
import_module("operations.cli.main").main()
"""


def killed_at(
    environment: Mapping[str, str], place: str, call: int, settings: Mapping[str, int], *command: str
) -> None:
    """Run the command until the method `package.module.Class.method` is called so many times, and kill it then.

    `settings`: constants of modules, such as `operations.versions.repair.CHUNK`, and what they are in that process.
    """
    told = " ".join(f"{name}={value}" for name, value in settings.items())
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, place, str(call), told, *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        reached = any(line == "here\n" for line in lines)
    finally:
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
    assert reached, f"{place} was not reached: {errors}"
