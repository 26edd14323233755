"""Books that balance: to the token, after a cancel, after `kill -9`."""

import threading
from concurrent.futures import ThreadPoolExecutor

import anthropic
import pytest

from clients import CLAUDE, HELLO, anthropic_client, openai_client
from fake_anthropic import OVERLOADED, Close, Cut, Hold, Status, Usage
from relay import eventually

STRICT = {"POSTHASTE_ACCOUNTING__DURABILITY": "strict"}


def tokens(books):
    return Usage(books.input, books.output, books.cache_read, books.cache_write)


def whole(client):
    client.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO)


def streamed(client):
    with client.messages.stream(model=CLAUDE, max_tokens=64, messages=HELLO) as stream:
        stream.get_final_message()


def chat(client):
    client.chat.completions.create(model=CLAUDE, messages=HELLO)


def chat_streamed(client):
    list(client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True))


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
def test_the_books_are_what_the_upstreams_sent(new_relay, upstream, second_upstream, durability):
    """Every way through the relay, with faults between, from eight clients at once."""
    relay = new_relay(POSTHASTE_ACCOUNTING__DURABILITY=durability)
    relay.add_account("one", upstream)
    relay.add_account("other", second_upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(Status(500), Close(), OVERLOADED)

    def requests(number):
        claude = anthropic_client(relay, key.secret, max_retries=0)
        gpt = openai_client(relay, key.secret, max_retries=0)
        for turn in range(10):
            way = (whole, streamed, chat, chat_streamed)[(number + turn) % 4]
            way(claude if way in (whole, streamed) else gpt)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(requests, range(8)))

    sent = upstream.sent + second_upstream.sent
    assert len(upstream.answered) + len(second_upstream.answered) == 80
    books = eventually(
        lambda: (found := relay.books(key)).completed == 80 and found, "all rows are booked", patience=10
    )
    assert tokens(books) == sent
    assert books.estimated == 0


def test_the_books_survive_a_polite_restart(new_relay, upstream):
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    client = anthropic_client(relay, key.secret, max_retries=0)
    for _ in range(20):
        whole(client)
    assert relay.stop() == 0
    assert tokens(relay.books(key)) == upstream.sent
    relay.start()
    assert tokens(relay.books(key)) == upstream.sent


def test_a_cancelled_stream_ends_at_the_upstream_and_in_the_books(new_relay, upstream):
    relay = new_relay(**STRICT)
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    hold = Hold(after=1)
    upstream.script(hold)
    client = anthropic_client(relay, key.secret, max_retries=0)
    with client.messages.stream(model=CLAUDE, max_tokens=64, messages=HELLO) as stream:
        assert next(iter(stream.text_stream)) == "Haste"
        assert hold.reached.wait(30)
    assert upstream.aborted.wait(30), "the upstream went on working for nobody"
    books = eventually(
        lambda: (found := relay.books(key)).attempts and found, "the attempt is booked", patience=10
    )
    assert (books.attempts, books.completed) == (1, 0)
    # The prompt was read, and message_start said how long it was.
    assert books.input == 1007
    assert books.estimated == 1


def test_a_cancel_before_the_first_byte_ends_at_the_upstream(new_relay, upstream):
    relay = new_relay(**STRICT)
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    hold = Hold(after=0)
    upstream.script(hold)
    client = anthropic_client(relay, key.secret, max_retries=0, timeout=anthropic.Timeout(30, read=0.5))
    with pytest.raises(anthropic.APITimeoutError):
        streamed(client)
    assert upstream.aborted.wait(30)
    books = eventually(
        lambda: (found := relay.books(key)).attempts and found, "the attempt is booked", patience=10
    )
    assert (books.attempts, books.completed) == (1, 0)


def test_a_cut_stream_is_booked_once_and_not_as_complete(new_relay, upstream):
    relay = new_relay(**STRICT)
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    upstream.script(Cut(after=2))
    client = anthropic_client(relay, key.secret, max_retries=0)
    with pytest.raises(anthropic.APIError):
        streamed(client)
    books = eventually(
        lambda: (found := relay.books(key)).attempts and found, "the attempt is booked", patience=10
    )
    assert (books.attempts, books.completed) == (1, 0)
    assert books.input == 1007


def test_nothing_acknowledged_is_lost_to_kill_9(new_relay, upstream):
    """Strict accounting: what a client has in hand is in the books, whatever happens next."""
    relay = new_relay(**STRICT)
    relay.add_account("u1", upstream)
    key = relay.create_key()
    for kill_after in (40, 25, 10):
        _requests_until_killed(relay, key, upstream, kill_after)


def _requests_until_killed(relay, key, upstream, kill_after):
    relay.start()
    before = relay.books(key)
    answered_before = len(upstream.answered)
    held = []
    lock = threading.Lock()
    enough = threading.Event()

    def requests(number):
        client = anthropic_client(relay, key.secret, max_retries=0)
        try:
            while True:
                usage = _one_more(client, streamed=number % 2 == 1)
                with lock:
                    held.append(usage)
                    if len(held) >= kill_after:
                        enough.set()
        except Exception as error:  # noqa: BLE001 - of the SDK or of its transport: the relay is gone
            assert enough.is_set(), error

    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(requests, number) for number in range(8)]
        assert enough.wait(60)
        relay.kill()
        for worker in workers:
            worker.result()

    relay.start()
    after = relay.books(key)
    relay.stop()
    in_hand = sum(held, Usage())
    assert after.completed - before.completed >= len(held)
    assert after.input - before.input >= in_hand.input
    assert after.output - before.output >= in_hand.output
    assert after.completed - before.completed <= len(upstream.answered) - answered_before


def _one_more(client, streamed):
    if not streamed:
        usage = client.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO).usage
    else:
        with client.messages.stream(model=CLAUDE, max_tokens=64, messages=HELLO) as stream:
            usage = stream.get_final_message().usage
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
    )
