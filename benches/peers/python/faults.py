"""What breaks, and how. Run with the Python that `../run` sets up, as root
(it drops to an unprivileged id where that matters, and mounts a 64 KiB tmpfs in
a mount namespace of its own). Any other user: those cases say they were skipped.

  faults.py [kill|enospc|perm|umask|secrets|broken]...   none: all

Only processes started here are ever signalled, and only by their id.
"""

import io
import json
import logging
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import traceback

import globus_sdk
from storage import data, make, name
from ground import ENDPOINT, Stub, fact, scratch
from globus_sdk.token_storage import JSONTokenStorage

KILLS = int(os.environ.get("KILLS", "300"))
FILE = {"legacy-json": "legacy.json", "json": "t.json", "sqlite": "t.db"}


def mode(p):
    return oct(stat.S_IMODE(os.stat(p).st_mode))


def verdict(kind, path, n):
    """ok, or what is wrong with the file."""
    try:
        if kind == "sqlite":
            c = sqlite3.connect(path)
            if c.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                return "corrupt"
            k = c.execute("SELECT count(*) FROM token_storage").fetchone()[0]
            c.close()
        else:
            raw = open(path, "rb").read()
            if not raw:
                return "empty"
            try:
                v = json.loads(raw)
            except ValueError:
                return "cut short"
            k = len(v["by_rs"] if "by_rs" in v else v["data"]["DEFAULT"] if isinstance(v["data"], dict) else v)
        return "ok" if k >= n else "tokens missing"
    except Exception as e:
        return f"unreadable ({type(e).__name__})"


def fork_and_kill(body, delay):
    """Runs body() in a fork, endless; kills that child after `delay` seconds of it."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(r)
            body()
            os.write(w, b"x")
            end = time.time() + 20
            while time.time() < end:
                body()
                os.write(w, b".")
        finally:
            os._exit(0)
    os.close(w)
    if os.read(r, 1) != b"x":
        sys.exit("the process to be killed never stored anything")
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        sys.exit("the process to be killed had ended by itself")
    more = b""
    while b := os.read(r, 65536):
        more += b
    os.close(r)
    return len(more)


def kill():
    rnd = random.Random(7)
    for kind in ("legacy-json", "json", "sqlite"):
        for n in (1, 10, 100):
            tally, stores = {}, 0
            with scratch() as d:
                path = os.path.join(d, FILE[kind])
                names = [name(i) for i in range(n)]
                store, _ = make(kind, d)
                store(names)
                del store
                good = open(path, "rb").read()

                def body():
                    nonlocal st
                    if st is None:
                        st = make(kind, d)[0]
                    st([names[0]])

                for _ in range(KILLS):
                    st = None
                    stores += 1 + fork_and_kill(body, rnd.uniform(0.004, 0.03))
                    v = verdict(kind, path, n)
                    tally[v] = tally.get(v, 0) + 1
                    if v != "ok":
                        for f in os.listdir(d):
                            os.unlink(os.path.join(d, f))
                        with open(path, "wb") as f:
                            f.write(good)
            fact(f"kill/{kind}/{n}rs", kills=KILLS, stores_acknowledged=stores, **tally)


def attempt(fn):
    try:
        r = fn()
        return "no error" if r is None else f"returned {r!r}"[:80]
    except Exception as e:
        return f"{type(e).__name__}: {e}"[:160]


def enospc():
    if os.geteuid() != 0:
        fact("enospc", skipped="needs root")
        return
    if os.environ.get("IN_NS") != "1":
        subprocess.run(
            ["unshare", "-m", "--propagation", "private", sys.executable, __file__, "enospc"],
            env={**os.environ, "IN_NS": "1"},
            check=True,
        )
        return
    with scratch() as top:
        for kind in ("legacy-json", "json", "sqlite"):
            m = os.path.join(top, kind)
            os.mkdir(m)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", m], check=True)
            try:
                n = 10
                names = [name(i) for i in range(n)]
                store, read = make(kind, m)
                store(names)
                path = os.path.join(m, FILE[kind])
                before = os.path.getsize(path)
                filler = open(os.path.join(m, "filler"), "wb", buffering=0)
                try:
                    while True:
                        filler.write(b"x" * 4096)
                except OSError:
                    pass
                # the ordinary case first: the same tokens again, on the full disk
                same = attempt(lambda: store([names[0]]))
                same_after = verdict(kind, path, n)
                # then more than the pages the file already owns
                res = attempt(lambda: store([name(i) for i in range(n, n + 40)]))
                after = verdict(kind, path, n)
                size = os.path.getsize(path)
                again = attempt(lambda: store([names[0]]))
                fact(
                    f"enospc/{kind}",
                    same_size_store=same,
                    file_after_that=same_after,
                    bigger_store=res,
                    bytes_before=before,
                    bytes_after=size,
                    file_after=after,
                    next_store=again,
                    next_read=attempt(lambda: read(names[0]) is not None),
                )
                filler.close()
                del store, read
            finally:
                subprocess.run(["umount", "-l", m], check=False)


def as_nobody(fn):
    """fn() in a fork running as an unprivileged id; its string result."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(r)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(w, str(fn()).encode()[:4000])
        finally:
            os._exit(0)
    os.close(w)
    out = b""
    while b := os.read(r, 4096):
        out += b
    os.close(r)
    os.waitpid(pid, 0)
    return out.decode()


def perm():
    old = os.umask(0o022)
    try:
        with scratch() as d:
            os.chmod(d, 0o777)
            for kind in ("legacy-json", "json", "sqlite"):
                path = os.path.join(d, FILE[kind])
                make(kind, d)[0](["a"])
                fact(f"perm/{kind}/new file", mode=mode(path))
                os.chmod(path, 0o644)
                make(kind, d)[0](["a"])
                fact(f"perm/{kind}/a 0644 file after a store", mode=mode(path))
                os.unlink(path)
                # a link left where the token file belongs
                target = os.path.join(d, "target-" + kind)
                with open(target, "w") as f:
                    f.write(
                        ""
                        if kind == "sqlite"
                        else json.dumps(
                            {"by_rs": {}, "format_version": "1.0", "globus-sdk.version": "x"}
                            if kind == "legacy-json"
                            else {"data": {}, "format_version": "2.0", "globus-sdk.version": "x"}
                        )
                    )
                os.chmod(target, 0o666)
                os.symlink(target, path)
                res = attempt(lambda: make(kind, d)[0](["a"]))
                fact(
                    f"perm/{kind}/symlink to a 0666 file",
                    store=res,
                    still_a_link=os.path.islink(path),
                    target_mode=mode(target),
                    token_in_target=b"A" * 80 in open(target, "rb").read(),
                )
                os.unlink(path)
                # a dangling link
                away = os.path.join(d, "elsewhere-" + kind)
                os.symlink(away, path)
                res = attempt(lambda: make(kind, d)[0](["a"]))
                fact(
                    f"perm/{kind}/dangling symlink",
                    store=res,
                    created_behind_it=os.path.exists(away),
                    mode=mode(away) if os.path.exists(away) else None,
                )
                os.unlink(path)
            deep = os.path.join(d, "x", "y", "t.json")
            JSONTokenStorage(deep)
            fact(
                "perm/json/folders it makes",
                mode=mode(os.path.dirname(deep)),
                parent=mode(os.path.dirname(os.path.dirname(deep))),
            )
            fact(
                "perm/json/bare file name without a folder",
                result=attempt(lambda: JSONTokenStorage("tokens-bare.json") and None),
            )
            if os.geteuid() == 0:
                for kind in ("legacy-json", "json", "sqlite"):
                    sub = os.path.join(d, "ro-" + kind)
                    os.mkdir(sub)
                    path = os.path.join(sub, FILE[kind])
                    make(kind, sub)[0](["a"])
                    os.chown(path, 65534, 65534)
                    os.chown(sub, 65534, 65534)
                    os.chmod(path, 0o400)
                    os.chmod(d, 0o755)
                    os.chmod(os.path.dirname(d), os.stat(os.path.dirname(d)).st_mode | 0o001)
                    fact(
                        f"perm/{kind}/read-only file",
                        store=as_nobody(lambda: attempt(lambda: make(kind, sub)[0](["b"]))),
                        file_after=verdict(kind, path, 1),
                    )
                    os.chmod(path, 0o600)
                    os.chmod(sub, 0o500)
                    fact(
                        f"perm/{kind}/read-only folder",
                        store=as_nobody(lambda: attempt(lambda: make(kind, sub)[0](["b"]))),
                        file_after=verdict(kind, path, 1),
                    )
                    os.chmod(sub, 0o000)
                    fact(
                        f"perm/{kind}/unreadable folder",
                        store=as_nobody(lambda: attempt(lambda: make(kind, sub)[0](["b"]))),
                        read=as_nobody(lambda: attempt(lambda: make(kind, sub)[1]("a"))),
                    )
                    os.chmod(sub, 0o700)
            else:
                fact("perm/read-only", skipped="needs root, to set up and then drop it")
    finally:
        os.umask(old)


def broken():
    for kind in ("legacy-json", "json", "sqlite"):
        for what in ("empty", "half", "not json", "null tokens", "unknown version"):
            with scratch() as d:
                path = os.path.join(d, FILE[kind])
                make(kind, d)[0]([name(i) for i in range(10)])
                raw = open(path, "rb").read()
                if what == "empty":
                    raw = b""
                elif what == "half":
                    raw = raw[: len(raw) // 2]
                elif what == "not json":
                    raw = b"\x00\xff garbage" * 50
                elif kind == "sqlite":
                    continue
                elif what == "null tokens":
                    raw = json.dumps(
                        {
                            "by_rs": None,
                            "data": None,
                            "format_version": json.loads(raw)["format_version"],
                            "globus-sdk.version": "x",
                        }
                    ).encode()
                else:
                    raw = json.dumps({**json.loads(raw), "format_version": "9.9"}).encode()
                with open(path, "wb") as f:
                    f.write(raw)
                fact(
                    f"broken/{kind}/{what}",
                    read=attempt(lambda: make(kind, d)[1](name(0))),
                    store=attempt(lambda: make(kind, d)[0]([name(0)])),
                    file_kept_as_it_was=open(path, "rb").read() == raw,
                )


def umask():
    """Two stores in two threads, and a third thread making unrelated files.

    In short rounds, each from a umask set anew: once two stores have crossed,
    the process may be left with 0177, and from then on nothing can come out wide.
    """
    secs = float(os.environ.get("UMASK_SECS", "20"))
    for kind in ("legacy-json", "json"):
        with scratch() as d:
            stop = time.time() + secs
            other, wide, left, rounds, errors = {}, {}, {}, 0, []

            def storer(sub):
                path = os.path.join(sub, FILE[kind])
                st = make(kind, sub)[0]
                for _ in range(8):
                    st(["a"])
                    m = mode(path)
                    wide[m] = wide.get(m, 0) + 1
                    os.unlink(path)

            def bystander():
                for i in range(30):
                    p = os.path.join(d, f"plain-{i}")
                    with open(p, "w"):
                        pass
                    m = mode(p)
                    other[m] = other.get(m, 0) + 1
                    os.unlink(p)

            def guard(fn, *a):
                try:
                    fn(*a)
                except Exception as e:
                    errors.append(f"{type(e).__name__}: {e}"[:120])

            subs = [os.path.join(d, f"s{k}") for k in (1, 2)]
            [os.mkdir(x) for x in subs]
            while time.time() < stop:
                os.umask(0o022)
                ts = [threading.Thread(target=guard, args=(storer, x)) for x in subs] + [
                    threading.Thread(target=guard, args=(bystander,))
                ]
                [t.start() for t in ts]
                [t.join() for t in ts]
                u = oct(os.umask(0o022))
                left[u] = left.get(u, 0) + 1
                rounds += 1
            fact(
                f"umask/{kind}",
                seconds=secs,
                rounds=rounds,
                token_file_modes_wanted_0o600=wide,
                unrelated_file_modes_wanted_0o644=other,
                process_umask_after_a_round_wanted_0o22=left,
                errors=errors[:3],
            )


def secrets():
    tok = "AgSECRETACCESS" + "a" * 40
    ref = "AgSECRETREFRESH" + "r" * 40
    sec = "SECRETCLIENT" + "s" * 30

    def in_frames(e):
        """Secrets among the locals of library frames only: the frame of this very
        function has all of them, and would be found every time."""
        te = traceback.TracebackException.from_exception(e, capture_locals=True)
        out, todo = {}, [te]
        while todo:
            x = todo.pop()
            todo += [y for y in (x.__cause__, x.__context__) if y]
            for f in x.stack:
                if "site-packages" in f.filename:
                    for k, v in (f.locals or {}).items():
                        for w in has(v):
                            out.setdefault(w, f"{os.path.basename(f.filename)}:{f.name}:{k}")
        return out

    has = lambda s: [n for n, v in (("access", tok), ("refresh", ref), ("client secret", sec)) if v in str(s)]  # noqa: E731
    td = data("rs")
    td.access_token, td.refresh_token = tok, ref
    cc = globus_sdk.ConfidentialAppAuthClient("b2c3d4e5-0000-4000-8000-000000000001", sec)
    ra = globus_sdk.RefreshTokenAuthorizer(ref, cc, access_token=tok, expires_at=int(time.time()) + 9999)
    at = globus_sdk.AccessTokenAuthorizer(tok)
    for n, o in (
        ("TokenStorageData", td),
        ("AccessTokenAuthorizer", at),
        ("RefreshTokenAuthorizer", ra),
        ("ConfidentialAppAuthClient", cc),
    ):
        fact(f"secrets/{n}", repr=has(repr(o)), str=has(str(o)), vars=has(repr(vars(o))))
    with Stub() as stub:
        # all the loggers there are, at DEBUG, over a refresh and a listing
        buf = io.StringIO()
        h = logging.StreamHandler(buf)
        root = logging.getLogger()
        root.addHandler(h)
        root.setLevel(logging.DEBUG)
        cc = globus_sdk.ConfidentialAppAuthClient("b2c3d4e5-0000-4000-8000-000000000001", sec)
        ra = globus_sdk.RefreshTokenAuthorizer(ref, cc, access_token=tok, expires_at=1)
        seen = ra.get_authorization_header().removeprefix("Bearer ")
        tc = globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer(tok))
        tc.operation_ls(ENDPOINT, limit=1)
        attempt(lambda: tc.get("/nothing"))
        resp = cc.oauth2_refresh_token(ref)
        idt = "eyJSECRETIDTOKEN." + "i" * 40
        resp._parsed_json["id_token"] = idt
        attempt(lambda: resp.decode_id_token(openid_configuration={}, jwk=None))
        # the control: what is surely logged must be found by the same look-up
        logging.getLogger("globus_sdk").debug("control %s", "CONTROL" + tok[::-1])
        root.removeHandler(h)
        root.setLevel(logging.WARNING)
        log = buf.getvalue()
        fresh = resp["access_token"]
        fact(
            "secrets/DEBUG log of a refresh, a listing and a 404",
            found=has(log),
            fresh_token_found=seen in log or fresh in log,
            id_token_found=idt in log,
            control_found="CONTROL" + tok[::-1] in log,
            log_bytes=len(log),
        )
        fact(
            "secrets/OAuthTokenResponse",
            str=fresh in str(resp),
            repr=fresh in repr(resp),
            by_rs=fresh in repr(resp.by_resource_server),
        )

        # what an error tells, and what a traceback with locals (as error trackers make) tells
        def failing():
            globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer(tok)).get("/nothing")

        try:
            failing()
        except globus_sdk.GlobusAPIError as e:
            fact(
                "secrets/API error",
                str=has(str(e)),
                repr=has(repr(e)),
                plain_traceback=has(traceback.format_exc()),
                library_frame_locals=in_frames(e),
                reachable_from_error=has(
                    getattr(getattr(e, "_underlying_response", None), "request", None)
                    and e._underlying_response.request.headers
                ),
            )
        stub.config(rotate=2)
        stub.reset()
        cc.oauth2_refresh_token(ref)
        try:
            cc.oauth2_refresh_token(ref)
        except globus_sdk.GlobusAPIError as e:
            fact(
                "secrets/refused refresh",
                str=has(str(e)),
                plain_traceback=has(traceback.format_exc()),
                library_frame_locals=in_frames(e),
            )
        # the same with the server gone: the error of a request that never arrived
        stub.proc.kill()
        stub.proc.wait()
        cc.retry_config.max_retries = 0
        try:
            cc.oauth2_refresh_token(ref)
        except globus_sdk.NetworkError as e:
            fact(
                "secrets/network error on a refresh",
                kind=type(e).__name__,
                str=has(str(e)),
                repr=has(repr(e)),
                plain_traceback=has(traceback.format_exc()),
                library_frame_locals=in_frames(e),
                pending_request_body=has(getattr(getattr(e.underlying_exception, "request", None), "body", "")),
            )


if __name__ == "__main__":
    parts = sys.argv[1:] or ["kill", "enospc", "perm", "broken", "umask", "secrets"]
    for p in parts:
        {"kill": kill, "enospc": enospc, "perm": perm, "broken": broken, "umask": umask, "secrets": secrets}[p]()
