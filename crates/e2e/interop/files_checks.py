"""The token files of the Python SDK, written by either side and read by the other."""

import json
import pathlib
import tempfile
import unittest

import peer
from globus_sdk.token_storage import JSONTokenStorage, TokenStorageData
from globus_sdk.token_storage.legacy import SimpleJSONFileAdapter

TRANSFER = "transfer.api.globus.org"
ALL = "urn:globus:auth:scope:transfer.api.globus.org:all"
IDENTITY = "4f1c2b9e-0000-4000-8000-0123456789ab"


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "tokens.json"

    def test_python_reads_our_legacy_file_and_writes_on(self):
        peer.write("legacy", self.path)
        adapter = SimpleJSONFileAdapter(str(self.path))
        tokens = adapter.get_by_resource_server()
        self.assertEqual(tokens[TRANSFER]["refresh_token"], "AgRustRefresh")
        self.assertIsNone(tokens["auth.globus.org"]["refresh_token"])
        adapter.store(Response({TRANSFER: {**tokens[TRANSFER], "access_token": "AgPython"}}))
        ours = {token["resource_server"]: token for token in peer.read("legacy", self.path)}
        self.assertEqual(ours[TRANSFER]["access_token"], "AgPython")
        self.assertEqual(ours["auth.globus.org"]["access_token"], "AgRustAuth")

    def test_we_read_a_legacy_file_of_python_and_write_on(self):
        adapter = SimpleJSONFileAdapter(str(self.path))
        adapter.store(Response({TRANSFER: flat("AgPython", TRANSFER)}))
        self.assertEqual([token["access_token"] for token in peer.read("legacy", self.path)], ["AgPython"])
        peer.write("legacy", self.path)
        self.assertEqual(adapter.get_token_data(TRANSFER)["access_token"], "AgRustTransfer")

    def test_python_reads_our_json_file_and_writes_on(self):
        peer.write("json", self.path)
        storage = JSONTokenStorage(self.path)
        token = storage.get_token_data(TRANSFER)
        self.assertEqual((token.access_token, token.identity_id), ("AgRustTransfer", IDENTITY))
        storage.store_token_data_by_resource_server({"x.example.org": record("AgPython", "x.example.org")})
        ours = {token["resource_server"]: token["access_token"] for token in peer.read("json", self.path)}
        self.assertEqual(
            ours, {"auth.globus.org": "AgRustAuth", TRANSFER: "AgRustTransfer", "x.example.org": "AgPython"}
        )

    def test_we_read_a_json_file_of_python_and_write_on(self):
        storage = JSONTokenStorage(self.path, namespace="DEFAULT")
        storage.store_token_data_by_resource_server({"x.example.org": record("AgPythön", "x.example.org")})
        other = JSONTokenStorage(self.path, namespace="naïve ☃")
        other.store_token_data_by_resource_server({"y.example.org": record("AgOther", "y.example.org")})
        self.assertEqual([token["access_token"] for token in peer.read("json", self.path)], ["AgPythön"])
        peer.write("json", self.path)
        self.assertEqual(
            set(storage.get_token_data_by_resource_server()), {"x.example.org", "auth.globus.org", TRANSFER}
        )
        self.assertEqual(other.get_token_data("y.example.org").access_token, "AgOther")
        self.assertEqual(json.loads(self.path.read_text())["format_version"], "2.0")


class Response:
    """As much of a token response as the legacy adapter looks at."""

    def __init__(self, by_resource_server):
        self.by_resource_server = by_resource_server


def flat(access_token, resource_server):
    return {
        "scope": ALL,
        "access_token": access_token,
        "refresh_token": None,
        "token_type": "Bearer",
        "expires_at_seconds": 1700172800,
        "resource_server": resource_server,
    }


def record(access_token, resource_server):
    return TokenStorageData.from_dict({**flat(access_token, resource_server), "identity_id": IDENTITY})


if __name__ == "__main__":
    unittest.main()
