"""Fixtures: relays in temporary folders, upstreams of ours, the SDKs' clients."""

import os
from pathlib import Path

import httpx
import pytest

from clients import anthropic_client, openai_client
from fake_anthropic import FakeAnthropic
from players import NODE
from relay import Relay
from sandbox_server import serve_sandbox

METRICS_TOKEN = "metrics-dummy"


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
