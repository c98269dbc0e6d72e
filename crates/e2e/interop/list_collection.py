"""A program that knows nothing of the emulator: prints the names in a folder. What to do it reads from stdin."""

import json
import sys

import globus_sdk

task = json.load(sys.stdin)
client = globus_sdk.ConfidentialAppAuthClient(*task["credentials"])
authorizer = globus_sdk.ClientCredentialsAuthorizer(client, str(globus_sdk.TransferClient.scopes.all))
for entry in globus_sdk.TransferClient(authorizer=authorizer).operation_ls(task["collection"], path=task["path"]):
    print(entry["name"])
