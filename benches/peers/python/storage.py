"""Token storage. Run with the Python that `../run` sets up.

storage.py            everything
storage.py speed|mp   one half
"""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import types

from ground import fact, report, scratch
from globus_sdk.token_storage import JSONTokenStorage, MemoryTokenStorage, SQLiteTokenStorage, TokenStorageData
from globus_sdk.token_storage.legacy import SimpleJSONFileAdapter

REPS = int(os.environ.get("REPS", "5"))


def data(rs):
    return TokenStorageData(
        rs,
        "b2c3d4e5-0000-4000-8000-000000000001",
        f"urn:globus:auth:scope:{rs}:all",
        "A" * 80,
        "R" * 80,
        1_900_000_000,
        "Bearer",
    )


def response(names):
    """As much of a token response as the legacy adapter looks at."""
    return types.SimpleNamespace(
        by_resource_server={
            n: {
                "scope": f"urn:globus:auth:scope:{n}:all",
                "access_token": "A" * 80,
                "refresh_token": "R" * 80,
                "token_type": "Bearer",
                "expires_at_seconds": 1_900_000_000,
                "resource_server": n,
            }
            for n in names
        }
    )


def name(i):
    return f"rs-{i}.example.org"


def make(kind, d):
    """-> (store(list of names), read one(name))"""
    if kind == "legacy-json":
        s = SimpleJSONFileAdapter(os.path.join(d, "legacy.json"))
        return lambda ns: s.store(response(ns)), s.get_token_data
    s = {
        "json": lambda: JSONTokenStorage(os.path.join(d, "t.json")),
        "sqlite": lambda: SQLiteTokenStorage(os.path.join(d, "t.db")),
        "memory": MemoryTokenStorage,
    }[kind]()
    return lambda ns: s.store_token_data_by_resource_server({n: data(n) for n in ns}), s.get_token_data


def speed():
    for n in (1, 10, 100):
        for kind in ("legacy-json", "json", "sqlite", "memory"):
            with scratch() as d:
                store, read = make(kind, d)
                names = [name(i) for i in range(n)]
                store(names)
                ops = {"sqlite": 60, "memory": 5000}.get(kind, 300)
                one, al, rd = [], [], []
                for _ in range(REPS):
                    t = time.perf_counter()
                    for i in range(ops):
                        store([names[i % n]])
                    one.append(ops / (time.perf_counter() - t))
                    t = time.perf_counter()
                    for _ in range(max(ops // 5, 20)):
                        store(names)
                    al.append(max(ops // 5, 20) / (time.perf_counter() - t))
                    t = time.perf_counter()
                    for i in range(ops):
                        read(names[i % n])
                    rd.append(ops / (time.perf_counter() - t))
                report(f"storage/{kind}/{n}rs/store one", "ops/s", one)
                report(f"storage/{kind}/{n}rs/store all", "ops/s", al)
                report(f"storage/{kind}/{n}rs/read one", "ops/s", rd)


def child(kind, d, me, ops, start):
    errors = {}
    store, _ = make(kind, d)
    time.sleep(max(0, start - time.time()))
    done = []
    for i in range(ops):
        try:
            store([f"p{me}-{i}"])
            done.append(i)
        except Exception as e:
            k = f"{type(e).__name__}: {str(e).split(':')[0][:60]}"
            errors[k] = errors.get(k, 0) + 1
    print(json.dumps({"acknowledged": len(done), "errors": errors, "names": [f"p{me}-{i}" for i in done]}))


def final_names(kind, d):
    try:
        if kind == "legacy-json":
            return set(json.load(open(os.path.join(d, "legacy.json")))["by_rs"]), None
        if kind == "json":
            return set(json.load(open(os.path.join(d, "t.json")))["data"]["DEFAULT"]), None
        c = sqlite3.connect(os.path.join(d, "t.db"))
        return {r[0] for r in c.execute("SELECT resource_server FROM token_storage")}, None
    except Exception as e:
        return set(), f"{type(e).__name__}: {e}"[:100]


def mp(procs=8, ops=200):
    for kind in ("legacy-json", "json", "sqlite"):
        lost, raised, survived, walls, corrupt_final, bad_reads, reads = [], [], [], [], 0, 0, 0
        kinds, rkinds = {}, {}
        for _ in range(REPS):
            with scratch() as d:
                make(kind, d)[0](["seed"])
                start = time.time() + 2.0
                ps = [
                    subprocess.Popen(
                        [sys.executable, __file__, "child", kind, d, str(i), str(ops), repr(start)],
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                    for i in range(procs)
                ]
                stop = threading.Event()
                seen = [0, 0]

                def reader():
                    # its own store: an SQLiteTokenStorage refuses a second thread
                    look = make(kind, d)[1]
                    while not stop.is_set():
                        try:
                            seen[0] += 1
                            look("seed")
                        except Exception as e:
                            seen[1] += 1
                            k = type(e).__name__
                            rkinds[k] = rkinds.get(k, 0) + 1
                        time.sleep(0.005)

                th = threading.Thread(target=reader)
                time.sleep(max(0, start - time.time()))
                th.start()
                outs = [json.loads(p.communicate()[0]) for p in ps]
                walls.append(time.time() - start)
                stop.set()
                th.join()
                final, bad = final_names(kind, d)
                corrupt_final += bad is not None
                acked = {n for o in outs for n in o["names"]}
                lost.append(len(acked - final))
                raised.append(procs * ops - len(acked))
                survived.append(len(acked & final))
                for o in outs:
                    for k, v in o["errors"].items():
                        kinds[k] = kinds.get(k, 0) + v
                reads += seen[0]
                bad_reads += seen[1]
        extra = dict(of=procs * ops)
        report(f"mp/{kind}/acknowledged stores lost", "ops", lost, **extra)
        report(f"mp/{kind}/stores that raised", "ops", raised, kinds=kinds, **extra)
        report(f"mp/{kind}/stores in the final file", "ops", survived, **extra)
        # of the stores that returned without an error, how many are gone
        report(
            f"mp/{kind}/lost, of those acknowledged",
            "%",
            [100 * a / (a + b) if a + b else 0.0 for a, b in zip(lost, survived)],
        )
        report(f"mp/{kind}/wall", "s", walls)
        fact(
            f"mp/{kind}/files",
            final_file_unreadable=corrupt_final,
            runs=REPS,
            reader_failures=bad_reads,
            reader_reads=reads,
            reader_failure_kinds=rkinds,
        )


if __name__ == "__main__":
    a = sys.argv[1:]
    if a and a[0] == "child":
        child(a[1], a[2], int(a[3]), int(a[4]), float(a[5]))
    else:
        if not a or "speed" in a:
            speed()
        if not a or "mp" in a:
            mp()
