"""Request bodies as clients may send them: encoded, chunked, too large."""

import gzip
import json
import zlib

import brotli
import httpx
import pytest
import zstandard

from clients import MODEL

BODY = json.dumps(
    {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello. " * 200}]}
).encode()
LIMIT = 64 * 1024 * 1024
ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def post(http, key, content, **headers):
    headers = {"x-api-key": key.secret, "content-type": "application/json"} | headers
    return http.post("/api/v1/messages", content=content, headers=headers)


def of_size(size):
    """A body of exactly this many bytes."""
    head = b'{"model":"%s","max_tokens":64,"messages":[{"role":"user","content":"' % MODEL.encode()
    tail = b'"}]}'
    return head + b"a" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_encoded_body_is_read(http, sandbox_key, encoding):
    plain = post(http, sandbox_key, BODY)
    answer = post(http, sandbox_key, ENCODERS[encoding](BODY), **{"content-encoding": encoding})
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"] == plain.json()["usage"]


def test_a_body_that_is_not_what_its_encoding_says_is_a_400(http, sandbox_key):
    answer = post(http, sandbox_key, BODY, **{"content-encoding": "gzip"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_encoding_is_refused(http, sandbox_key):
    answer = post(http, sandbox_key, BODY, **{"content-encoding": "rot13"})
    assert answer.status_code in (400, 415)
    assert answer.json()["type"] == "error"


def test_a_chunked_body_is_read(http, sandbox_key):
    def pieces():
        yield BODY[:100]
        yield BODY[100:]

    assert post(http, sandbox_key, pieces()).status_code == 200


def test_a_body_at_the_limit_reaches_the_upstream(new_relay, upstream):
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    body = of_size(LIMIT)
    with httpx.Client(base_url=relay.url, trust_env=False, timeout=120) as http:
        answer = post(http, key, body)
    assert answer.status_code == 200, answer.text
    assert upstream.requests[0].raw == body


def test_a_body_over_the_limit_is_a_413(http, sandbox_key):
    answer = post(http, sandbox_key, of_size(LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "request_too_large"


@pytest.mark.parametrize("encoding", ENCODERS)
def test_the_limit_counts_what_was_unpacked(http, sandbox_key, encoding):
    bomb = ENCODERS[encoding](of_size(LIMIT + 1))
    assert len(bomb) < LIMIT
    answer = post(http, sandbox_key, bomb, **{"content-encoding": encoding})
    assert answer.status_code == 413
