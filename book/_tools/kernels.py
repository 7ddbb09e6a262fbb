"""How a tool reaches the kernel that it starts."""

import os
from pathlib import Path


def own_sockets(folder: Path) -> dict[str, str]:
    """A kernel manager's settings: its sockets are files in a ``folder`` of their own; on Windows there are none.

    By default jupyter_client looks for five free ports, and the kernel takes them some tenths of a second later. If
    anything else takes one meanwhile, the kernel dies or never answers (jupyter_client, issue 487).
    """
    return {} if os.name == "nt" else {"transport": "ipc", "ip": str(folder / "kernel")}
