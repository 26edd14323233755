"""What is measured, and the request bodies."""

import json

# `mock` are the mock upstream's settings; `rate` makes an open loop; `count` requests start spread over `ramp` ms.
SCENARIOS = {
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
# Must be in every stream.
STREAM_END = {"messages": "message_stop", "chat": "[DONE]"}


def body_of(api, size, model, stream):
    """A request of a coding agent; `large` has tools and a long history with tool results."""
    system = "You are a coding agent. " + "Follow the project's conventions and answer briefly. " * (
        6 if size == "small" else 200
    )
    question = "Explain what this function does and how it could fail. " + code_text(350)
    large = size == "large"
    body = messages_body(system, question, large) if api == "messages" else chat_body(system, question, large)
    body |= {"model": model, "max_tokens": 1024, "stream": stream}
    if api == "chat" and stream:
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body, separators=(",", ":")).encode()


def messages_body(system, question, large):
    history, tools = [], []
    for number in range(TURNS if large else 0):
        call = f"toolu_{number:024d}"
        use = {"type": "tool_use", "id": call, "name": "tool_0", "input": {"arg_0": f"src/step_{number}.rs"}}
        result = {"type": "tool_result", "tool_use_id": call, "content": code_text(3000)}
        history += [
            {"role": "user", "content": [{"type": "text", "text": f"Please go on with step {number}."}]},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "I will look at the file first."}, use],
            },
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": [{"type": "text", "text": "Done, the file looks right."}]},
        ]
    if large:
        tools = [
            {"name": name, "description": text, "input_schema": schema} for name, text, schema in tool_facts()
        ]
    session = "user_bench_account__session_0b5b2a52-5ee4-4b4e-9f6d-3f1d2c1f0001"
    return {
        "system": system,
        "messages": [*history, {"role": "user", "content": question}],
        "metadata": {"user_id": session},
        **({"tools": tools} if tools else {}),
    }


def chat_body(system, question, large):
    history, tools = [], []
    for number in range(TURNS if large else 0):
        call = f"toolu_{number:024d}"
        function = {"name": "tool_0", "arguments": json.dumps({"arg_0": f"src/step_{number}.rs"})}
        use = {"id": call, "type": "function", "function": function}
        history += [
            {"role": "user", "content": f"Please go on with step {number}."},
            {"role": "assistant", "content": "I will look at the file first.", "tool_calls": [use]},
            {"role": "tool", "tool_call_id": call, "content": code_text(3000)},
            {"role": "assistant", "content": "Done, the file looks right."},
        ]
    if large:
        tools = [
            {"type": "function", "function": {"name": name, "description": text, "parameters": schema}}
            for name, text, schema in tool_facts()
        ]
    first = {"role": "system", "content": system}
    return {
        "messages": [first, *history, {"role": "user", "content": question}],
        **({"tools": tools} if tools else {}),
    }


def tool_facts():
    for number in range(16):
        about = {"type": "string", "description": "What the tool is given, as text. " * 3}
        properties = {f"arg_{argument}": about for argument in range(6)}
        schema = {"type": "object", "properties": properties, "required": ["arg_0"]}
        yield f"tool_{number}", "Runs a step of the work and returns what it printed. " * 8, schema


def code_text(size):
    lines, length, number = [], 0, 0
    while length < size:
        line = (
            f"fn step_{number}(state: &mut State, key: &str) -> Result<(), Error> {{\n"
            f'\tstate.map.insert(key.to_string(), "v{number}");\n\tOk(())\n}}\n'
        )
        lines.append(line)
        length += len(line)
        number += 1
    return "".join(lines)[:size]


TURNS = 45
