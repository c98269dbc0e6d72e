"""The Python SDK against the stub, one figure per process, as one line of JSON.

  sdk.py ls ENTRIES REQUESTS    lists a directory REQUESTS times
  sdk.py page ITEMS             walks over a list of tasks; says the peak memory of this process as well
  sdk.py storage DIRECTORY TOKENS STORES READS
                                stores and reads one token out of many, in each kind of storage

The stub is where GLOBUS_SDK_SERVICE_URL_TRANSFER says, which is the SDK's own way of being pointed elsewhere.
"""

import json
import sys
import time

import globus_sdk
from globus_sdk.paging import LimitOffsetTotalPaginator
from globus_sdk.token_storage import JSONTokenStorage, MemoryTokenStorage, SQLiteTokenStorage, TokenStorageData

COLLECTION = "ddb59aef-6d04-11e5-ba46-22000b92c6ec"


def client():
    return globus_sdk.TransferClient(authorizer=globus_sdk.AccessTokenAuthorizer("AgExample"))


def ls(entries, requests):
    transfer = client()

    def some(count):
        for _ in range(count):
            listed = len(transfer.operation_ls(COLLECTION, limit=entries)["DATA"])
            if listed != entries:
                sys.exit(f"{listed} entries, {entries} were asked for")

    some(max(requests // 10, 2))
    begin = time.perf_counter()
    some(requests)
    return {"name": f"ls/{entries}/python", "median": requests / (time.perf_counter() - begin)}


def every_task(transfer):
    """Pages over all tasks. The client's own paginator stops at 1,000; this is the same one without that cap."""
    return LimitOffsetTotalPaginator(
        transfer.task_list,
        items_key="DATA",
        get_page_size=lambda page: len(page["DATA"]),
        max_total_results=None,
        page_size=1000,
        client_args=(),
        client_kwargs={},
    )


def peak_rss_mib():
    """The most memory that this process has had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def page(items):
    tasks = every_task(client())
    begin = time.perf_counter()
    found = odd = 0
    for task in tasks.items():
        found += 1
        odd += task["bytes_transferred"] & 1
    seconds = time.perf_counter() - begin
    if found != items:
        sys.exit(f"{found} tasks, {items} were expected")
    return {"name": "page/python", "items": found, "odd": odd, "seconds": seconds, "peak_rss_mib": peak_rss_mib()}


def rate(name, count, work):
    begin = time.perf_counter()
    for number in range(count):
        work(number)
    return {"name": name, "median": count / (time.perf_counter() - begin)}


def storage(directory, tokens, stores, reads):
    def name(number):
        return f"rs-{number % tokens}.example.org"

    def token(number):
        server, scope = name(number), f"urn:globus:auth:scope:{name(number)}:all"
        identity = "b2c3d4e5-0000-4000-8000-000000000001"
        return {server: TokenStorageData(server, identity, scope, "A" * 80, "R" * 80, 1_900_000_000, "Bearer")}

    kinds = {
        "json": JSONTokenStorage(f"{directory}/python.json"),
        "sqlite": SQLiteTokenStorage(f"{directory}/python.db"),
        "memory": MemoryTokenStorage(),
    }
    for kind, kept in kinds.items():
        for number in range(tokens):
            kept.store_token_data_by_resource_server(token(number))
        one = kept.store_token_data_by_resource_server
        yield rate(f"store/{kind}/{tokens}/python", stores, lambda number: one(token(number)))
        yield rate(f"read/{kind}/{tokens}/python", reads, lambda number: kept.get_token_data(name(number)))


if __name__ == "__main__":
    # The SDK decodes with it where it is installed; without it the figures would flatter.
    import orjson  # noqa: F401

    figure, *arguments = sys.argv[1:]
    if figure == "storage":
        directory, *numbers = arguments
        results = storage(directory, *map(int, numbers))
    else:
        results = [{"ls": ls, "page": page}[figure](*map(int, arguments))]
    for result in results:
        print(json.dumps({**result, "globus_sdk": globus_sdk.__version__}))
