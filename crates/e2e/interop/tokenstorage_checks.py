"""The flat file of globus-sdk-tokenstorage 0.4.1, written by either side and read by the other."""

import pathlib
import stat
import tempfile
import unittest

import peer
from globus_sdk_tokenstorage import SimpleJSONFileAdapter

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


if __name__ == "__main__":
    unittest.main()
