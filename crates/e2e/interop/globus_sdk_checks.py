"""The unmodified Python SDK against the emulator, and the token files of both sides."""

import json
import pathlib
import tempfile
import unittest
import urllib.parse

import globus_sdk
import peer
import requests
from globus_sdk.token_storage import JSONTokenStorage, TokenStorageData
from globus_sdk.token_storage.legacy import SimpleJSONFileAdapter

TRANSFER = "transfer.api.globus.org"
ALL = "urn:globus:auth:scope:transfer.api.globus.org:all"
IDENTITY = "4f1c2b9e-0000-4000-8000-0123456789ab"


def follow(url):
    """What a browser and its user do with an authorize address: gives the code."""
    for _ in range(10):
        answer = requests.get(url, allow_redirects=False, timeout=20)
        assert answer.status_code in (302, 303, 307), (answer.status_code, answer.text[:200])
        url = urllib.parse.urljoin(url, answer.headers["Location"])
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        assert "error" not in query, query
        if "code" in query:
            return query["code"][0]
    raise AssertionError("no code came back")


class AgainstTheEmulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = peer.Emulator().__enter__()
        cls.ready = cls.emulator.ready

    @classmethod
    def tearDownClass(cls):
        cls.emulator.__exit__()

    def test_login_by_code_then_refresh(self):
        client = globus_sdk.NativeAppAuthClient(self.ready["native_client_id"])
        client.oauth2_start_flow(f"openid profile email {ALL}", refresh_tokens=True)
        tokens = client.oauth2_exchange_code_for_tokens(follow(client.oauth2_get_authorize_url()))
        self.assertEqual(set(tokens.by_resource_server), {"auth.globus.org", TRANSFER})
        self.assertEqual(tokens.decode_id_token()["sub"], self.ready["user"]["id"])

        old = tokens.by_resource_server[TRANSFER]
        new = client.oauth2_refresh_token(old["refresh_token"]).by_resource_server[TRANSFER]
        self.assertNotEqual(new["access_token"], old["access_token"])

        auth = globus_sdk.AuthClient(
            authorizer=globus_sdk.AccessTokenAuthorizer(tokens.by_resource_server["auth.globus.org"]["access_token"])
        )
        self.assertEqual(auth.userinfo()["preferred_username"], self.ready["user"]["username"])
        transfer = globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer(new["access_token"]))
        listing = transfer.operation_ls(self.ready["collection"], path="/")
        self.assertEqual([entry["name"] for entry in listing], ["hello.txt"])

    def test_confidential_login_by_code(self):
        client = globus_sdk.ConfidentialAppAuthClient(self.ready["client_id"], self.ready["client_secret"])
        client.oauth2_start_flow("http://localhost:8000/callback", ALL, refresh_tokens=True)
        tokens = client.oauth2_exchange_code_for_tokens(follow(client.oauth2_get_authorize_url()))
        new = client.oauth2_refresh_token(tokens.by_resource_server[TRANSFER]["refresh_token"])
        self.assertEqual(set(new.by_resource_server), {TRANSFER})
        client.oauth2_revoke_token(new.by_resource_server[TRANSFER]["access_token"])

    def test_client_credentials(self):
        client = globus_sdk.ConfidentialAppAuthClient(self.ready["client_id"], self.ready["client_secret"])
        tokens = client.oauth2_client_credentials_tokens(f"openid {ALL}")
        self.assertEqual(tokens.decode_id_token()["sub"], self.ready["client_id"])
        authorizer = globus_sdk.ClientCredentialsAuthorizer(client, ALL)
        transfer = globus_sdk.TransferClient(authorizer=authorizer)
        self.assertTrue(list(transfer.operation_ls(self.ready["collection"], path="/")))

    def test_dead_refresh_token(self):
        client = globus_sdk.NativeAppAuthClient(self.ready["native_client_id"])
        with self.assertRaises(globus_sdk.AuthAPIError) as caught:
            client.oauth2_refresh_token("AgNoSuchToken")
        self.assertEqual(caught.exception.http_status, 400)


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
