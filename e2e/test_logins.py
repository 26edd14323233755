"""Accounts that are logged in: every flow, from the command line to a chat, at the sandbox's authorization server."""

import json
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from clients import HELLO, MODEL, anthropic_client
from relay import PATIENCE, eventually

ADA = "ada@sandbox.example"


@pytest.fixture
def desk(new_relay, sandbox_server):
    """Makes a relay whose operator has a client at the vendor, and asks it for a scope; some words of it ask for trouble."""

    def make(scope="inference", start=True):
        relay = new_relay(
            POSTHASTE_OAUTH__SANDBOX__AUTHORIZE_URL=f"{sandbox_server}/oauth/authorize",
            POSTHASTE_OAUTH__SANDBOX__TOKEN_URLS=f"{sandbox_server}/oauth/token",
            POSTHASTE_OAUTH__SANDBOX__DEVICE_URL=f"{sandbox_server}/oauth/device",
            POSTHASTE_OAUTH__SANDBOX__SCOPES=scope,
        )
        if start:
            relay.start()
        return relay

    return make


@pytest.fixture
def new_account(sandbox_server):
    """An account behind a door that opens for tokens only."""
    return ("--preset", "sandbox", "--base-url", f"{sandbox_server}/signed-in", "--name", "ada")


class Login:
    """`accounts login` as a program runs it."""

    def __init__(self, process):
        self.process = process
        self.task = json.loads(process.stdout.readline())

    def paste(self, text):
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def saved(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        return json.loads(out)

    def failure(self):
        _, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode != 0
        return json.loads(err.splitlines()[-1])["error"]


@contextmanager
def log_in(relay, *arguments):
    pipe = subprocess.PIPE
    command = [relay.binary, "accounts", "login", *arguments, "--json", "--data", relay.data]
    with subprocess.Popen(
        command, env=relay._environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield Login(process)
        finally:
            process.kill()


def browse(url, **answers):
    """A person at the vendor's page; gives where the browser is sent."""
    with httpx.Client(trust_env=False, timeout=PATIENCE) as browser:
        page = browser.get(url)
        assert page.status_code == 200 and "<form" in page.text, page.text
        answer = browser.get(url, params=dict(httpx.URL(url).params) | answers)
        assert answer.status_code < 400, answer.text
        return answer.headers.get("location")


def chats(relay):
    """Whether a client is served, through the SDK."""
    client = anthropic_client(relay, chats_key(relay).secret, max_retries=0)
    answer = client.messages.create(model=MODEL, max_tokens=64, messages=HELLO)
    return answer.content[0].text


def chats_key(relay):
    if not hasattr(relay, "chat_key"):
        relay.chat_key = relay.create_key("chats")
    return relay.chat_key


def refused(relay, *arguments):
    """A command that fails: what a program is told of it."""
    command = [relay.binary, *arguments, "--json", "--data", relay.data]
    done = subprocess.run(command, env=relay._environment(), capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return json.loads(done.stderr.splitlines()[-1])["error"]


def test_the_browser_on_this_machine_brings_the_code(desk, new_account):
    relay = desk()
    with log_in(relay, *new_account) as login:
        assert login.task["flow"] == "code"
        back = browse(login.task["url"], approve="1", login_hint=ADA)
        with httpx.Client(trust_env=False) as browser:
            assert browser.get(back).status_code == 200
        saved = login.saved()
    assert saved["name"] == "ada" and f"logged in as {ADA}" in saved["notices"]
    assert chats(relay)


def test_a_code_is_pasted_before_a_relay_runs(desk, new_account):
    relay = desk(start=False)
    with log_in(relay, *new_account, "--paste") as login:
        back = browse(login.task["url"], approve="1")
        login.paste("no code at all")
        login.paste(httpx.URL(back).params["code"])
        assert login.saved()["has_credential"]
    relay.start()
    assert chats(relay)


def test_a_device_is_allowed_from_elsewhere(desk, new_account, sandbox_server):
    relay = desk()
    with log_in(relay, *new_account, "--device") as login:
        assert login.task["flow"] == "device"
        page = f"{sandbox_server}/oauth/activate?user_code={login.task['user_code']}"
        browse(page, approve="1", login_hint=ADA)
        assert login.saved()["name"] == "ada"
    assert chats(relay)


def test_a_vendor_may_ask_for_patience(desk, new_account):
    relay = desk("inference auto-approve interval-0 slow-down-once")
    with log_in(relay, *new_account, "--device") as login:
        assert login.saved()["name"] == "ada"


@pytest.mark.parametrize(
    ("scope", "state"),
    [
        ("inference auto-deny interval-0", "denied"),
        ("inference interval-0 device-expires-1", "expired_code"),
    ],
)
def test_a_device_that_is_not_allowed(desk, new_account, scope, state):
    relay = desk(scope)
    with log_in(relay, *new_account, "--device") as login:
        failure = login.failure()
    assert failure["state"] == state and failure["hint"]
    assert json.loads(relay.cli("accounts", "list", "--json")) == []


def test_tokens_rotate_at_each_refresh(desk, new_account):
    relay = desk()
    with log_in(relay, *new_account, "--paste") as login:
        login.paste(browse(login.task["url"], approve="1"))
        login.saved()
    # Each refresh token is good once: a second one shows that the first one's was kept.
    for _ in range(3):
        refreshed = json.loads(relay.cli("accounts", "refresh", "ada", "--json"))
        assert refreshed["expires_at"]
        assert chats(relay)
    assert json.loads(relay.cli("accounts", "test", "ada", "--model", MODEL, "--json"))["ok"]


def test_an_ended_login_is_told_others_serve_and_a_new_login_mends_it(desk, new_account):
    relay = desk("inference lifetime-2 refresh-invalid-grant")
    with log_in(relay, *new_account, "--paste", "--priority", "1") as login:
        login.paste(browse(login.task["url"], approve="1"))
        before = login.saved()
    relay.add_sandbox("other")
    failure = refused(relay, "accounts", "refresh", "ada")
    assert failure["state"] == "invalid_grant" and "log the account in again" in failure["hint"]

    def unauthorised():
        assert chats(relay)
        health = json.loads(relay.cli("accounts", "show", "ada", "--json"))["health"]
        return health if health.get("reason") == "unauthorised" else None

    assert "log the account in again" in eventually(unauthorised, "the account rests")["why"]
    with log_in(relay, "ada", "--paste") as login:
        login.paste(browse(login.task["url"], approve="1"))
        after = login.saved()
    assert (after["id"], after["priority"], after["health"]) == (before["id"], 1, {"state": "ready"})


def test_a_missing_client_says_what_to_set(desk):
    relay = desk()
    failure = refused(relay, "accounts", "login", "--preset", "anthropic", "--name", "claude")
    assert failure["state"] == "not_configured"
    assert "POSTHASTE_OAUTH__CLAUDE__CLIENT_ID" in failure["hint"] and "[oauth.claude]" in failure["hint"]
