"""Suites that run beside the others, as a process of their own that gets only what the others leave of the CPUs.

A machine of two cores waits much of the time that the others take: for one compiler while the rest of a build depends on
it, and for clocks and packets in the namespace tests. SCHED_IDLE gives way at once, so that nothing in the foreground is
slower by more than what it shares of the caches; what runs here must not mind to stand still for minutes.
"""

import contextlib
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def give_way():
    """Makes the calling process, and what it starts, run when nobody else wants to."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Beside:
    """One program in the background; its words are kept until somebody asks for them."""

    def __init__(self, arguments):
        self.words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self.words, stderr=subprocess.STDOUT, preexec_fn=give_way,
            start_new_session=True)

    def finish(self):
        """Waits for its end. Returns its exit status and all that it said."""
        self.hurry()
        status = self.process.wait()
        self.words.seek(0)
        return status, self.words.read()

    def hurry(self):
        """Gives it, and what it has started, a full share of the CPUs: somebody waits for it."""
        for task in glob.glob("/proc/[0-9]*/task/[0-9]*"):
            process, thread = int(task.split("/")[2]), int(task.split("/")[4])
            # Those that have ended meanwhile need nothing, and without CAP_SYS_NICE it only takes longer. A build's processes
            # have groups of their own, but one session.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(process) == self.process.pid:
                    os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))

    def end(self):
        """Ends it and what it has started, if it still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()


class SuitesBeside(Beside):
    """Suites of run-tests.py in the background."""

    def __init__(self, suites, report):
        self.suites = suites
        self.report = report
        if os.path.exists(report):
            os.unlink(report)
        super().__init__([sys.executable, os.path.join(HERE, "run-tests.py"), "--only", *suites, "--report", report])

    def take_in(self, tally):
        """Waits for the end and adds its outcomes to the tally."""
        status, words = self.finish()
        print(words, end="", flush=True)
        if not os.path.exists(self.report):
            tally.add(self.suites[0], "failed", "no report", f"exit status {status}")
            return
        with open(self.report, encoding="utf-8") as file:
            tally.merge(**json.load(file))
