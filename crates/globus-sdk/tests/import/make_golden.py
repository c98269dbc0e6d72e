"""Makes the files in golden/ with the real Python packages. All tokens, ids and secrets in them are invented.

    python3 -m venv cli && cli/bin/pip install "globus-cli==3.44.0" "globus-sdk==4.9.0"
    python3 -m venv old && old/bin/pip install "globus-sdk-tokenstorage==0.4.1" "globus-sdk<4"
    cli/bin/python make_golden.py golden && old/bin/python make_golden.py golden

Each run makes the files of the packages that it finds. The databases of the CLI are made by the CLI's own storage
code, in a process for each profile, because it reads its environment once.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

AUTH = "auth.globus.org"
TRANSFER = "transfer.api.globus.org"
IDENTITY = "4f1c2b9e-0000-4000-8000-0123456789ab"


def token(name, server, refresh=True):
    return {
        "scope": "openid profile email" if server == AUTH else "urn:globus:auth:scope:transfer.api.globus.org:all",
        "access_token": f"AgGolden{name}Access",
        "refresh_token": f"AgGolden{name}Refresh" if refresh else None,
        "token_type": "Bearer",
        "expires_at_seconds": 1700172800,
        "resource_server": server,
    }


class Response:
    """As much of a token response as the storages look at."""

    def __init__(self, name):
        self.by_resource_server = {
            AUTH: token(f"{name}Auth", AUTH, refresh=False),
            TRANSFER: token(f"{name}Transfer", TRANSFER),
        }


def fresh(directory, name):
    path = directory / name
    path.unlink(missing_ok=True)
    return str(path)


def token_storage_package(directory):
    from globus_sdk_tokenstorage import SimpleJSONFileAdapter, SQLiteAdapter

    SimpleJSONFileAdapter(fresh(directory, "flat.json"), resource_server=TRANSFER).store(Response("Flat"))
    database = SQLiteAdapter(fresh(directory, "s0.db"))
    database.store(Response("S0"))
    database.store_config("profile", {"x": 1})


def sdk(directory):
    from globus_sdk.token_storage import JSONTokenStorage, SQLiteTokenStorage, TokenStorageData
    from globus_sdk.token_storage.legacy import SimpleJSONFileAdapter, SQLiteAdapter

    def records(name):
        return {
            server: TokenStorageData(identity_id=IDENTITY, **data)
            for server, data in Response(name).by_resource_server.items()
        }

    SimpleJSONFileAdapter(fresh(directory, "v1.json")).store(Response("V1"))
    SQLiteAdapter(fresh(directory, "s1.db")).store(Response("S1"))
    for storage, name in ((JSONTokenStorage, "v2.json"), (SQLiteTokenStorage, "s2.db")):
        path = fresh(directory, name)
        code = name.split(".")[0].upper()
        storage(path).store_token_data_by_resource_server(records(code))
        work = storage(path, namespace="work")
        work.store_token_data_by_resource_server({TRANSFER: records(f"{code}Work")[TRANSFER]})


def cli(directory):
    import globus_cli  # noqa: F401

    with tempfile.TemporaryDirectory() as home:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GLOBUS_")}
        for name, more in {
            "Cli": {},
            "CliPreview": {"GLOBUS_SDK_ENVIRONMENT": "preview", "GLOBUS_PROFILE": "lab"},
            "CliClient": {"GLOBUS_CLI_CLIENT_ID": "926cc9c6-b481-4a5e-9ccd-b497f04c643b",
                          "GLOBUS_CLI_CLIENT_SECRET": "GoldenClientSecret"},
        }.items():
            command = [sys.executable, __file__, "--cli-profile", name]
            subprocess.run(command, check=True, env={**environment, **more, "HOME": home})
        shutil.copy(f"{home}/.globus/cli/storage.db", fresh(directory, "cli.db"))


def cli_profile(name):
    from globus_cli.login_manager.client_login import is_client_login
    from globus_cli.login_manager.storage import CLIStorage

    storage = CLIStorage()
    if not is_client_login():
        secret = {"client_id": "5d5b4a3c-1111-4222-8333-444455556666", "client_secret": f"Golden{name}Secret"}
        storage.store_well_known_config("auth_client_data", secret)
        storage.store_well_known_config("auth_user_data", {"sub": IDENTITY})
    storage.store(Response(name))
    storage.close()


if __name__ == "__main__":
    if sys.argv[1] == "--cli-profile":
        cli_profile(sys.argv[2])
    else:
        for make in (token_storage_package, sdk, cli):
            try:
                make(pathlib.Path(sys.argv[1]).resolve())
            except ImportError as error:
                print(f"{make.__name__}: {error}")
