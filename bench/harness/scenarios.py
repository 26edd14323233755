"""What is measured."""

# `mock` are the mock upstream's settings; `rate` makes an open loop; `count` requests start spread over `ramp` ms.
PLAIN = {
    "a": {
        "title": "Messages JSON, 1 KB, c=32",
        "api": "messages",
        "body": "small",
        "conns": 32,
        "mock": "chunks=1",
    },
    "a0": {
        "title": "Messages JSON, 1 KB, open loop 40/s (unsaturated latency)",
        "api": "messages",
        "body": "small",
        "conns": 64,
        "mock": "chunks=1",
        "rate": 40,
    },
    "ah": {
        "title": "Messages JSON, 1 KB, open loop at half of what Posthaste serves at most (latency under load)",
        "api": "messages",
        "body": "small",
        "conns": 64,
        "mock": "chunks=1",
        "half_of": "a",
    },
    "b": {
        "title": "Messages JSON, 200 KB request, c=16",
        "api": "messages",
        "body": "large",
        "conns": 16,
        "mock": "chunks=1",
    },
    "c": {
        "title": "Messages SSE, 50 chunks, no delay, c=32",
        "api": "messages",
        "stream": True,
        "body": "small",
        "conns": 32,
        "mock": "chunks=50,delay_ms=0",
    },
    "c0": {
        "title": "Messages SSE, 50 chunks at 20 ms, open loop 8 streams/s (unsaturated chunk delay)",
        "api": "messages",
        "stream": True,
        "body": "small",
        "conns": 64,
        "mock": "chunks=50,delay_ms=20",
        "rate": 8,
    },
    "d": {
        "title": "Messages SSE, 1,000 slow streams (20 chunks at 250 ms)",
        "api": "messages",
        "stream": True,
        "body": "small",
        "conns": 1000,
        "mock": "chunks=20,delay_ms=250",
        "count": 1000,
        "ramp": 4000,
        "fresh": True,
    },
    "e1": {
        "title": "OpenAI chat to an Anthropic upstream, JSON, 1 KB, c=32",
        "api": "chat",
        "body": "small",
        "conns": 32,
        "mock": "chunks=1",
    },
    "e2": {
        "title": "OpenAI chat to an Anthropic upstream, SSE 50 chunks, c=32",
        "api": "chat",
        "stream": True,
        "body": "small",
        "conns": 32,
        "mock": "chunks=50,delay_ms=0",
    },
    "e3": {
        "title": "OpenAI chat to an Anthropic upstream, 1,000 slow streams (20 chunks at 250 ms)",
        "api": "chat",
        "stream": True,
        "body": "small",
        "conns": 1000,
        "mock": "chunks=20,delay_ms=250",
        "count": 1000,
        "ramp": 4000,
        "fresh": True,
    },
}

# Open loops at half of what one target serves at most in another scenario get their rate from that target.
PACED_BY = "posthaste"

# What each client's API is translated to, besides its own: by the target's variants, and `None` where the target itself speaks
# that API to its upstream.
TRANSLATED_TO = {
    "chat": ["chat", None],
    "messages": [None, "chat", "responses", "gemini", "converse"],
    "responses": ["responses", None],
    "gemini": ["gemini", None],
}
FORMS = {
    "json": {"title": "JSON, 1 KB, c=32", "body": "small", "conns": 32, "mock": "chunks=1"},
    "sse": {
        "title": "SSE, 50 chunks, no delay, c=32",
        "stream": True,
        "body": "small",
        "conns": 32,
        "mock": "chunks=50,delay_ms=0",
    },
    "200k": {"title": "JSON, 200 KB request, c=16", "body": "large", "conns": 16, "mock": "chunks=1"},
    "400k": {"title": "JSON, 400 KB request, c=16", "body": "large2", "conns": 16, "mock": "chunks=1"},
    "800k": {"title": "JSON, 800 KB request, c=16", "body": "large4", "conns": 16, "mock": "chunks=1"},
    "slow": {
        "title": "SSE, 1,000 slow streams (20 chunks at 250 ms)",
        "stream": True,
        "body": "small",
        "conns": 1000,
        "mock": "chunks=20,delay_ms=250",
        "count": 1000,
        "ramp": 4000,
        "fresh": True,
    },
}


def translated():
    """One scenario for each client's API and form; the first of its targets passes on what the others translate."""
    for api, variants in TRANSLATED_TO.items():
        targets = [f"posthaste@{variant}" if variant else "posthaste" for variant in variants]
        for form, load in FORMS.items():
            title = f"{api} to each upstream, {load['title']}"
            yield f"{api}-{form}", load | {"title": title, "api": api, "targets": targets}


TRANSLATED = dict(translated())

# What Redis costs beside the embedded store, with limits of the key and of the accounts.
STORES = {
    f"store-{form}": PLAIN[form]
    | {"title": f"{PLAIN[form]['title']}, with limits", "targets": ["posthaste@limited", "posthaste@redis"]}
    for form in ("a", "a0", "c")
}
SCENARIOS = PLAIN | TRANSLATED | STORES
GROUPS = {"plain": PLAIN, "translated": TRANSLATED, "stores": STORES}


def chosen(text):
    """Scenarios by names and groups, joined by commas."""
    return {name: SCENARIOS[name] for word in text.split(",") for name in GROUPS.get(word, [word])}


# Must be in every stream.
STREAM_END = {
    "messages": "message_stop",
    "chat": "[DONE]",
    "responses": "response.completed",
    "gemini": '"finishReason"',
}
# The fields of an answer with the counts of input and output.
COUNTS = {
    "messages": ("input_tokens", "output_tokens"),
    "chat": ("prompt_tokens", "completion_tokens"),
    "responses": ("input_tokens", "output_tokens"),
    "gemini": ("promptTokenCount", "candidatesTokenCount"),
}
