"""A process keeps to one CPU, and what it starts may use all of them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, subprocess, sys
from system.one_cpu import all_cpus, stay_on_one_cpu
cpu = stay_on_one_cpu()
count = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]
bound = subprocess.check_output(count, text=True).strip()
with all_cpus():
    free = subprocess.check_output(count, text=True).strip()
print(cpu in range(4096), len(os.sched_getaffinity(0)), bound, free)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is only one CPU to keep to")
def test_a_process_keeps_to_one_cpu_and_lets_others_have_all() -> None:
    told = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True).split()
    assert told == ["True", "1", "1", str(len(os.sched_getaffinity(0)))]
