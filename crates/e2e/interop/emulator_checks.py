"""The unmodified Python SDK against the emulator."""

import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
import urllib.parse
import uuid

import globus_sdk
import requests
from emulator import Emulator
from globus_sdk.scopes import GroupsScopes

AUTH = "auth.globus.org"
TRANSFER = "transfer.api.globus.org"
ALL = "urn:globus:auth:scope:transfer.api.globus.org:all"


def setUpModule():
    global emulator
    emulator = Emulator()
    os.environ.update(emulator.ready["env"])


def tearDownModule():
    for name in emulator.ready["env"]:
        os.environ.pop(name)
    emulator.stop()


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


def confidential_client():
    return globus_sdk.ConfidentialAppAuthClient(emulator.ready["client_id"], emulator.ready["client_secret"])


def app():
    """The confidential client as an app that keeps its tokens in memory."""
    config = globus_sdk.GlobusAppConfig(token_storage="memory")
    credentials = {name: emulator.ready[name] for name in ("client_id", "client_secret")}
    return globus_sdk.ClientApp("interop-checks", config=config, **credentials)


class Login(unittest.TestCase):
    def test_a_person_with_a_native_app(self):
        client = globus_sdk.NativeAppAuthClient(emulator.ready["native_client_id"])
        client.oauth2_start_flow(f"openid profile email {ALL} {GroupsScopes.all}", refresh_tokens=True)
        tokens = client.oauth2_exchange_code_for_tokens(follow(client.oauth2_get_authorize_url()))
        self.assertEqual(set(tokens.by_resource_server), {AUTH, TRANSFER, "groups.api.globus.org"})

        held = tokens.by_resource_server[AUTH]
        authorizer = globus_sdk.RefreshTokenAuthorizer(
            held["refresh_token"], client, access_token=held["access_token"], expires_at=held["expires_at_seconds"]
        )
        person = globus_sdk.AuthClient(authorizer=authorizer).userinfo()
        self.assertEqual((person["sub"], person["preferred_username"]), tuple(emulator.ready["user"].values()))
        self.assertEqual(tokens.decode_id_token()["sub"], person["sub"])

        old = tokens.by_resource_server[TRANSFER]
        new = client.oauth2_refresh_token(old["refresh_token"]).by_resource_server
        self.assertEqual(set(new), {TRANSFER})
        self.assertNotEqual(new[TRANSFER]["access_token"], old["access_token"])
        authorizer = globus_sdk.AccessTokenAuthorizer(new[TRANSFER]["access_token"])
        transfer = globus_sdk.TransferClient(authorizer=authorizer)
        self.assertEqual(transfer.operation_ls(emulator.id("laptop"), path="/")["DATA_TYPE"], "file_list")

    def test_a_person_with_a_confidential_app(self):
        client = confidential_client()
        client.oauth2_start_flow("http://localhost:8000/callback", ALL, refresh_tokens=True)
        tokens = client.oauth2_exchange_code_for_tokens(follow(client.oauth2_get_authorize_url()))
        new = client.oauth2_refresh_token(tokens.by_resource_server[TRANSFER]["refresh_token"])
        self.assertEqual(set(new.by_resource_server), {TRANSFER})
        client.oauth2_revoke_token(new.by_resource_server[TRANSFER]["access_token"])

    def test_a_client_as_itself(self):
        tokens = confidential_client().oauth2_client_credentials_tokens(f"openid {ALL}")
        self.assertEqual(set(tokens.by_resource_server), {AUTH, TRANSFER})
        self.assertIsNone(tokens.by_resource_server[TRANSFER]["refresh_token"])
        self.assertEqual(tokens.decode_id_token()["sub"], emulator.ready["client_id"])

    def test_an_expired_token_is_renewed(self):
        transfer = globus_sdk.TransferClient(app=app())
        transfer.get_endpoint(emulator.id("laptop"))
        emulator.control("POST", "tokens/expire", {"client": emulator.ready["client_id"]})
        seen = emulator.control("GET", "requests")["requests"][-1]["number"]
        transfer.get_endpoint(emulator.id("laptop"))
        since = emulator.control("GET", f"requests?since={seen}")["requests"]
        answers = [(request["service"], request["status"]) for request in since]
        self.assertEqual(answers, [("transfer", 401), ("auth", 200), ("transfer", 200)])

    def test_a_dead_refresh_token(self):
        client = globus_sdk.NativeAppAuthClient(emulator.ready["native_client_id"])
        with self.assertRaises(globus_sdk.AuthAPIError) as caught:
            client.oauth2_refresh_token("AgNoSuchToken")
        self.assertEqual(caught.exception.http_status, 400)


class Variables(unittest.TestCase):
    def test_they_are_all_that_a_program_needs(self):
        self.assertEqual(emulator.variables(), emulator.ready["env"])
        script = pathlib.Path(__file__).with_name("list_collection.py")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GLOBUS_")}
        (emulator.path("laptop") / "of-a-program").mkdir()
        (emulator.path("laptop") / "of-a-program" / "here.txt").touch()
        task = {
            "credentials": [emulator.ready["client_id"], emulator.ready["client_secret"]],
            "collection": emulator.id("laptop"),
            "path": "/of-a-program/",
        }
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**inherited, **emulator.variables()},
            input=json.dumps(task),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.stdout, "here.txt\n")


class Transfer(unittest.TestCase):
    def setUp(self):
        self.transfer = globus_sdk.TransferClient(app=app())
        self.source, self.destination = emulator.id("laptop"), emulator.id("cluster")
        self.folder = uuid.uuid4().hex
        self.here, self.there = (emulator.path(name) / self.folder for name in ("laptop", "cluster"))
        self.here.mkdir()
        self.there.mkdir()

    def submit(self, *items, **options):
        data = globus_sdk.TransferData(self.source, self.destination, **options)
        for item in items:
            data.add_item(f"/{self.folder}/{item}", f"/{self.folder}/{item}")
        return self.transfer.submit_transfer(data)["task_id"]

    def test_files_and_folders_arrive(self):
        content = os.urandom(300_000)
        (self.here / "deep").mkdir()
        (self.here / "deep" / "file").write_bytes(content)
        (self.here / "naïve ☃ & co").write_bytes(b"small")
        task_id = self.submit("deep", "naïve ☃ & co", label="files and folders", sync_level="checksum")
        self.assertTrue(self.transfer.task_wait(task_id, timeout=60, polling_interval=1))
        self.assertEqual((self.there / "deep" / "file").read_bytes(), content)
        self.assertEqual((self.there / "naïve ☃ & co").read_bytes(), b"small")

        task = self.transfer.get_task(task_id)
        shown = [task[name] for name in ("status", "type", "label", "files_transferred", "bytes_transferred")]
        self.assertEqual(shown, ["SUCCEEDED", "TRANSFER", "files and folders", 2, 300_005])
        self.assertIn(task_id, [task["task_id"] for task in self.transfer.task_list(limit=20)])
        arrived = self.transfer.task_successful_transfers(task_id)
        self.assertEqual(
            {(file["source_path"], file["destination_path"]) for file in arrived},
            {(f"/{self.folder}/{name}",) * 2 for name in ("deep/file", "naïve ☃ & co")},
        )
        codes = [event["code"] for event in self.transfer.task_event_list(task_id)]
        self.assertEqual((codes[0], codes[-1]), ("SUCCEEDED", "STARTED"))

    def test_a_program_that_asks_until_it_is_done(self):
        (self.here / "file").write_bytes(b"content")
        made = self.transfer.operation_mkdir(self.destination, f"/{self.folder}/made")
        self.assertEqual(made["code"], "DirectoryCreated")
        data = globus_sdk.TransferData(self.source, self.destination)
        data.add_item(f"/{self.folder}/file", f"/{self.folder}/made/other")
        task_id = self.transfer.submit_transfer(data)["task_id"]
        deadline = time.monotonic() + 60
        while (status := self.transfer.get_task(task_id)["status"]) == "ACTIVE":
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(status, "SUCCEEDED")
        self.assertEqual((self.there / "made" / "other").read_bytes(), b"content")

    def test_listings(self):
        for name, size in (("b.txt", 1), ("a.txt", 3), ("c.bin", 2), (".hidden", 0)):
            (self.here / name).write_bytes(b"x" * size)

        def names(**options):
            listing = self.transfer.operation_ls(self.source, f"/{self.folder}/", **options)
            return [entry["name"] for entry in listing]

        self.assertEqual(names(), [".hidden", "a.txt", "b.txt", "c.bin"])
        self.assertEqual(names(show_hidden=False, orderby=["size DESC"]), ["a.txt", "c.bin", "b.txt"])
        self.assertEqual(names(filter="name:~*.txt"), ["a.txt", "b.txt"])
        self.assertEqual(names(limit=2, offset=1), ["a.txt", "b.txt"])
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            self.transfer.operation_ls(self.source, f"/{self.folder}/nowhere/")
        self.assertEqual((caught.exception.http_status, caught.exception.code), (404, "ClientError.NotFound"))

    def test_one_file_is_shown(self):
        (self.here / "file").write_bytes(b"content")
        file = self.transfer.operation_stat(self.source, f"/{self.folder}/file")
        self.assertEqual((file["name"], file["type"], file["size"]), ("file", "file", 7))
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            self.transfer.operation_stat(self.source, f"/{self.folder}/nothing")
        self.assertEqual(caught.exception.http_status, 404)

    def test_collections_are_found(self):
        shown = self.transfer.get_endpoint(self.source)
        self.assertEqual((shown["display_name"], shown["entity_type"]), ("laptop", "GCP_mapped_collection"))
        found = self.transfer.endpoint_search("laptop")
        self.assertEqual([endpoint["id"] for endpoint in found], [self.source])
        own = self.transfer.endpoint_search(filter_scope="my-endpoints")
        self.assertEqual({endpoint["id"] for endpoint in own}, {self.source, self.destination})
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            self.transfer.get_endpoint(uuid.uuid4())
        self.assertEqual((caught.exception.http_status, caught.exception.code), (404, "EndpointNotFound"))

    def test_a_task_is_cancelled(self):
        emulator.control("PUT", "transfer/limits", {"bytes_per_second": 1})
        self.addCleanup(emulator.control, "PUT", "transfer/limits", {})
        (self.here / "file").write_bytes(b"x" * 100_000)
        task_id = self.submit("file")
        self.assertFalse(self.transfer.task_wait(task_id, timeout=1, polling_interval=1))
        self.assertIn(self.transfer.cancel_task(task_id)["code"], ("Canceled", "CancelAccepted"))
        self.assertTrue(self.transfer.task_wait(task_id, timeout=60, polling_interval=1))
        self.assertEqual(self.transfer.get_task(task_id)["status"], "FAILED")

    def test_files_and_folders_are_deleted(self):
        (self.here / "deep" / "deeper").mkdir(parents=True)
        (self.here / "deep" / "deeper" / "file").write_bytes(b"content")
        (self.here / "kept").write_bytes(b"content")
        data = globus_sdk.DeleteData(self.source, recursive=True, label="a deletion")
        data.add_item(f"/{self.folder}/deep/")
        task_id = self.transfer.submit_delete(data)["task_id"]
        self.assertTrue(self.transfer.task_wait(task_id, timeout=60, polling_interval=1))
        task = self.transfer.get_task(task_id)
        self.assertEqual((task["status"], task["type"], task["label"]), ("SUCCEEDED", "DELETE", "a deletion"))
        self.assertEqual([path.name for path in self.here.iterdir()], ["kept"])

    def test_a_file_is_renamed(self):
        (self.here / "old").write_bytes(b"content")
        self.transfer.operation_rename(self.source, f"/{self.folder}/old", f"/{self.folder}/new")
        self.assertEqual([path.name for path in self.here.iterdir()], ["new"])
        self.assertEqual((self.here / "new").read_bytes(), b"content")
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            self.transfer.operation_rename(self.source, f"/{self.folder}/old", f"/{self.folder}/other")
        self.assertEqual(caught.exception.http_status, 404)

    def test_a_running_task_is_given_another_label(self):
        emulator.control("PUT", "transfer/limits", {"bytes_per_second": 1})
        self.addCleanup(emulator.control, "PUT", "transfer/limits", {})
        (self.here / "file").write_bytes(b"x" * 100_000)
        task_id = self.submit("file", label="before")
        self.addCleanup(self.transfer.cancel_task, task_id)
        self.transfer.update_task(task_id, {"DATA_TYPE": "task", "label": "after"})
        task = self.transfer.get_task(task_id)
        self.assertEqual((task["label"], task["status"]), ("after", "ACTIVE"))


if __name__ == "__main__":
    unittest.main()
