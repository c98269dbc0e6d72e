"""The emulator as the checks start it: the program, with two collections."""

import json
import os
import pathlib
import subprocess
import tempfile

import requests

PROGRAM = os.environ["EMULATOR"]


class Emulator:
    """A running emulator with the collections `laptop` and `cluster`."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        command = [PROGRAM, "serve", "--until-stdin-closes"]
        for name in ("laptop", "cluster"):
            (pathlib.Path(self.directory.name) / name).mkdir()
            command += ["--collection", f"{name}={self.directory.name}/{name}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        assert (self.process.wait(timeout=30), rest) == (0, b"")
        self.directory.cleanup()

    def id(self, collection):
        return self.ready["collections"][collection]["id"]

    def path(self, collection):
        return pathlib.Path(self.ready["collections"][collection]["dir"])

    def control(self, method, path, body=None):
        answer = requests.request(method, f"{self.ready['control_url']}v1/{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def variables(self):
        """What `globus-emulator env` prints for programs."""
        command = [PROGRAM, "env", "--format", "json"]
        environment = {**os.environ, "GLOBUS_EMULATOR_CONTROL": self.ready["control_url"]}
        done = subprocess.run(command, env=environment, check=True, timeout=60, stdout=subprocess.PIPE)
        return json.loads(done.stdout)
