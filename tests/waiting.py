"""Waiting for what another process brings about."""

import time


def wait_until(ready, process=None):
    """Wait until a condition holds; fails where the ``process`` that should bring it about has ended before."""
    while not ready():
        if process is not None and process.poll() is not None:
            assert ready(), f"the process ended with {process.returncode}: {process.communicate()}"
        time.sleep(0.05)
