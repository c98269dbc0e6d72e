"""Apps of the unmodified Python SDK and of this one, of the same client and name: they share a file and its logins."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import unittest.mock

import globus_sdk
from emulator import Emulator
from globus_sdk.login_flows import LoginFlowManager
from globus_sdk.token_storage.validating_token_storage import IdentityMismatchError
from peer import PEER
from person import code_of


def setUpModule():
    global emulator
    emulator = Emulator()
    os.environ.update(emulator.ready["env"])
    (emulator.path("laptop") / "here.txt").touch()


def tearDownModule():
    for name in emulator.ready["env"]:
        os.environ.pop(name)
    emulator.stop()


class Person(LoginFlowManager):
    """Somebody who consents to everything, and counts how often."""

    logins = 0

    def run_login_flow(self, auth_parameters):
        Person.logins += 1
        page = f"{emulator.ready['env']['GLOBUS_SDK_SERVICE_URL_AUTH']}v2/web/auth-code"
        return self.login_client.oauth2_exchange_code_for_tokens(
            code_of(self._get_authorize_url(auth_parameters, page))
        )

    @classmethod
    def for_globus_app(cls, app_name, login_client, config):
        return cls(login_client, request_refresh_tokens=config.request_refresh_tokens)


class Shared(unittest.TestCase):
    NAME = "My Tool"

    def setUp(self):
        Person.logins = 0
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)
        variables = unittest.mock.patch.dict(os.environ, {"HOME": home.name})
        variables.start()
        self.addCleanup(variables.stop)
        self.addCleanup(emulator.control, "POST", "reset", {})
        self.laptop = emulator.id("laptop")

    def python(self, tokens, **config):
        config = globus_sdk.GlobusAppConfig(
            login_flow_manager=Person, request_refresh_tokens=tokens == "refresh", **config
        )
        app = globus_sdk.UserApp(self.NAME, client_id=emulator.ready["native_client_id"], config=config)
        self.addCleanup(app.close)
        return app, globus_sdk.TransferClient(app=app)

    def python_lists(self, tokens):
        names = [entry["name"] for entry in self.python(tokens)[1].operation_ls(self.laptop, path="/")]
        self.assertEqual(names, ["here.txt"])

    def rust(self, does, tokens):
        """What the Rust app answers, and whether somebody had to log in; None where nobody was there."""
        command = [PEER, "user-app", does, tokens, emulator.ready["native_client_id"], self.NAME, self.laptop]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        answer = process.stdout.readline()
        logged_in = answer.startswith('{"address"')
        code = code_of(json.loads(answer)["address"]) if logged_in else ""
        rest, errors = process.communicate(f"{code}\n", timeout=60)
        if process.returncode:
            self.assertIn("a login", errors)
            return None
        return json.loads(rest if logged_in else answer), logged_in

    def assertRustLists(self, tokens, logged_in=False):
        does = "list" if logged_in else "list-unasked"
        self.assertEqual(self.rust(does, tokens), ({"names": ["here.txt"]}, logged_in))

    def file(self):
        """The one file that both have made."""
        (file,) = [path for path in self.home.rglob("*tokens.json")]
        return file

    def stored(self):
        return json.loads(self.file().read_text())["data"]["DEFAULT"]

    def test_python_logs_in_and_rust_goes_on(self):
        for tokens in ("access", "refresh"):
            with self.subTest(tokens):
                self.setUp()
                self.assertIsNone(self.rust("list-unasked", tokens))
                self.python_lists(tokens)
                before = self.stored()
                self.assertRustLists(tokens)
                self.assertEqual(self.rust("needs-login", tokens)[0], False)
                self.assertEqual((self.stored(), Person.logins), (before, 1))

    def test_rust_logs_in_and_python_goes_on(self):
        for tokens in ("access", "refresh"):
            with self.subTest(tokens):
                self.setUp()
                self.assertRustLists(tokens, logged_in=True)
                app, _ = self.python(tokens)
                self.assertFalse(app.login_required())
                self.python_lists(tokens)
                self.assertRustLists(tokens)
                self.assertEqual(Person.logins, 0)
                self.assertEqual(app.token_storage.identity_id, emulator.ready["user"]["id"])

    def test_each_goes_on_with_what_the_other_has_renewed(self):
        self.assertRustLists("refresh", logged_in=True)
        seen = {self.stored()["transfer.api.globus.org"]["access_token"]}
        for renews in (self.assertRustLists, self.python_lists, self.assertRustLists, self.python_lists):
            emulator.control("POST", "tokens/expire", {"kind": "access"})
            renews("refresh")
            seen.add(self.stored()["transfer.api.globus.org"]["access_token"])
        self.assertEqual((len(seen), Person.logins), (5, 0))
        self.assertEqual(self.stored()["transfer.api.globus.org"]["identity_id"], emulator.ready["user"]["id"])

    def test_who_leaves_leaves_for_both(self):
        self.python_lists("refresh")
        left, _ = self.rust("leave", "refresh")
        self.assertEqual(left, {"removed": 2, "still_valid": 0})
        app, transfer = self.python("refresh")
        self.assertTrue(app.login_required())
        transfer.operation_ls(self.laptop, path="/")
        self.assertEqual(Person.logins, 2)
        app.logout()
        self.assertEqual(self.rust("needs-login", "refresh")[0], True)
        self.assertIsNone(self.rust("list-unasked", "refresh"))

    def test_whose_login_it_is_counts_for_both(self):
        self.assertRustLists("refresh", logged_in=True)
        before = self.file().read_bytes()
        emulator.control("POST", "people", {"username": "ben@example.org"})
        emulator.control("POST", "authorize/script", {"user": "ben@example.org"})
        app, _ = self.python("refresh")
        with self.assertRaises(IdentityMismatchError):
            app.login(force=True)
        self.assertEqual(self.file().read_bytes(), before)
        self.assertRustLists("refresh")

    def test_more_that_is_needed_is_missed_by_the_other_too(self):
        self.assertRustLists("refresh", logged_in=True)
        app, _ = self.python("refresh")
        globus_sdk.GroupsClient(app=app)
        self.assertTrue(app.login_required())
        app.login()
        self.assertEqual(Person.logins, 1)
        self.assertIn("groups.api.globus.org", self.stored())
        self.assertRustLists("refresh")


if __name__ == "__main__":
    unittest.main()
