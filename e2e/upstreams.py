"""The sandbox's dialects as upstreams, and where their SDKs find a dialect.

A model's name says where it is to be asked: `plain-via-gemini` is answered by the sandbox speaking Gemini. Behind each
name stands one that the vendor could have, since names decide about thinking and signatures.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """An account at the sandbox that speaks one dialect."""

    dialect: str
    preset: str
    plain: str
    # Thinks, or can; of Gemini one that wants its signatures back.
    deep: str
    # Whether an answer shows that there were thoughts, other than by their number.
    shows_thoughts: bool = True

    def model(self, kind):
        """The client's name for a model here."""
        return f"{kind}-via-{self.dialect}"

    def account(self):
        """What `accounts add` is told."""
        maps = [f"{self.model(kind)}={name}" for kind, name in (("plain", self.plain), ("deep", self.deep))]
        # Fault models are called by their own names.
        maps += [f"{self.model(name)}={name}" for name in FAULTS]
        return [
            *("--preset", self.preset, "--name", self.dialect, "--allow", self.model("*")),
            *(argument for line in maps for argument in ("--map", line)),
        ]


# DeepSeek's reasoner, played by the sandbox over HTTP: it shows its thoughts, and wants them back with its calls.
REASONER = "deepseek-reasoner"


def reasoner_account(url):
    return [
        *("--preset", "deepseek", "--name", "deepseek", "--base-url", f"{url}/v1", "--allow-private"),
        *("--allow", REASONER, "--api-key", "sk-dummy"),
    ]


FAULTS = ("sandbox-slow-50",)

UPSTREAMS = {
    upstream.dialect: upstream
    for upstream in (
        Upstream("messages", "sandbox", "claude-sonnet-4-6", "claude-sonnet-4-6"),
        Upstream("chat", "sandbox-chat", "gpt-4.1", "gpt-5.4", shows_thoughts=False),
        Upstream("responses", "sandbox-responses", "gpt-4.1", "gpt-5.4"),
        Upstream("gemini", "sandbox-gemini", "gemini-2.0-flash", "gemini-3.1-pro-preview"),
        Upstream("converse", "sandbox-converse", "amazon.nova-lite-v1:0", "anthropic.claude-sonnet-4-6-v1:0"),
    )
}


def relay_base(dialect, player):
    """What an SDK appends its paths to, at the relay."""
    return {
        "messages": "/api/v1" if player.startswith("ai-") else "/api",
        "chat": "/openai/v1",
        "responses": "/openai/v1",
        "gemini": "/gemini/v1beta" if player.startswith("ai-") else "/gemini",
        "converse": "/bedrock",
    }[dialect]


def sandbox_base(dialect, player):
    """The same at the sandbox itself, which stands where the vendor would."""
    return {
        "messages": "/v1" if player.startswith("ai-") else "",
        "chat": "/v1",
        "responses": "/v1",
        "gemini": "/v1beta" if player.startswith("ai-") else "",
        "converse": "",
    }[dialect]
