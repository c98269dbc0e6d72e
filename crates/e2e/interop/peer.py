"""The Rust side, as the checks use it."""

import json
import os
import subprocess

PEER = os.environ["INTEROP_PEER"]


def run(*arguments):
    done = subprocess.run([PEER, *map(str, arguments)], check=True, timeout=60, stdout=subprocess.PIPE)
    return json.loads(done.stdout) if done.stdout else None


def write(fmt, path, *namespace):
    run("write", fmt, path, *namespace)


def read(fmt, path, *namespace):
    return run("read", fmt, path, *namespace)


def renew(fmt, path, *namespace):
    run("renew", fmt, path, *namespace)


def config(path, name, *namespace):
    return run("config", path, name, *namespace)
