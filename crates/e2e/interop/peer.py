"""The Rust side, as the checks use it."""

import json
import os
import subprocess

PEER = os.environ["INTEROP_PEER"]


def write(fmt, path):
    subprocess.run([PEER, "write", fmt, str(path)], check=True, timeout=60)


def read(fmt, path):
    done = subprocess.run([PEER, "read", fmt, str(path)], check=True, timeout=60, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


class Emulator:
    """A running emulator; the variables for Python's SDK are set while it runs."""

    def __enter__(self):
        self.process = subprocess.Popen([PEER, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        os.environ.update(self.ready["variables"])
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        for name in self.ready["variables"]:
            os.environ.pop(name, None)
