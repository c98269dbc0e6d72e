"""The flat file and the database of globus-sdk-tokenstorage 0.4.1, and the databases of the Python SDK 3, written by
either side and read by the other."""

import pathlib
import stat
import tempfile
import unittest

import globus_sdk.tokenstorage
import peer
from globus_sdk_tokenstorage import SimpleJSONFileAdapter, SQLiteAdapter

TRANSFER = "transfer.api.globus.org"
TOKEN = {
    "scope": "urn:globus:auth:scope:transfer.api.globus.org:all",
    "access_token": "AgPython",
    "refresh_token": "AgPythonRefresh",
    "token_type": "Bearer",
    "expires_at_seconds": 1700172800,
    "resource_server": TRANSFER,
}


class Response:
    """As much of a token response as the adapter looks at."""

    by_resource_server = {TRANSFER: TOKEN}


class FlatFile(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "transfer.json"
        self.adapter = SimpleJSONFileAdapter(str(self.path), resource_server=TRANSFER)

    def test_python_reads_our_file(self):
        peer.write("flat", self.path)
        self.assertTrue(self.adapter.file_exists())
        tokens = self.adapter.read_as_dict()
        self.assertEqual(tokens["access_token"], "AgRustTransfer")
        self.assertEqual(tokens["refresh_token"], "AgRustRefresh")
        self.assertIn("globus-sdk-tokenstorage.version", tokens)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_we_read_a_file_of_python(self):
        self.adapter.store(Response)
        read = peer.read("flat", self.path)
        self.assertEqual({name: read[name] for name in TOKEN}, TOKEN)

    def test_both_write_in_turn(self):
        self.adapter.store(Response)
        peer.write("flat", self.path)
        self.assertEqual(self.adapter.read_as_dict()["access_token"], "AgRustTransfer")
        self.adapter.on_refresh(Response)
        self.assertEqual(peer.read("flat", self.path)["access_token"], "AgPython")


class Database(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "tokens.db"

    def read(self, *namespace):
        return {token["resource_server"]: token for token in peer.read("legacy-sqlite", self.path, *namespace)}

    def test_python_reads_our_database(self):
        peer.write("legacy-sqlite", self.path)
        adapter = SQLiteAdapter(str(self.path))
        tokens = adapter.read_as_dict()
        self.assertEqual(tokens[TRANSFER]["refresh_token"], "AgRustRefresh")
        self.assertIsNone(tokens["auth.globus.org"]["refresh_token"])
        self.assertIsNone(adapter.read_config("profile"))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_both_write_in_turn(self):
        adapter = SQLiteAdapter(str(self.path), namespace="work")
        adapter.store(Response)
        adapter.store_config("profile", {"x": [1, None, "é"]})
        read = self.read("work")[TRANSFER]
        self.assertEqual({name: read[name] for name in TOKEN}, TOKEN)
        self.assertEqual(self.read(), {})
        peer.renew("legacy-sqlite", self.path, "work")
        token = adapter.read_as_dict()[TRANSFER]
        self.assertEqual((token["access_token"], token["refresh_token"]), ("AgRustRenewed", "AgPythonRefresh"))
        adapter.on_refresh(Response)
        self.assertEqual(self.read("work")[TRANSFER]["access_token"], "AgPython")
        self.assertEqual(adapter.read_config("profile"), {"x": [1, None, "é"]})
        self.assertEqual(peer.config(self.path, "profile", "work"), {"x": [1, None, "é"]})
        self.assertTrue(adapter.remove_tokens_for_resource_server(TRANSFER))
        self.assertEqual(self.read("work"), {})

    def test_the_python_sdk_3_shares_both_of_our_databases(self):
        for fmt, storage in (
            ("legacy-sqlite", globus_sdk.tokenstorage.SQLiteAdapter),
            ("sqlite", globus_sdk.tokenstorage.SQLiteTokenStorage),
        ):
            path = self.path.with_name(fmt)
            peer.write(fmt, path)
            opened = storage(str(path))
            token = opened.get_token_data(TRANSFER)
            refresh_token = token["refresh_token"] if isinstance(token, dict) else token.refresh_token
            self.assertEqual(refresh_token, "AgRustRefresh")
            opened.close()


if __name__ == "__main__":
    unittest.main()
