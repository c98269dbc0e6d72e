"""The token files and databases of the Python SDK, written by either side and read by the other."""

import json
import pathlib
import sqlite3
import stat
import tempfile
import threading
import unittest

import peer
from globus_sdk.token_storage import JSONTokenStorage, SQLiteTokenStorage, TokenStorageData
from globus_sdk.token_storage.legacy import SimpleJSONFileAdapter, SQLiteAdapter

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


class Databases(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "tokens.db"

    def opened(self, storage):
        self.addCleanup(storage.close)
        return storage

    def rows(self, query):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def access_tokens(self, fmt, *namespace):
        return {token["resource_server"]: token["access_token"] for token in peer.read(fmt, self.path, *namespace)}

    def test_python_reads_our_database_and_writes_on(self):
        peer.write("sqlite", self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        storage = self.opened(SQLiteTokenStorage(self.path))
        token = storage.get_token_data(TRANSFER)
        self.assertEqual((token.access_token, token.identity_id), ("AgRustTransfer", IDENTITY))
        self.assertIsNone(storage.get_token_data("auth.globus.org").refresh_token)
        storage.store_token_data_by_resource_server({"x.example.org": record("AgPythön", "x.example.org")})
        self.assertTrue(storage.remove_token_data("auth.globus.org"))
        expected = {TRANSFER: "AgRustTransfer", "x.example.org": "AgPythön"}
        self.assertEqual(self.access_tokens("sqlite"), expected)
        self.assertEqual(self.access_tokens("legacy-sqlite"), expected)

    def test_we_read_a_database_of_python_and_write_on(self):
        storage = self.opened(SQLiteTokenStorage(self.path))
        storage.store_token_data_by_resource_server({"x.example.org": record("AgPythön", "x.example.org")})
        other = self.opened(SQLiteTokenStorage(self.path, namespace="naïve ☃"))
        other.store_token_data_by_resource_server({"y.example.org": record("AgOther", "y.example.org")})
        self.assertEqual(self.access_tokens("sqlite"), {"x.example.org": "AgPythön"})
        before = self.rows("SELECT * FROM sdk_storage_adapter_internal")
        peer.write("sqlite", self.path)
        self.assertEqual(
            set(storage.get_token_data_by_resource_server()), {"x.example.org", "auth.globus.org", TRANSFER}
        )
        self.assertEqual(other.get_token_data("y.example.org").access_token, "AgOther")
        self.assertEqual(sorted(storage.iter_namespaces()), ["DEFAULT", "naïve ☃"])
        self.assertEqual(self.rows("SELECT * FROM sdk_storage_adapter_internal"), before)

    def test_python_does_not_mind_our_leases(self):
        storage = self.opened(SQLiteTokenStorage(self.path))
        storage.store_token_data_by_resource_server(
            {TRANSFER: TokenStorageData.from_dict({**flat("AgPython", TRANSFER), "refresh_token": "AgRefresh"})}
        )
        for fmt in ("sqlite", "legacy-sqlite"):
            peer.renew(fmt, self.path)
            token = storage.get_token_data(TRANSFER)
            self.assertEqual((token.access_token, token.refresh_token), ("AgRustRenewed", "AgRefresh"))
            self.assertEqual(self.rows("SELECT holder FROM globus_sdk_rs_refresh_lease"), [(None,)])
        self.assertEqual(list(storage.iter_namespaces()), ["DEFAULT"])
        self.assertTrue(storage.remove_token_data(TRANSFER))

    def test_older_python_reads_our_legacy_database_and_writes_on(self):
        peer.write("legacy-sqlite", self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        adapter = self.opened(SQLiteAdapter(str(self.path)))
        tokens = adapter.get_by_resource_server()
        self.assertEqual(tokens[TRANSFER]["refresh_token"], "AgRustRefresh")
        self.assertIsNone(tokens["auth.globus.org"]["refresh_token"])
        adapter.store(Response({TRANSFER: {**tokens[TRANSFER], "access_token": "AgPython"}}))
        adapter.store_config("profile", {"x": 1})
        expected = {TRANSFER: "AgPython", "auth.globus.org": "AgRustAuth"}
        self.assertEqual(self.access_tokens("legacy-sqlite"), expected)
        self.assertEqual(self.access_tokens("sqlite"), expected)
        self.assertEqual(peer.config(self.path, "profile"), {"x": 1})
        # Today's Python finds the identity that the older one has left alone.
        today = self.opened(SQLiteTokenStorage(self.path))
        self.assertEqual(today.get_token_data("auth.globus.org").identity_id, IDENTITY)

    def test_we_write_into_a_legacy_database_of_python(self):
        adapter = self.opened(SQLiteAdapter(str(self.path), namespace="userprofile/production"))
        adapter.store(Response({name: flat("AgPython", name) for name in (TRANSFER, "x.example.org")}))
        adapter.store_config("auth_client_data", {"client_id": "x", "client_secret": "AgSecret"})
        internal = self.rows("SELECT * FROM sdk_storage_adapter_internal")
        for fmt in ("legacy-sqlite", "sqlite"):
            peer.renew(fmt, self.path, "userprofile/production")
            token = adapter.get_token_data(TRANSFER)
            # Whoever wrote null goes on finding the member, with either of our storages.
            self.assertEqual((token["access_token"], token["refresh_token"]), ("AgRustRenewed", None))
        peer.write("legacy-sqlite", self.path, "userprofile/production")
        self.assertIsNone(adapter.get_token_data("auth.globus.org")["refresh_token"])
        self.assertEqual(adapter.get_token_data("x.example.org"), flat("AgPython", "x.example.org"))
        self.assertEqual(adapter.read_config("auth_client_data")["client_secret"], "AgSecret")
        self.assertEqual(self.rows("SELECT * FROM sdk_storage_adapter_internal"), internal)

    def test_both_write_at_once(self):
        def python():
            # Python waits for a lock for so long that no machine makes it fail.
            storage = SQLiteTokenStorage(self.path, connect_params={"timeout": 600})
            for number in range(20):
                name = f"{number}.example.org"
                storage.store_token_data_by_resource_server({name: record("AgPython", name)})
            storage.close()

        peer.write("sqlite", self.path)
        thread = threading.Thread(target=python)
        thread.start()
        for _ in range(5):
            peer.renew("sqlite", self.path)
        thread.join()
        tokens = self.access_tokens("sqlite")
        self.assertEqual(len(tokens), 22)
        self.assertEqual(tokens[TRANSFER], "AgRustRenewed")

    def test_the_journal_mode_stays(self):
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        peer.write("sqlite", self.path)
        self.assertEqual(self.rows("PRAGMA journal_mode"), [("wal",)])
        self.assertEqual(
            self.opened(SQLiteTokenStorage(self.path)).get_token_data(TRANSFER).access_token, "AgRustTransfer"
        )


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
