"""The authorizers. Run with the Python that `../run` sets up."""

import logging
import os
import threading
import time
import timeit

import globus_sdk
from ground import Stub, fact, pct, report

REPS = int(os.environ.get("REPS", "7"))
TOKEN = "A" * 80


def per_call(name, fn, n=200_000):
    report(f"header/{name}", "ns", [timeit.timeit(fn, number=n) / n * 1e9 for _ in range(REPS)])


with Stub() as stub:
    ac = globus_sdk.NativeAppAuthClient("b2c3d4e5-0000-4000-8000-000000000001")
    cc = globus_sdk.ConfidentialAppAuthClient("b2c3d4e5-0000-4000-8000-000000000001", "secret")
    far = int(time.time()) + 10**6
    per_call("AccessTokenAuthorizer", globus_sdk.AccessTokenAuthorizer(TOKEN).get_authorization_header)
    rt = globus_sdk.RefreshTokenAuthorizer("r", ac, access_token=TOKEN, expires_at=far)
    per_call("RefreshTokenAuthorizer, valid", rt.get_authorization_header)
    ca = globus_sdk.ClientCredentialsAuthorizer(cc, "s", access_token=TOKEN, expires_at=far)
    per_call("ClientCredentialsAuthorizer, valid", ca.get_authorization_header)
    logging.getLogger("globus_sdk").addHandler(logging.NullHandler())
    logging.getLogger("globus_sdk").propagate = False
    logging.getLogger("globus_sdk").setLevel(logging.DEBUG)
    per_call("RefreshTokenAuthorizer, valid, DEBUG to a null handler", rt.get_authorization_header, 20_000)
    logging.getLogger("globus_sdk").setLevel(logging.WARNING)

    def contended(n_threads, n=20_000):
        gate = threading.Barrier(n_threads + 1)

        def w():
            gate.wait()
            for _ in range(n):
                rt.get_authorization_header()

        ts = [threading.Thread(target=w) for _ in range(n_threads)]
        [t.start() for t in ts]
        gate.wait()
        t0 = time.perf_counter()
        [t.join() for t in ts]
        return n_threads * n / (time.perf_counter() - t0)

    report("header/RefreshTokenAuthorizer, valid, 8 threads together", "calls/s", [contended(8) for _ in range(REPS)])

    def storm(n_threads, delay_ms, rotate):
        # rotate=2: the server takes each refresh token once. The first use
        # fixes which one is live, so the storm begins with one good token.
        stub.config(token_delay_ms=delay_ms, rotate=rotate)
        stub.reset()
        a = globus_sdk.RefreshTokenAuthorizer("r0", ac, access_token=TOKEN, expires_at=int(time.time()) - 5)
        lat, errors, headers, begun = [], [], [], []
        # Every thread sleeps to one moment. A threading.Barrier lets its waiters
        # go one by one, which spreads the arrivals and makes the storm look mild.
        start = time.perf_counter() + 0.3 + n_threads * 0.001

        def w():
            time.sleep(max(0, start - time.perf_counter()))
            t = time.perf_counter()
            begun.append(t)
            try:
                headers.append(a.get_authorization_header())
            except Exception as e:
                errors.append(type(e).__name__ + ":" + str(getattr(e, "http_status", "")))
            lat.append((time.perf_counter() - t) * 1e3)

        ts = [threading.Thread(target=w) for _ in range(n_threads)]
        [t.start() for t in ts]
        late = time.perf_counter() > start
        [t.join() for t in ts]
        wall = (time.perf_counter() - start) * 1e3
        if late:
            raise SystemExit("threads were not all made before the start; raise the lead time")
        s = stub.stats()
        return dict(
            calls=s["token"],
            inflight=s["token_in_flight_max"],
            conns=s["connections"],
            rejected=s["token_rejected"],
            wall=wall,
            p50=pct(lat, 0.5),
            p99=pct(lat, 0.99),
            errors=len(errors),
            kinds=sorted(set(errors)),
            spread=(max(begun) - min(begun)) * 1e3,
            distinct=len(set(headers)),
        )

    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for delay in (50, 250):
        for n in (1, 8, 64, 512):
            rs = [storm(n, delay, 0) for _ in range(REPS)]
            for key, unit in (
                ("calls", "calls"),
                ("inflight", "calls"),
                ("spread", "ms"),
                ("wall", "ms"),
                ("p50", "ms"),
                ("p99", "ms"),
                ("distinct", "headers"),
            ):
                report(
                    f"storm/server {delay}ms/t{n}/{key}",
                    unit,
                    [r[key] for r in rs],
                    errors=sum(r["errors"] for r in rs),
                )
    rs = [storm(64, 50, 2) for _ in range(REPS)]
    report("storm one-use refresh tokens/t64/rejected", "calls", [r["rejected"] for r in rs], kinds=rs[0]["kinds"])
    report("storm one-use refresh tokens/t64/threads that raised", "threads", [r["errors"] for r in rs])
    stub.config(token_delay_ms=0, rotate=0)
fact("versions", globus_sdk=globus_sdk.__version__)
