"""The vendors' agents in their non-interactive modes: one tool that is run here, and its result told back.

Each meets its own dialect and two others. The tools only read, so nothing is changed anywhere.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from upstreams import UPSTREAMS
from wiretap import tapped

pytestmark = pytest.mark.agents


@pytest.fixture
def run(tmp_path):
    """Runs an agent in an empty home and an empty folder, and gives what it printed."""
    given = os.environ.get("POSTHASTE_E2E_AGENTS")
    assert given, "POSTHASTE_E2E_AGENTS must name the folder with node_modules: see e2e/README.md"
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()

    def agent(name, *arguments, **settings):
        folders = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        done = subprocess.run(
            [Path(given) / "node_modules/.bin" / name, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **folders, **settings},
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}"
        return done.stdout

    return agent


@pytest.mark.parametrize("dialect", ["messages", "chat", "gemini"])
def test_claude_code(run, relay, relay_key, dialect):
    printed = run(
        *("claude", "-p", "Use Read to see it.", "--model", UPSTREAMS[dialect].model("deep")),
        *("--output-format", "json"),
        ANTHROPIC_BASE_URL=f"{relay.url}/api",
        ANTHROPIC_API_KEY=relay_key.secret,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        CLAUDE_CODE_MAX_RETRIES="0",
    )
    answer = json.loads(printed)
    assert answer["num_turns"] == 2
    assert answer["result"].startswith("The tool `Read` ")


def codex(run, url, key, model, prompt, **provider):
    """Codex with the relay as a provider, told by more of a provider's settings."""
    settings = {
        "model_provider": "relay",
        "model_providers.relay.name": "relay",
        "model_providers.relay.base_url": f"{url}/openai/v1",
        "model_providers.relay.env_key": "RELAY_KEY",
        "model_providers.relay.wire_api": "responses",
        **{f"model_providers.relay.{name}": value for name, value in provider.items()},
    }
    # TOML spells these values as JSON does.
    options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={json.dumps(value)}")]
    return run(
        *("codex", "exec", "--skip-git-repo-check", "-m", model, *options, prompt),
        RELAY_KEY=key.secret,
    )


@pytest.mark.parametrize("dialect", ["responses", "messages", "gemini"])
def test_codex(run, relay, relay_key, dialect):
    printed = codex(run, relay.url, relay_key, UPSTREAMS[dialect].model("deep"), "Use get_goal to see it.")
    assert "The tool `get_goal` " in printed


@pytest.mark.parametrize("dialect", ["responses", "messages", "chat"])
def test_codex_over_a_websocket(run, relay, relay_key, dialect):
    """The tool's result goes up the same socket, as a request that goes on from the answer before."""
    with tapped(relay.url) as tap:
        printed = codex(
            *(run, tap.url, relay_key, UPSTREAMS[dialect].model("deep"), "Use get_goal to see it."),
            supports_websockets=True,
        )
    assert "The tool `get_goal` " in printed
    asked = [connection.request_line for connection in tap.connections]
    assert any(connection.is_websocket for connection in tap.connections), asked
    assert not any(line.startswith("POST ") for line in asked), asked


@pytest.mark.parametrize("dialect", ["gemini", "messages", "converse"])
def test_gemini_cli(run, relay, relay_key, dialect, tmp_path):
    settings = tmp_path / "home/.gemini/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    printed = run(
        *("gemini", "-m", UPSTREAMS[dialect].model("deep"), "--skip-trust"),
        *("-p", "Use list_directory to see it."),
        GEMINI_API_KEY=relay_key.secret,
        GOOGLE_GEMINI_BASE_URL=f"{relay.url}/gemini",
    )
    assert "The tool `list_directory` " in printed


@pytest.mark.parametrize(
    ("package", "base", "dialect", "kind"),
    [
        ("@ai-sdk/anthropic", "/api/v1", "messages", "deep"),
        ("@ai-sdk/anthropic", "/api/v1", "chat", "deep"),
        ("@ai-sdk/anthropic", "/api/v1", "gemini", "deep"),
        # This package sends the older `max_tokens`, which OpenAI's thinking models refuse; in its own dialect it passes.
        ("@ai-sdk/openai-compatible", "/openai/v1", "chat", "plain"),
        ("@ai-sdk/openai-compatible", "/openai/v1", "messages", "deep"),
    ],
)
def test_opencode(run, relay, relay_key, package, base, dialect, kind):
    model = UPSTREAMS[dialect].model(kind)
    provider = {
        "npm": package,
        "options": {"baseURL": f"{relay.url}{base}", "apiKey": relay_key.secret},
        "models": {model: {}},
    }
    config = {"provider": {"relay": provider}, "autoupdate": False, "small_model": f"relay/{model}"}
    printed = run(
        *("opencode", "run", "-m", f"relay/{model}", "Use read to see it."),
        OPENCODE_CONFIG_CONTENT=json.dumps(config),
        OPENCODE_DISABLE_MODELS_FETCH="1",
    )
    assert "The tool `read` " in printed


MODEL = UPSTREAMS["messages"].model("deep")


@pytest.mark.parametrize(
    ("client", "line", "tool"),
    [
        ("claude-code", ["claude", "-p", "Use Read to see it.", "--model", MODEL], "Read"),
        ("codex", ["codex", "exec", "--skip-git-repo-check", "-m", MODEL, "Use get_goal to see it."], "get_goal"),
        (
            "gemini-cli",
            ["gemini", "-m", MODEL, "--skip-trust", "-p", "Use list_directory to see it."],
            "list_directory",
        ),
        ("opencode", ["opencode", "run", "-m", f"anthropic/{MODEL}", "Use read to see it."], "read"),
        ("opencode", ["opencode", "run", "-m", f"openai/{MODEL}", "Use read to see it."], "read"),
        ("opencode", ["opencode", "run", "-m", f"google/{MODEL}", "Use read to see it."], "read"),
    ],
)
def test_clients_setup(binary, run, relay, relay_key, tmp_path, client, line, tool):
    """Nothing but the settings that `posthaste clients setup` writes leads to the relay."""
    home = tmp_path / "home"
    if client == "opencode":
        # Its own list does not have our models.
        settings = home / "CONFIG/opencode/opencode.json"
        settings.parent.mkdir(parents=True)
        models = {"models": {MODEL: {}}}
        providers = {name: models for name in ("anthropic", "openai", "google")}
        small = line[3]
        settings.write_text(json.dumps({"provider": providers, "small_model": small, "autoupdate": False}))
    subprocess.run(
        [binary, "clients", "setup", client, "--url", relay.url, "--key", "-", "--yes"],
        env={"HOME": str(home), "XDG_CONFIG_HOME": str(home / "CONFIG")},
        input=relay_key.secret,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"The tool `{tool}` " in run(*line, **QUIET[client])


# What keeps an agent from asking other hosts, and from asking again for minutes.
QUIET = {
    "claude-code": {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0"},
    "codex": {},
    "gemini-cli": {},
    "opencode": {"OPENCODE_DISABLE_MODELS_FETCH": "1"},
}
