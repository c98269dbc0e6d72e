"""What developers do in Auth, with the unmodified Python SDK against the emulator."""

import os
import unittest
import urllib.parse
import uuid

import globus_sdk
import requests
from emulator import Emulator
from globus_sdk.gare import to_gare
from globus_sdk.login_flows import LoginFlowManager
from globus_sdk.scopes import AuthScopes, TransferScopes


def setUpModule():
    global emulator
    emulator = Emulator()
    os.environ.update(emulator.ready["env"])


def tearDownModule():
    for name in emulator.ready["env"]:
        os.environ.pop(name)
    emulator.stop()


class Browser(LoginFlowManager):
    """A person whom nobody has to wait for; counts how often they log in."""

    def __init__(self, client):
        super().__init__(client, request_refresh_tokens=True)
        self.logins = 0

    @classmethod
    def for_globus_app(cls, app_name, login_client, config):
        return cls(login_client)

    def run_login_flow(self, auth_parameters):
        self.logins += 1
        redirect = self.login_client.base_url + "v2/web/auth-code"
        url = self._get_authorize_url(auth_parameters, redirect)
        answer = requests.get(url, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, (answer.status_code, answer.text[:300])
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
        return self.login_client.oauth2_exchange_code_for_tokens(query["code"][0])


def person():
    """The emulator's user with an app that logs them in again whenever a service wants it."""
    login_client = globus_sdk.NativeAppAuthClient(emulator.ready["native_client_id"])
    browser = Browser(login_client)
    config = globus_sdk.GlobusAppConfig(
        token_storage="memory", login_flow_manager=browser, request_refresh_tokens=True, auto_redrive_gares=True
    )
    app = globus_sdk.UserApp("developer-checks", login_client=login_client, config=config)
    scopes = [AuthScopes.manage_projects, AuthScopes.openid, AuthScopes.email]
    return globus_sdk.AuthClient(app=app, app_scopes=scopes), app, browser


class Developer(unittest.TestCase):
    def setUp(self):
        emulator.control("POST", "reset", {})
        self.auth, self.app, self.browser = person()

    def project(self):
        info = self.auth.userinfo()
        made = self.auth.create_project("Portal", info["email"], admin_ids=info["sub"])
        return made["project"]["id"]

    def assertRefused(self, status, code, call, *args, **options):
        with self.assertRaises(globus_sdk.AuthAPIError) as caught:
            call(*args, **options)
        self.assertEqual((caught.exception.http_status, caught.exception.code), (status, code))
        return caught.exception

    def test_from_a_project_to_a_working_service(self):
        auth, project = self.auth, self.project()
        self.assertEqual([known["id"] for known in auth.get_projects()], [project])
        group = str(uuid.uuid4())
        changed = auth.update_project(project, display_name="Gate", admin_group_ids=group)["project"]
        self.assertEqual((changed["display_name"], changed["admin_group_ids"]), ("Gate", [group]))
        self.assertEqual(auth.get_project(project)["project"], changed)

        made = auth.create_client(
            "Portal",
            project,
            public_client=False,
            visibility="private",
            redirect_uris=["https://portal.example.org/callback"],
            terms_and_conditions="https://portal.example.org/terms",
            privacy_policy="https://portal.example.org/privacy",
        )["client"]
        client = made["id"]
        self.assertEqual(auth.get_client(client_id=client)["client"], made)
        self.assertEqual([known["id"] for known in auth.get_clients()], [client])
        renamed = auth.update_client(client, name="Gate", terms_and_conditions=None, privacy_policy=None)["client"]
        self.assertEqual((renamed["name"], renamed["links"]["privacy_policy"]), ("Gate", None))

        transfer = auth.get_scopes(scope_strings=str(TransferScopes.all))["scopes"][0]["id"]
        needs = [globus_sdk.DependentScopeSpec(transfer, optional=False, requires_refresh_token=False)]
        scope = auth.create_scope(client, "All", "Everything", "all", dependent_scopes=needs)["scopes"][0]
        self.assertEqual(auth.get_scope(scope["id"])["scope"], scope)
        self.assertEqual(list(auth.get_scopes(ids=[scope["id"]])), [scope])
        renamed = auth.update_scope(scope["id"], description="All of it", allows_refresh_token=False)["scope"]
        self.assertEqual((renamed["description"], renamed["allows_refresh_token"]), ("All of it", False))

        first = auth.create_client_credential(client, "first")["credential"]
        second = auth.create_client_credential(client, "second")["credential"]
        for credential in (first, second):
            service = globus_sdk.ConfidentialAppAuthClient(client, credential["secret"])
            service.oauth2_client_credentials_tokens(str(TransferScopes.all))
        listed = list(auth.get_client_credentials(client))
        self.assertEqual([known["secret"] for known in listed], [None, None])
        auth.delete_client_credential(client, first["id"])
        old = globus_sdk.ConfidentialAppAuthClient(client, first["secret"])
        with self.assertRaises(globus_sdk.AuthAPIError) as caught:
            old.oauth2_client_credentials_tokens(str(TransferScopes.all))
        self.assertEqual(caught.exception.http_status, 401)

        # Somebody calls the service, which calls Transfer for them.
        other = globus_sdk.NativeAppAuthClient(emulator.ready["native_client_id"])
        browser = Browser(other)
        tokens = browser.run_login_flow(
            globus_sdk.gare.GlobusAuthorizationParameters(required_scopes=[scope["scope_string"]])
        )
        called_with = tokens.by_resource_server[client]["access_token"]
        dependent = service.oauth2_get_dependent_tokens(called_with)
        self.assertEqual(list(dependent.by_resource_server), ["transfer.api.globus.org"])

        self.assertRefused(409, "CONFLICT", auth.delete_project, project)
        auth.delete_scope(scope["id"])
        self.assertRefused(404, "NOT_FOUND", auth.get_scope, scope["id"])
        auth.delete_client(client)
        self.assertRefused(404, "NOT_FOUND", auth.get_client, client_id=client)
        auth.delete_project(project)
        self.assertEqual(list(auth.get_projects()), [])

    def test_policies(self):
        auth, project = self.auth, self.project()
        policy = auth.create_policy(
            project_id=project,
            display_name="Staff",
            description="Staff only",
            high_assurance=True,
            authentication_assurance_timeout=60,
            required_mfa=True,
            domain_constraints_include=["lab.example.org"],
            domain_constraints_exclude=None,
        )["policy"]
        self.assertEqual(auth.get_policy(policy["id"])["policy"], policy)
        self.assertEqual(list(auth.get_policies()), [policy])
        changed = auth.update_policy(policy["id"], required_mfa=False, domain_constraints_include=None)["policy"]
        self.assertEqual((changed["required_mfa"], changed["domain_constraints_include"]), (False, None))
        self.assertEqual(changed["authentication_assurance_timeout"], 60)
        auth.delete_policy(policy["id"])
        self.assertRefused(404, "NOT_FOUND", auth.get_policy, policy["id"])

    def test_what_is_wrong_is_told(self):
        refused = self.assertRefused(422, "UNPROCESSABLE_ENTITY", self.auth.create_project, "P", "nobody")
        self.assertEqual(len(refused.errors), 2)
        self.assertIn("contact_email", refused.messages[0])
        self.assertIn("Either admin_ids or admin_group_ids has to be defined", refused.messages[1])

    def test_an_old_login_is_not_enough_to_change_and_the_app_logs_in_again(self):
        project = self.project()
        self.assertEqual(self.browser.logins, 1)
        emulator.control("POST", "clock", {"advance_seconds": 3600})
        self.auth.get_project(project)
        self.assertEqual(self.browser.logins, 1)
        self.auth.delete_project(project)
        self.assertEqual(self.browser.logins, 2)

    def test_what_an_old_login_is_told(self):
        project = self.project()
        emulator.control("POST", "clock", {"advance_seconds": 3600})
        token = self.app.get_authorizer("auth.globus.org").access_token
        bare = globus_sdk.AuthClient(authorizer=globus_sdk.AccessTokenAuthorizer(token))
        refused = self.assertRefused(403, "FORBIDDEN", bare.delete_project, project)
        parameters = to_gare(refused).authorization_parameters
        self.assertEqual(len(parameters.session_required_policies), 1)
        self.assertIn("30 minutes", parameters.session_message)

    def test_a_client_with_an_app_of_its_own(self):
        credentials = {name: emulator.ready[name] for name in ("client_id", "client_secret")}
        config = globus_sdk.GlobusAppConfig(token_storage="memory")
        app = globus_sdk.ClientApp("developer-checks", config=config, **credentials)
        auth = globus_sdk.AuthClient(app=app, app_scopes=[AuthScopes.manage_projects])
        project = auth.create_project("Own", "a@b.example", admin_ids=app.client_id)["project"]["id"]
        auth.update_project(project, display_name="Owned")
        self.assertRefused(403, "FORBIDDEN", self.auth.get_project, project)
        self.assertEqual(list(self.auth.get_projects()), [])
        auth.delete_project(project)


if __name__ == "__main__":
    unittest.main()
