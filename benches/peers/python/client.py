"""The client against the stub, beside other ways to ask in Python. Run with the Python that `../run` sets up.

  client.py            everything
  client.py ls|overhead|page    one part

Clients take turns within each round, so their ratio is fair even where the
absolute figures move with whatever else the machine is doing.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

from ground import ENDPOINT, Stub, fact, report, scratch

REPS = int(os.environ.get("REPS", "5"))
URL = f"/v0.10/operation/endpoint/{ENDPOINT}/ls"


def sdk_client():
    import globus_sdk

    return globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer("x"))


def ls(stub):
    import httpx
    import orjson
    import requests

    base = stub.base
    tc = sdk_client()
    rs = requests.Session()
    hx = httpx.Client()
    head = {"Authorization": "Bearer x"}
    wrk, curl = shutil.which("wrk"), shutil.which("curl")

    def py(fn):
        def go(n):
            t = time.perf_counter()
            for _ in range(n):
                fn()
            return n / (time.perf_counter() - t)

        return go

    def run_curl(n):
        with scratch() as d:
            conf = os.path.join(d, "c")
            with open(conf, "w") as f:
                for _ in range(n):
                    f.write(f'url="{base}{URL}?limit={limit}"\noutput="/dev/null"\n')
            t = time.perf_counter()
            subprocess.run([curl, "-s", "-K", conf], check=True)
            return n / (time.perf_counter() - t)

    def run_wrk(c):
        def go(_):
            o = subprocess.run(
                [wrk, "-t1", f"-c{c}", "-d1s", f"{base}{URL}?limit={limit}"],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
            return float(next(x for x in o.splitlines() if x.startswith("Requests/sec")).split()[1])

        return go

    for limit, n in ((100, 300), (10_000, 12)):
        want = limit

        def check(k):
            if k != want:
                raise SystemExit(f"got {k} entries, wanted {want}")

        cases = {
            "globus_sdk operation_ls": py(lambda: check(len(tc.operation_ls(ENDPOINT, limit=limit)["DATA"]))),
            "requests get+json": py(
                lambda: check(len(rs.get(f"{base}{URL}", params={"limit": limit}, headers=head).json()["DATA"]))
            ),
            # the SDK decodes with orjson where it is installed; so that it is not
            # the decoder that is compared, bare requests is given it as well
            "requests get+orjson": py(
                lambda: check(
                    len(orjson.loads(rs.get(f"{base}{URL}", params={"limit": limit}, headers=head).content)["DATA"])
                )
            ),
            "requests get, no decode": py(
                lambda: rs.get(f"{base}{URL}", params={"limit": limit}, headers=head).content
            ),
            "httpx get+json": py(
                lambda: check(len(hx.get(f"{base}{URL}", params={"limit": limit}, headers=head).json()["DATA"]))
            ),
        }
        if curl:
            cases["curl, one connection"] = run_curl
        if wrk:
            cases |= {"wrk -c1": run_wrk(1), "wrk -c8": run_wrk(8)}
        res = {k: [] for k in cases}
        for i in range(REPS + 1):
            for k, fn in cases.items():
                x = fn(n)
                if i:
                    res[k].append(x)
        for k, v in res.items():
            report(f"ls/{limit}/{k}", "req/s", v)
        sdk = res["globus_sdk operation_ls"]
        for k, v in res.items():
            report(f"ls/{limit}/ratio to globus_sdk, round by round/{k}", "x", [a / b for a, b in zip(v, sdk)])

        # 8 threads: one client shared, and one each
        for shared in (True, False):
            v = []
            for _ in range(REPS):
                one = sdk_client()
                gate = threading.Barrier(9)

                def w():
                    c = one if shared else sdk_client()
                    gate.wait()
                    for _ in range(max(n // 4, 4)):
                        check(len(c.operation_ls(ENDPOINT, limit=limit)["DATA"]))

                ts = [threading.Thread(target=w) for _ in range(8)]
                [t.start() for t in ts]
                gate.wait()
                t0 = time.perf_counter()
                [t.join() for t in ts]
                v.append(8 * max(n // 4, 4) / (time.perf_counter() - t0))
            report(f"ls/{limit}/globus_sdk 8 threads, {'one client' if shared else 'a client each'}", "req/s", v)


def overhead(stub):
    """CPU microseconds of this process per request, in small blocks by turns: what
    the SDK adds to the requests library, where wall time is too noisy to tell."""
    import orjson
    import requests

    base, head = stub.base, {"Authorization": "Bearer x"}
    tc, rs = sdk_client(), requests.Session()
    for limit, n in ((1, 40), (100, 40)):
        cases = {
            "globus_sdk operation_ls": lambda: tc.operation_ls(ENDPOINT, limit=limit)["DATA"],
            "requests get+orjson": lambda: orjson.loads(
                rs.get(f"{base}{URL}", params={"limit": limit}, headers=head).content
            )["DATA"],
        }
        res = {k: [] for k in cases}
        for i in range(41):
            for k, fn in cases.items():
                t = time.process_time()
                for _ in range(n):
                    if len(fn()) != limit:
                        sys.exit("wrong entries")
                if i:
                    res[k].append((time.process_time() - t) / n * 1e6)
        for k, v in res.items():
            report(f"overhead/{limit}/{k}", "CPU us/request", v)
        a, b = res.values()
        report(f"overhead/{limit}/SDK over requests, block by block", "x", [x / y for x, y in zip(a, b)])


def page_child(total, how):
    """Walks every item of a task list and prints the count, seconds and peak RSS."""
    if how == "stdlib-json":
        sys.modules["orjson"] = None
    from sdk import every_task, peak_rss_mib

    p = every_task(sdk_client())
    t = time.perf_counter()
    n = s = 0
    keep = []
    for x in p.items():
        n += 1
        s += x["bytes_transferred"] & 1
        if how == "collect":
            keep.append(x)
    secs = time.perf_counter() - t
    print(json.dumps({"items": n, "seconds": secs, "peak_rss_mib": peak_rss_mib()}))


def page(stub):
    total = int(os.environ.get("ITEMS", "1000000"))
    stub.config(total=total)
    tc = sdk_client()
    stub.reset()
    n = sum(1 for _ in tc.paginated.task_list().items())
    fact(
        "page/paginated.task_list() over a list of many",
        total_on_server=total,
        items_yielded=n,
        requests=stub.stats()["task_list"],
    )
    reps = int(os.environ.get("PAGE_REPS", "5"))
    res = {}
    for i in range(reps + 1):
        for how in ("orjson", "stdlib-json"):
            o = json.loads(
                subprocess.run(
                    [sys.executable, __file__, "page-child", str(total), how], stdout=subprocess.PIPE, check=True
                ).stdout
            )
            if o["items"] != total:
                sys.exit(f"paged {o['items']} of {total}")
            if i:
                res.setdefault(f"globus_sdk, {how}", []).append((o["items"] / o["seconds"], o["peak_rss_mib"]))
    for k, v in res.items():
        report(
            f"page/{total}/{k}",
            "items/s",
            [x[0] for x in v],
            peak_rss_mib=round(sorted(x[1] for x in v)[len(v) // 2], 1),
        )
    if os.environ.get("COLLECT"):
        o = json.loads(
            subprocess.run(
                [sys.executable, __file__, "page-child", str(total), "collect"], stdout=subprocess.PIPE, check=True
            ).stdout
        )
        fact(
            f"page/{total}/globus_sdk, every item kept in a list",
            items=o["items"],
            peak_rss_mib=round(o["peak_rss_mib"], 1),
        )


def js(stub):
    d = os.environ.get("GLOBUS_JS_DIR")
    if not d:
        return
    for limit, n in ((100, 300), (10_000, 12)):
        out = subprocess.run(
            [
                "node",
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "js_ls.cjs"),
                d,
                stub.base,
                str(limit),
                str(n),
                str(REPS),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GLOBUS_SDK_SERVICE_URL_TRANSFER": stub.base},
        )
        print(out.stdout, end="", flush=True)
        if out.returncode:
            fact(f"ls/{limit}/js", failed=out.returncode)


if __name__ == "__main__":
    a = sys.argv[1:]
    if a and a[0] == "page-child":
        page_child(int(a[1]), a[2])
    else:
        with Stub() as stub:
            if not a or "ls" in a:
                ls(stub)
                js(stub)
            if not a or "overhead" in a:
                overhead(stub)
            if not a or "page" in a:
                page(stub)
