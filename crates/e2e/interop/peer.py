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
