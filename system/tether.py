"""Becomes another command that dies when its parent does, however the parent dies.

Run by path, before anything else is imported: `tether.py PARENT SIGNAL UID GID COMMAND…`,
UID and GID being `-` when the user stays the same. It is a program of its own, not a function
between fork and exec, because the processes that start others have threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
Owner = tuple[int, int]


def tethered(
    command: list[str], death_signal: signal.Signals, owner: Owner | None = None
) -> list[str]:
    """The command line that runs `command` tied to the calling thread, as `owner` (uid, gid).

    The kernel ties it to the thread that starts it, so start it from one that lasts.
    """
    uid, gid = owner or ("-", "-")
    tether = str(Path(__file__).resolve())
    tie = [str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    return [sys.executable, "-I", "-S", tether, *tie, *command]


def become(parent: int, death_signal: int, owner: Owner | None, command: list[str]) -> None:
    """Change user, tie the knot, and replace this process by the command."""
    if owner:
        os.umask(0o077)
        os.setgroups([])
        os.setgid(owner[1])
        os.setuid(owner[0])
        # The folder we come from may be closed to the new user.
        os.chdir("/")
    if sys.platform == "linux":
        # After the change of user, which would undo it.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        # The parent died before the knot was tied: nobody will ever send the signal.
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    parent, death_signal, uid, gid, *command = sys.argv[1:]
    become(int(parent), int(death_signal), None if uid == "-" else (int(uid), int(gid)), command)
