"""Markdown tables out of result files: summarize.py FILE.jsonl..."""

import json
import sys

for path in sys.argv[1:]:
    rows, facts = [], []
    for line in open(path):
        o = json.loads(line)
        (rows if "median" in o else facts).append(o)
    f = lambda x: f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"  # noqa: E731
    if rows:
        print("| what | median | min | max | unit | n | also |\n|---|---|---|---|---|---|---|")
    for o in rows:
        also = "; ".join(
            f"{k} {v}"
            for k, v in o.items()
            if k not in ("name", "unit", "median", "min", "max", "n") and v not in ({}, [])
        )
        print(f"| {o['name']} | {f(o['median'])} | {f(o['min'])} | {f(o['max'])} | {o['unit']} | {o['n']} | {also} |")
    if rows and facts:
        print()
    if facts:
        print("| what | found |\n|---|---|")
    for o in facts:
        if o["name"] in ("versions", "machine"):
            continue
        print(
            f"| {o['name']} | "
            + "; ".join(f"{k}: {str(v).replace('|', '/')}" for k, v in o.items() if k != "name")
            + " |"
        )
