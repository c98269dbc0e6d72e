"""Two SDK venvs turn by turn: control.py PYTHON_A PYTHON_B. Tells whether a
difference between them (a version, a dependency) moves the baselines."""

import subprocess
import sys

from ground import report, run_timed

HEADER = """
import timeit, time, globus_sdk as g
a = g.RefreshTokenAuthorizer('r', g.NativeAppAuthClient('b2c3d4e5-0000-4000-8000-000000000001'), access_token='A'*80, expires_at=int(time.time())+10**6)
print(timeit.timeit(a.get_authorization_header, number=100000) / 1e5 * 1e9)
"""
STORE = """
import sys, time
sys.path.insert(0, 'DIR')
from storage import data, name
from globus_sdk.token_storage import MemoryTokenStorage
m = MemoryTokenStorage()
m.store_token_data_by_resource_server({name(i): data(name(i)) for i in range(100)})
t = time.perf_counter()
for _ in range(20): m.get_token_data(name(1))
print(20 / (time.perf_counter() - t))
"""
here = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
res = {}
for i in range(8):
    for py in sys.argv[1:3]:
        v = subprocess.run(
            [py, "-c", "import globus_sdk; print(globus_sdk.__version__)"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        r = run_timed([py, "-c", "import globus_sdk; globus_sdk.TransferClient()"])
        assert r["exit"] == 0
        one = lambda code: float(subprocess.run([py, "-c", code], stdout=subprocess.PIPE, check=True).stdout)  # noqa: E731
        row = {
            "import + TransferClient(), CPU ms": r["cpu_ms"],
            "valid RefreshTokenAuthorizer header, ns": one(HEADER),
            "memory read one of 100, ops/s": one(STORE.replace("DIR", here)),
        }
        if i:
            for k, x in row.items():
                res.setdefault((k, v), []).append(x)
for (k, v), xs in sorted(res.items()):
    report(f"control/{k}/{v}", "see name", xs)
