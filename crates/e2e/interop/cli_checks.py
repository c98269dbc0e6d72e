"""The database of the Python CLI, through the CLI's own storage class, and through ours."""

import os
import pathlib
import sqlite3
import tempfile
import unittest

HOME = tempfile.TemporaryDirectory()
os.environ["HOME"] = HOME.name
for name in ("GLOBUS_SDK_ENVIRONMENT", "GLOBUS_PROFILE", "GLOBUS_CLI_CLIENT_ID", "GLOBUS_CLI_CLIENT_SECRET"):
    os.environ.pop(name, None)

import peer  # noqa: E402
from globus_cli.login_manager.storage import CLIStorage  # noqa: E402

TRANSFER = "transfer.api.globus.org"
NAMESPACE = "userprofile/production"
PATH = pathlib.Path(HOME.name) / ".globus" / "cli" / "storage.db"


class Response:
    """As much of a token response as the CLI looks at."""

    by_resource_server = {
        TRANSFER: {
            "scope": "urn:globus:auth:scope:transfer.api.globus.org:all",
            "access_token": "AgPython",
            "refresh_token": "AgPythonRefresh",
            "token_type": "Bearer",
            "expires_at_seconds": 1700172800,
            "resource_server": TRANSFER,
        }
    }


class Cli(unittest.TestCase):
    def setUp(self):
        PATH.unlink(missing_ok=True)
        PATH.parent.mkdir(parents=True, exist_ok=True)

    def storage(self):
        storage = CLIStorage()
        self.addCleanup(storage.close)
        return storage

    def test_the_cli_works_with_a_database_that_we_wrote(self):
        peer.write("legacy-sqlite", PATH, NAMESPACE)
        storage = self.storage()
        self.assertEqual(storage.adapter.get_token_data(TRANSFER)["refresh_token"], "AgRustRefresh")
        self.assertIsNone(storage.adapter.get_token_data("auth.globus.org")["refresh_token"])
        self.assertIsNone(storage.read_well_known_config("auth_client_data"))
        storage.store_well_known_config("auth_client_data", {"client_id": "x", "client_secret": "AgSecret"})
        storage.store(Response)
        found = {token["resource_server"]: token for token in peer.read("legacy-sqlite", PATH, NAMESPACE)}
        self.assertEqual(found[TRANSFER]["access_token"], "AgPython")
        self.assertEqual(peer.config(PATH, "auth_client_data", NAMESPACE)["client_secret"], "AgSecret")

    def test_we_renew_in_a_database_of_the_cli(self):
        storage = self.storage()
        storage.store_well_known_config("auth_client_data", {"client_id": "x", "client_secret": "AgSecret"})
        storage.store(Response)
        before = self.configurations()
        peer.renew("legacy-sqlite", PATH, NAMESPACE)
        token = storage.adapter.get_token_data(TRANSFER)
        self.assertEqual((token["access_token"], token["refresh_token"]), ("AgRustRenewed", "AgPythonRefresh"))
        self.assertEqual(self.configurations(), before)
        self.assertEqual(len(before), 2)

    def configurations(self):
        connection = sqlite3.connect(PATH)
        try:
            return connection.execute("SELECT * FROM config_storage ORDER BY config_name").fetchall()
        finally:
            connection.close()


if __name__ == "__main__":
    unittest.main()
