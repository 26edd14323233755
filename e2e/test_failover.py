"""A failing account is the relay's problem, not the client's."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import CLAUDE, HELLO, Sent, anthropic_client, openai_client
from fake_anthropic import OVERLOADED, RATE_LIMITED, Close, ErrorEvent, Status, Usage


@pytest.fixture
def pair(new_relay, upstream, second_upstream):
    """A relay with two accounts of which `upstream` is tried first, and a key."""
    relay = new_relay(POSTHASTE_ACCOUNTING__DURABILITY="strict")
    relay.add_account("first", upstream, priority=10)
    relay.add_account("second", second_upstream, priority=20)
    key = relay.create_key()
    relay.start()
    return relay, key


FAULTS = [
    pytest.param(OVERLOADED, id="529"),
    pytest.param(RATE_LIMITED, id="429"),
    pytest.param(Status(500), id="500"),
    pytest.param(Status(401, "authentication_error"), id="401"),
    pytest.param(Status(403, "permission_error"), id="403"),
    pytest.param(Close(), id="closed before the head"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_whole_answer_comes_from_the_other_account(pair, upstream, second_upstream, fault):
    relay, key = pair
    upstream.script(default=fault)
    sent = Sent()
    client = anthropic_client(relay, key.secret, sent)
    answer = client.messages.with_raw_response.create(model=CLAUDE, max_tokens=64, messages=HELLO)
    assert answer.parse().content[0].text == "Haste, post, haste."
    assert sent.count == 1
    assert int(answer.headers["x-posthaste-attempts"]) >= 2
    assert upstream.requests
    assert len(second_upstream.answered) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *FAULTS,
        pytest.param(ErrorEvent(), id="error event first"),
        pytest.param(ErrorEvent(after_start=True), id="error event before content"),
    ],
)
def test_a_stream_comes_from_the_other_account(pair, upstream, second_upstream, fault):
    relay, key = pair
    upstream.script(default=fault)
    sent = Sent()
    client = anthropic_client(relay, key.secret, sent)
    with client.messages.stream(model=CLAUDE, max_tokens=64, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == "Haste, post, haste."
    assert sent.count == 1
    assert len(second_upstream.answered) == 1


@pytest.mark.parametrize(
    "fault", [*FAULTS, pytest.param(ErrorEvent(after_start=True), id="error event before content")]
)
def test_a_translated_stream_comes_from_the_other_account(pair, upstream, second_upstream, fault):
    relay, key = pair
    upstream.script(default=fault)
    client = openai_client(relay, key.secret, max_retries=0)
    chunks = list(client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True))
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Haste, post, haste."
    assert len(second_upstream.answered) == 1


def test_an_account_that_never_opens_a_connection_is_passed_over(pair, upstream, second_upstream):
    relay, key = pair
    upstream.kill()
    client = anthropic_client(relay, key.secret, max_retries=0)
    assert client.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO)
    assert len(second_upstream.answered) == 1


def test_a_limited_account_rests(pair, upstream, second_upstream):
    """After a 429 with a reset in half a minute the account is not asked again."""
    relay, key = pair
    upstream.script(RATE_LIMITED)
    client = anthropic_client(relay, key.secret, max_retries=0)
    for _ in range(5):
        client.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO)
    assert len(upstream.requests) == 1
    assert len(second_upstream.answered) == 5


def test_no_client_sees_an_upstream_die_under_load(new_relay, upstream, second_upstream):
    """Eight clients, fifty requests each; one of two upstreams dies after the hundredth answer."""
    relay = new_relay(POSTHASTE_ACCOUNTING__DURABILITY="strict")
    relay.add_account("one", upstream)
    relay.add_account("other", second_upstream)
    key = relay.create_key()
    relay.start()
    answered = []
    lock = threading.Lock()
    hundred = threading.Event()

    def requests(_):
        client = anthropic_client(relay, key.secret, max_retries=0)
        for _ in range(50):
            usage = client.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO).usage
            with lock:
                answered.append(usage)
                if len(answered) == 100:
                    hundred.set()

    def kill():
        assert hundred.wait(60)
        upstream.kill()

    with ThreadPoolExecutor(9) as pool:
        killer = pool.submit(kill)
        workers = [pool.submit(requests, number) for number in range(8)]
        for worker in workers:
            worker.result()
        killer.result()
    assert len(answered) == 400
    assert upstream.answered, "the upstream that died had its share before"

    # An answer that died with its upstream was never whole, so the clients' sums are the books'.
    total = sum(
        (
            Usage(u.input_tokens, u.output_tokens, u.cache_read_input_tokens, u.cache_creation_input_tokens)
            for u in answered
        ),
        Usage(),
    )
    books = relay.books(key)
    assert books.completed == 400
    assert Usage(books.input, books.output, books.cache_read, books.cache_write) == total
