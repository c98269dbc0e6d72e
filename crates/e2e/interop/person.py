"""The person in front of a login: opens the address as a browser would, and gives the code."""

import urllib.parse

import requests


def code_of(url):
    answer = requests.get(url, allow_redirects=False, timeout=20)
    assert answer.status_code == 302, (answer.status_code, answer.text[:500])
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
    assert "error" not in query, query
    return query["code"][0]
