"""What is not a model's answer: health, metrics, probes, wrong paths, start and stop."""

import httpx
import pytest

from clients import HELLO, MODEL, anthropic_client
from conftest import METRICS_TOKEN


def test_health_answers_without_a_key(http):
    answer = http.get("/health")
    assert answer.status_code == 200
    assert answer.json()


def test_metrics_need_their_token(http):
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    answer = http.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


def test_metrics_count_requests(http, claude):
    def counters():
        text = http.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"}).text
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("posthaste_")]
        return {
            series: float(value) for series, _, value in lines if series.partition("{")[0].endswith("_total")
        }

    claude.messages.create(model=MODEL, max_tokens=16, messages=HELLO)
    before = counters()
    claude.messages.create(model=MODEL, max_tokens=16, messages=HELLO)
    after = counters()
    assert before
    assert any(after[series] == before[series] + 1 for series in before)
    # What a client may choose freely must never make a series.
    assert not any(MODEL in series for series in after)


def test_metrics_are_off_without_a_token(new_relay):
    relay = new_relay()
    relay.start()
    assert httpx.get(f"{relay.url}/metrics", trust_env=False).status_code == 404


@pytest.mark.parametrize("base", ["/api", "/claude", "/api/", "/"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_base_probe_needs_no_credentials(http, base, method):
    """Claude Code sends HEAD to its base URL before its first request, without a key."""
    answer = http.request(method, base, follow_redirects=True)
    assert answer.is_success, answer.status_code
    if method == "HEAD":
        assert answer.content == b""


def test_a_wrong_path_is_a_404_in_the_dialect(http, sandbox_key):
    headers = {"x-api-key": sandbox_key.secret}
    for path, told in (("/claude/v1/no-such-thing", {}), ("/api/v1/no-such-thing", {"anthropic-version": "2023-06-01"})):
        answer = http.post(path, json={}, headers=headers | told)
        assert answer.status_code == 404
        assert answer.json()["type"] == "error"
        assert answer.json()["error"]["type"] == "not_found_error"
    answer = http.post("/openai/v1/no-such-thing", json={}, headers=headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]
    assert "type" not in answer.json()


def test_a_wrong_method_is_a_405(http, sandbox_key):
    answer = http.delete("/api/v1/messages", headers={"x-api-key": sandbox_key.secret})
    assert answer.status_code == 405


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-goog-api-key", "api-key"])
def test_a_key_is_taken_from_any_of_the_usual_headers(http, sandbox_key, name):
    value = f"Bearer {sandbox_key.secret}" if name == "authorization" else sandbox_key.secret
    body = {"model": MODEL, "max_tokens": 16, "messages": HELLO}
    for path in ("/api/v1/messages", "/claude/v1/messages", "/v1/messages", "/openai/v1/chat/completions"):
        assert http.post(path, json=body, headers={name: value}).status_code == 200, path


def test_an_anthropic_version_header_tells_the_models_list_s_dialect(http, sandbox_key):
    headers = {"authorization": f"Bearer {sandbox_key.secret}"}
    assert http.get("/v1/models", headers=headers).json()["object"] == "list"
    anthropic = http.get("/v1/models", headers=headers | {"anthropic-version": "2023-06-01"}).json()
    assert "has_more" in anthropic


def test_a_restart_keeps_keys_and_accounts(new_relay):
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    for _ in range(2):
        relay.start()
        client = anthropic_client(relay, key.secret, max_retries=0)
        assert client.messages.create(model=MODEL, max_tokens=16, messages=HELLO)
        assert relay.stop() == 0


def test_the_data_folder_is_closed_to_others_and_holds_no_secret_in_the_clear(new_relay, upstream):
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    assert relay.data.stat().st_mode & 0o077 == 0
    files = [path for path in relay.data.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert key.secret.encode() not in content, path
        assert b"sk-ant-dummy" not in content, path
