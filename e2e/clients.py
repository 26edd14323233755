"""The SDKs' clients."""

import anthropic
import openai

# Served by the sandbox provider; its models named `sandbox-…` each show a fault.
MODEL = "claude-sonnet-4-6"
# A name that an Anthropic-compatible account serves.
CLAUDE = "claude-sonnet-4-5"
# The sandbox does as it is told, which makes an answer of several deltas.
HELLO = [{"role": "user", "content": "Please count to 30."}]
# It calls the tools that a text names.
ASK_WEATHER = [{"role": "user", "content": "Use get_weather: what is the weather in Berlin?"}]


class Sent:
    """Counts the requests that a client really sends, retries included."""

    def __init__(self):
        self.count = 0

    def __call__(self, _request):
        self.count += 1


def anthropic_client(relay, secret, sent=None, **options):
    """An Anthropic client as a person would set it up: `ANTHROPIC_BASE_URL=http://host/api`."""
    transport = anthropic.DefaultHttpxClient(trust_env=False, event_hooks={"request": [sent] if sent else []})
    return anthropic.Anthropic(api_key=secret, base_url=f"{relay.url}/api", http_client=transport, **options)


def openai_client(relay, secret, sent=None, **options):
    """An OpenAI client as a person would set it up: `OPENAI_BASE_URL=http://host/openai/v1`."""
    transport = openai.DefaultHttpxClient(trust_env=False, event_hooks={"request": [sent] if sent else []})
    return openai.OpenAI(api_key=secret, base_url=f"{relay.url}/openai/v1", http_client=transport, **options)
