"""Fixtures: relays in temporary folders, upstreams of ours, the SDKs' clients."""

import itertools
import os
from pathlib import Path

import httpx
import pytest

from clients import anthropic_client, openai_client
from fake_anthropic import FakeAnthropic
from players import NODE
from players.talk import Endpoint
from relay import Relay
from sandbox_server import serve_sandbox
from upstreams import UPSTREAMS, reasoner_account, relay_base

METRICS_TOKEN = "metrics-dummy"
# Names of keys are taken once.
KEY_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def binary():
    given = os.environ.get("POSTHASTE_BIN")
    assert given, "POSTHASTE_BIN must name the built program: see e2e/README.md"
    path = Path(given).resolve()
    assert os.access(path, os.X_OK), f"{path} is not a program"
    return path


@pytest.fixture(scope="session")
def sandbox(binary, tmp_path_factory):
    """A relay with one sandbox account; shared, so a test may not change its accounts."""
    relay = Relay(
        binary,
        tmp_path_factory.mktemp("sandbox") / "data",
        {"POSTHASTE_SERVER__METRICS_TOKEN": METRICS_TOKEN},
    )
    relay.add_sandbox()
    relay.start()
    yield relay
    assert relay.stop() == 0


@pytest.fixture(scope="session")
def sandbox_key(sandbox):
    return sandbox.create_key("shared")


@pytest.fixture
def new_relay(binary, tmp_path):
    """Makes relays with data folders of their own; a relay that is still running at the end must end politely."""
    made = []

    def make(**settings):
        relay = Relay(binary, tmp_path / f"data{len(made)}", settings)
        made.append(relay)
        return relay

    yield make
    statuses = [relay.stop() for relay in made]
    assert all(status in (None, 0) for status in statuses), statuses


@pytest.fixture
def upstream():
    with FakeAnthropic() as fake:
        yield fake


@pytest.fixture
def second_upstream():
    with FakeAnthropic(seed=500_000) as fake:
        yield fake


@pytest.fixture(scope="session")
def sandbox_server():
    """The sandbox over HTTP, as the vendor would stand there."""
    given = os.environ.get("POSTHASTE_SANDBOX_BIN")
    assert given, "POSTHASTE_SANDBOX_BIN must name the built example: see e2e/README.md"
    with serve_sandbox(given) as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def node_players():
    """Node's processes start with their first play and end with the session."""
    yield
    for player in NODE:
        player.stop()


@pytest.fixture(scope="session")
def relay(binary, tmp_path_factory, sandbox_server):
    """A relay with an account for each dialect, and one for a reasoner; shared, so a test may not change its accounts or make them fail."""
    relay = Relay(binary, tmp_path_factory.mktemp("matrix") / "data")
    for upstream in UPSTREAMS.values():
        relay.cli("accounts", "add", *upstream.account())
    relay.cli("accounts", "add", *reasoner_account(sandbox_server))
    relay.start()
    yield relay
    assert relay.stop() == 0


@pytest.fixture(scope="session")
def relay_key(relay):
    return relay.create_key("shared")


@pytest.fixture
def endpoint(relay, relay_key, player):
    return Endpoint(relay.url + relay_base(player.dialect, player.name), relay_key.secret)


@pytest.fixture
def own_endpoint(relay, player):
    """With a key of its own, so that its books tell of one test."""
    key = relay.create_key(f"of test {next(KEY_NUMBERS)}")
    return Endpoint(relay.url + relay_base(player.dialect, player.name), key.secret), key


@pytest.fixture(scope="session")
def faults(binary, tmp_path_factory):
    """A relay for accounts that fail, with a key; bodies may be small only."""
    relay = Relay(
        binary, tmp_path_factory.mktemp("faults") / "data", {"POSTHASTE_SERVER__MAX_BODY_BYTES": "128KiB"}
    )
    relay.start()
    key = relay.create_key("shared")
    yield relay, key
    assert relay.stop() == 0


@pytest.fixture(scope="session")
def revoked_key(faults):
    relay, _ = faults
    key = relay.create_key("revoked")
    relay.cli("keys", "revoke", key.id)
    return key


@pytest.fixture
def claude(sandbox, sandbox_key):
    """The Anthropic SDK on the shared relay, without retries of its own."""
    return anthropic_client(sandbox, sandbox_key.secret, max_retries=0)


@pytest.fixture
def gpt(sandbox, sandbox_key):
    """The OpenAI SDK on the shared relay, without retries of its own."""
    return openai_client(sandbox, sandbox_key.secret, max_retries=0)


@pytest.fixture
def http(sandbox):
    """Raw HTTP to the shared relay, without credentials."""
    with httpx.Client(base_url=sandbox.url, trust_env=False, timeout=60) as client:
        yield client
