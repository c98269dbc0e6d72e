"""What it costs to start. Run with the Python that `../run` sets up.

The cases are interleaved, one of each per round, so that whatever else the
machine does falls on all of them alike. One unmeasured round comes first.
"""

import os
import sys

from ground import fact, report, run_timed, scratch

ROUNDS = int(os.environ.get("ROUNDS", "15"))
py = sys.executable
globus = os.environ.get("GLOBUS_BIN")
js = os.environ.get("GLOBUS_JS_DIR")

cases = {
    "python -c pass": [py, "-c", "pass"],
    "import requests": [py, "-c", "import requests"],
    "import globus_sdk (lazy, nothing used)": [py, "-c", "import globus_sdk"],
    "import + TransferClient()": [py, "-c", "import globus_sdk; globus_sdk.TransferClient()"],
    "import + UserApp + TransferClient(app)": [
        py,
        "-c",
        "import globus_sdk as g; a=g.UserApp('b', client_id='b2c3d4e5-0000-4000-8000-000000000001',"
        " config=g.GlobusAppConfig(token_storage='memory')); g.TransferClient(app=a)",
    ],
}
if globus:
    cases |= {
        "globus version": [globus, "version"],
        "globus --help": [globus, "--help"],
        "globus ls --help": [globus, "ls", "--help"],
        "globus whoami (not logged in)": [globus, "whoami"],
    }
if js:
    cases["node -e 0"] = ["node", "-e", "0"]
    cases["node: require @globus/sdk transfer"] = ["node", "-e", f"require({js!r}).transfer.fileOperations.ls"]

with scratch() as home:
    # `globus version` asks a package index for the newest version; a proxy on a
    # closed loopback port makes that fail at once instead of leaving the machine
    env = {**os.environ, "HOME": home, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    res = {k: [] for k in cases}
    for i in range(ROUNDS + 1):
        for k, argv in cases.items():
            r = run_timed(argv, env)
            # a start that fails early would look like a fast one
            if r["exit"] != (4 if "whoami" in k else 0):
                sys.exit(f"{k}: unexpected exit {r['exit']}")
            if i:
                res[k].append(r)
for k, v in res.items():
    mid = lambda key: round(sorted(x[key] for x in v)[len(v) // 2], 1)  # noqa: E731
    report(
        f"start/{k}",
        "ms",
        [x["wall_ms"] for x in v],
        cpu_ms=mid("cpu_ms"),
        peak_rss_mib=mid("peak_rss_mib"),
        exit=v[0]["exit"],
    )

import globus_sdk  # noqa: E402

fact("versions", python=sys.version.split()[0], globus_sdk=globus_sdk.__version__)
