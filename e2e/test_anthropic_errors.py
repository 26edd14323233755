"""What the Anthropic SDK makes of errors: its classes, its retries, never a silent end."""

import anthropic
import pytest

from clients import CLAUDE, HELLO, MODEL, Sent, anthropic_client
from fake_anthropic import Cut, ErrorEvent, Status
from relay import eventually


def ask(client, model=MODEL):
    return client.messages.create(model=model, max_tokens=64, messages=HELLO)


def read_stream(client, model):
    with client.messages.stream(model=model, max_tokens=256, messages=HELLO) as stream:
        return stream.get_final_message()


def test_an_unknown_key_fails_at_once(sandbox):
    sent = Sent()
    client = anthropic_client(sandbox, "cr_" + "0" * 64, sent)
    with pytest.raises(anthropic.AuthenticationError) as error:
        ask(client)
    assert sent.count == 1
    assert error.value.body["error"]["type"] == "authentication_error"
    # Claude Code retries a 401 for minutes unless it is told not to.
    assert error.value.response.headers["x-should-retry"] == "false"


def test_a_request_without_a_key_is_refused_in_the_dialect(http):
    answer = http.post("/api/v1/messages", json={"model": MODEL, "max_tokens": 1, "messages": HELLO})
    assert answer.status_code == 401
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "authentication_error"


def test_a_revoked_key_is_forbidden_while_others_go_on(sandbox, claude):
    key = sandbox.create_key("soon revoked")
    sent = Sent()
    client = anthropic_client(sandbox, key.secret, sent)
    ask(client)
    sandbox.cli("keys", "revoke", key.id)

    def refused():
        sent.count = 0
        try:
            ask(client)
        except anthropic.PermissionDeniedError as error:
            return error

    error = eventually(refused, "a revoked key is refused", patience=10)
    assert error.status_code == 403
    assert sent.count == 1
    assert error.body["error"]["type"] == "permission_error"
    ask(claude)


def test_a_model_that_the_upstream_does_not_know_is_not_found(claude):
    with pytest.raises(anthropic.NotFoundError):
        ask(claude, "no-such-model")


def test_a_model_that_no_account_serves_is_not_found(new_relay):
    relay = new_relay()
    relay.cli("accounts", "add", "--preset", "sandbox", "--name", "narrow", "--allow", MODEL)
    key = relay.create_key()
    relay.start()
    sent = Sent()
    client = anthropic_client(relay, key.secret, sent)
    with pytest.raises(anthropic.NotFoundError) as error:
        ask(client, "no-such-model")
    assert sent.count == 1
    assert "no-such-model" in error.value.body["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not JSON"),
        pytest.param(b'{"model":"sandbox-sonnet","messages":[', id="cut off"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"max_tokens":1,"messages":[]}', id="no model"),
        pytest.param(b'{"model":7,"max_tokens":1,"messages":[]}', id="a number as model"),
        pytest.param(b'{"model":"a","model":"b","max_tokens":1,"messages":[]}', id="two models"),
        pytest.param(b'{"model":"a\xff","max_tokens":1,"messages":[]}', id="not UTF-8"),
        pytest.param(b'{"model":"a","x":' + b"[" * 5000 + b"]" * 5000 + b"}", id="nested too deeply"),
    ],
)
def test_a_malformed_body_is_a_400_in_the_dialect(http, sandbox_key, body):
    headers = {"x-api-key": sandbox_key.secret, "content-type": "application/json"}
    answer = http.post("/api/v1/messages", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("sandbox-429", anthropic.RateLimitError),
        ("sandbox-529", anthropic.OverloadedError),
    ],
)
def test_limits_and_overload_keep_their_class(new_relay, model, error):
    """A relay of its own: the fault rests the account."""
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    relay.start()
    with pytest.raises(error) as raised:
        ask(anthropic_client(relay, key.secret, max_retries=0), model)
    assert int(raised.value.response.headers["retry-after"]) >= 1


def test_an_upstream_s_500_is_a_server_error(new_relay):
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    relay.start()
    with pytest.raises(anthropic.APIStatusError) as raised:
        ask(anthropic_client(relay, key.secret, max_retries=0), "sandbox-500")
    assert raised.value.status_code >= 500


@pytest.mark.parametrize("model", ["sandbox-error-middle", "sandbox-cut-3"])
def test_a_stream_that_breaks_off_raises(new_relay, model):
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    relay.start()
    with pytest.raises(anthropic.APIError):
        read_stream(anthropic_client(relay, key.secret, max_retries=0), model)


def test_a_cut_after_content_ends_in_an_error_event(new_relay, upstream):
    """The head is out, so the error travels in the stream, in the dialect."""
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(Cut(after=2))
    client = anthropic_client(relay, key.secret, max_retries=0)
    deltas = []
    with pytest.raises(anthropic.APIStatusError) as error:
        with client.messages.stream(model=CLAUDE, max_tokens=64, messages=HELLO) as stream:
            deltas.extend(stream.text_stream)
    assert deltas == ["Haste", ", pos"]
    assert error.value.body["type"] == "error"


def test_an_account_s_own_401_never_reaches_a_client(new_relay, upstream):
    """A client would throw its key away; the fault is the operator's."""
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(default=Status(401, "authentication_error"))
    with pytest.raises(anthropic.APIStatusError) as error:
        ask(anthropic_client(relay, key.secret, max_retries=0), CLAUDE)
    assert error.value.status_code >= 500


def test_the_client_s_own_fault_comes_back_as_the_upstream_said_it(new_relay, upstream):
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(Status(400, "invalid_request_error"))
    with pytest.raises(anthropic.BadRequestError) as error:
        ask(anthropic_client(relay, key.secret), CLAUDE)
    assert error.value.body["error"]["message"] == "scripted invalid_request_error"
    assert len(upstream.requests) == 1


def test_an_error_event_as_the_last_word_of_every_account_is_an_error(new_relay, upstream):
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(default=ErrorEvent(after_start=True))
    with pytest.raises(anthropic.APIStatusError):
        read_stream(anthropic_client(relay, key.secret, max_retries=0), CLAUDE)
