"""The unmodified Globus CLI against the emulator: logins, sessions and consents."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from emulator import Emulator
from person import code_of

GLOBUS = pathlib.Path(sys.executable).with_name("globus")
LINKED = "mira@home.example.com"


class Cli(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator()
        self.addCleanup(self.emulator.stop)
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("GLOBUS_", "SSH_"))}
        self.environment = {**own, **self.emulator.ready["env"], "HOME": home.name}
        self.laptop = self.emulator.id("laptop")

    def run_globus(self, *arguments, status=0, environment=None):
        done = subprocess.run(
            [GLOBUS, *arguments],
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def log_in(self, *arguments):
        """Runs a command that shows an address and asks for the code."""
        process = subprocess.Popen(
            [GLOBUS, *arguments, "--no-local-server"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=0,
        )
        with process:
            shown = ""
            while not shown.endswith("Code here: ") and (character := process.stdout.read(1)):
                shown += character
            self.assertTrue(shown.endswith("Code here: "), shown)
            url = next(word for word in shown.split() if "/v2/oauth2/authorize?" in word)
            shown += process.communicate(code_of(url) + "\n", timeout=120)[0]
        self.assertEqual(process.returncode, 0, shown)

    def session(self):
        return set(json.loads(self.run_globus("session", "show", "-Fjson"))["authentications"])

    def test_a_person_updates_the_session_and_consents(self):
        self.log_in("login")
        user = self.emulator.ready["user"]["id"]
        self.assertEqual(self.session(), {user})
        # The tokens stay those of the person: the CLI would refuse another one's.
        self.log_in("session", "update", LINKED)
        self.assertEqual(len(self.session()), 2)
        self.log_in("session", "update", "--all")
        self.run_globus("ls", f"{self.laptop}:/")

        body = {"collection": "laptop", "required": True}
        self.emulator.control("POST", "collections/require_data_access", body)
        advice = self.run_globus("ls", f"{self.laptop}:/", status=4)
        self.assertIn("globus session consent", advice)
        scope = f"https://auth.globus.org/scopes/{self.laptop}/data_access"
        self.log_in("session", "consent", f"urn:globus:auth:scope:transfer.api.globus.org:all[*{scope}]")
        self.run_globus("ls", f"{self.laptop}:/")

        policy = {"name": "Fresh", "description": "Sign in every minute", "max_age_seconds": 60}
        project = self.emulator.control("POST", "projects", {"name": "Lab", "policies": [policy]})
        policy = project["policies"][0]["id"]
        self.emulator.control("PATCH", "collections/laptop", {"policy": policy})
        self.emulator.control("POST", "clock", {"advance_seconds": 61})
        advice = self.run_globus("ls", f"{self.laptop}:/", status=4)
        self.assertIn("Sign in every minute", advice)
        self.assertIn(f"globus session update --policy '{policy}'", advice)
        self.log_in("session", "update", "--policy", policy)
        self.run_globus("ls", f"{self.laptop}:/")
        self.run_globus("logout", "--yes")
        self.run_globus("whoami", status=4)

    def test_a_client_consents_by_itself(self):
        body = {"collection": "laptop", "required": True}
        self.emulator.control("POST", "collections/require_data_access", body)
        credentials = {
            "GLOBUS_CLI_CLIENT_ID": self.emulator.ready["client_id"],
            "GLOBUS_CLI_CLIENT_SECRET": self.emulator.ready["client_secret"],
        }
        self.run_globus("ls", f"{self.laptop}:/", environment=credentials)


if __name__ == "__main__":
    unittest.main()
