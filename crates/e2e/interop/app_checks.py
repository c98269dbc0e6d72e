"""Apps of the unmodified Python SDK that are asked for more: consents, recent sign-ins."""

import os
import unittest

import globus_sdk
from emulator import Emulator
from globus_sdk.gare import to_gare
from globus_sdk.login_flows import LoginFlowManager
from person import code_of


def setUpModule():
    global emulator
    emulator = Emulator()
    os.environ.update(emulator.ready["env"])


def tearDownModule():
    for name in emulator.ready["env"]:
        os.environ.pop(name)
    emulator.stop()


class ScriptedLogin(LoginFlowManager):
    """A person who consents to everything, and counts how often."""

    logins = 0

    def run_login_flow(self, auth_parameters):
        ScriptedLogin.logins += 1
        page = f"{emulator.ready['env']['GLOBUS_SDK_SERVICE_URL_AUTH']}v2/web/auth-code"
        return self.login_client.oauth2_exchange_code_for_tokens(
            code_of(self._get_authorize_url(auth_parameters, page))
        )

    @classmethod
    def for_globus_app(cls, app_name, login_client, config):
        return cls(login_client, request_refresh_tokens=config.request_refresh_tokens)


def user_app(**config):
    config = globus_sdk.GlobusAppConfig(token_storage="memory", login_flow_manager=ScriptedLogin, **config)
    return globus_sdk.UserApp("checks", client_id=emulator.ready["native_client_id"], config=config)


class Apps(unittest.TestCase):
    def setUp(self):
        ScriptedLogin.logins = 0
        self.laptop = emulator.id("laptop")
        self.addCleanup(emulator.control, "POST", "reset", {})

    def test_a_missing_consent_is_asked_for_once(self):
        transfer = globus_sdk.TransferClient(app=user_app(auto_redrive_gares=True))
        transfer.operation_ls(self.laptop, "/")
        self.assertEqual(ScriptedLogin.logins, 1)
        emulator.control("POST", "collections/require_data_access", {"collection": "laptop", "required": True})
        transfer.operation_ls(self.laptop, "/")
        self.assertEqual(ScriptedLogin.logins, 2)
        transfer.operation_ls(self.laptop, "/")
        self.assertEqual(ScriptedLogin.logins, 2)

    def test_consents_are_read_as_a_forest(self):
        emulator.control("POST", "collections/require_data_access", {"collection": "laptop", "required": True})
        app = user_app()
        transfer = globus_sdk.TransferClient(app=app).add_app_data_access_scope(self.laptop)
        transfer.operation_ls(self.laptop, "/")
        user = emulator.ready["user"]["id"]
        forest = globus_sdk.AuthClient(app=app).get_consents(user).to_forest()
        scope = globus_sdk.scopes.TransferScopes.all.with_dependency(
            globus_sdk.scopes.GCSCollectionScopes(self.laptop).data_access
        )
        self.assertTrue(forest.meets_scope_requirements(scope))
        emulator.control("POST", "consents/revoke", {
            "identity": user, "scope": f"https://auth.globus.org/scopes/{self.laptop}/data_access",
        })
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            transfer.operation_ls(self.laptop, "/")
        self.assertTrue(caught.exception.info.consent_required)

    def test_an_old_sign_in_is_renewed(self):
        policy = {"name": "Fresh", "description": "Sign in every minute", "max_age_seconds": 60}
        made = emulator.control("POST", "projects", {"name": "Lab", "policies": [policy]})["policies"][0]["id"]
        app = user_app()
        transfer = globus_sdk.TransferClient(app=app)
        transfer.operation_ls(self.laptop, "/")
        emulator.control("PATCH", "collections/laptop", {"policy": made})
        emulator.control("POST", "clock", {"advance_seconds": 61})
        with self.assertRaises(globus_sdk.TransferAPIError) as caught:
            transfer.operation_ls(self.laptop, "/")
        gare = to_gare(caught.exception)
        self.assertEqual(gare.code, "AuthorizationRequired")
        parameters = gare.authorization_parameters
        self.assertEqual(parameters.session_required_policies, [made])
        self.assertEqual((parameters.session_message, parameters.prompt), ("Sign in every minute", "login"))
        app.login(auth_params=parameters)
        transfer.operation_ls(self.laptop, "/")

    def test_a_client_app_asks_for_what_it_lacks(self):
        emulator.control("POST", "collections/require_data_access", {"collection": "laptop", "required": True})
        credentials = {name: emulator.ready[name] for name in ("client_id", "client_secret")}
        config = globus_sdk.GlobusAppConfig(token_storage="memory", auto_redrive_gares=True)
        app = globus_sdk.ClientApp("checks", config=config, **credentials)
        globus_sdk.TransferClient(app=app).operation_ls(self.laptop, "/")


if __name__ == "__main__":
    unittest.main()
