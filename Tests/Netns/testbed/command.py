"""One way to run a program of the system: the command, its exit status and its words are in the error."""

import subprocess


class CommandFailed(Exception):
    """A program ended with another exit status than wanted."""


def run(arguments, *, text=None, check=True, timeout=60):
    """Runs a program to its end. Returns the completed process; raises CommandFailed with everything it said."""
    arguments = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(arguments, input=text, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise CommandFailed(f"{arguments[0]} is not installed: run scripts/install-dependencies.sh") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(arguments)}: still running after {timeout} s") from error
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done
