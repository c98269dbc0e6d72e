"""The ground of the programs that measure the Python SDK: starting the stub, timing, reporting.

Places come from the environment, never from this file:
  STUB_BIN     the built stub-server
  MEASURE_BIN  the built measure (start.py and control.py)
  GLOBUS_BIN   the `globus` of a virtual environment with globus-cli (start.py; optional)
  BENCH_TMP    a folder on a real disk for scratch files
Every result is one JSON line on stdout.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request

ENDPOINT = "ddb59aef-6d04-11e5-ba46-22000b92c6ec"


def report(name, unit, values, **extra):
    v = sorted(values)
    print(
        json.dumps(
            {
                "name": name,
                "unit": unit,
                "median": round(statistics.median(v), 4),
                "min": round(v[0], 4),
                "max": round(v[-1], 4),
                "n": len(v),
                **extra,
            }
        ),
        flush=True,
    )


def fact(name, **what):
    print(json.dumps({"name": name, **what}), flush=True)


def pct(values, q):
    v = sorted(values)
    return v[round((len(v) - 1) * q)]


@contextlib.contextmanager
def scratch():
    d = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_TMP"))
    try:
        yield d
    finally:
        shutil.rmtree(d, ignore_errors=True)


class Stub:
    def __init__(self, workers=1, life_s=1800):
        exe = os.environ.get("STUB_BIN") or sys.exit("set STUB_BIN to the built stub-server")
        self.proc = subprocess.Popen(
            [exe, "--workers", str(workers), "--life-s", str(life_s)], stdout=subprocess.PIPE, text=True
        )
        line = self.proc.stdout.readline().split()
        self.addr = line[1]
        self.base = f"http://{self.addr}"
        # the SDK's own way of being pointed elsewhere
        os.environ["GLOBUS_SDK_SERVICE_URL_AUTH"] = self.base + "/"
        os.environ["GLOBUS_SDK_SERVICE_URL_TRANSFER"] = self.base + "/"
        for k in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            os.environ.pop(k, None)

    def post(self, path):
        urllib.request.urlopen(urllib.request.Request(self.base + path, data=b"", method="POST"), timeout=10).read()

    def config(self, **kv):
        self.post("/_config?" + "&".join(f"{k}={v}" for k, v in kv.items()))

    def reset(self):
        self.post("/_reset")

    def stats(self):
        return json.load(urllib.request.urlopen(self.base + "/_stats", timeout=10))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()


def run_timed(argv, env=None):
    """One process through `measure`: wall_ms, cpu_ms, peak_rss_mib, exit.

    Not through os.wait4 here: a child's ru_maxrss starts at its parent's size,
    and this parent is bigger than several of the things measured.
    """
    exe = os.environ.get("MEASURE_BIN") or sys.exit("set MEASURE_BIN to the built measure")
    return json.loads(subprocess.run([exe, *argv], env=env, stdout=subprocess.PIPE, check=True).stdout)
