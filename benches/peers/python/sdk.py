"""The Python SDK against the stub, one figure per process, as one line of JSON.

  sdk.py ls ENTRIES REQUESTS    lists a directory REQUESTS times
  sdk.py page ITEMS             walks over a list of tasks; says the peak memory of this process as well

The stub is where GLOBUS_SDK_SERVICE_URL_TRANSFER says, which is the SDK's own way of being pointed elsewhere.
"""

import json
import sys
import time

import globus_sdk
from globus_sdk.paging import LimitOffsetTotalPaginator

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


if __name__ == "__main__":
    # The SDK decodes with it where it is installed; without it the figures would flatter.
    import orjson  # noqa: F401

    figure, *numbers = sys.argv[1:]
    result = {"ls": ls, "page": page}[figure](*map(int, numbers))
    print(json.dumps({**result, "globus_sdk": globus_sdk.__version__}))
