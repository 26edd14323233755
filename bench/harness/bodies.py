"""Request bodies of a coding agent, in each API's words."""

import json


def body_of(api, size, model, stream):
    """`small` is a question; the others have tools and a long history with tool results."""
    turns = TURNS[size]
    system = "You are a coding agent. " + "Follow the project's conventions and answer briefly. " * (
        200 if turns else 6
    )
    question = "Explain what this function does and how it could fail. " + code_text(350)
    body = WRITERS[api](system, question, turns)
    if api == "gemini":
        return encoded(body | {"generationConfig": {"maxOutputTokens": 1024}})
    body |= {"model": model, "stream": stream}
    body["max_output_tokens" if api == "responses" else "max_tokens"] = 1024
    if api == "chat" and stream:
        body["stream_options"] = {"include_usage": True}
    return encoded(body)


def encoded(body):
    return json.dumps(body, separators=(",", ":")).encode()


def messages_body(system, question, turns):
    history = []
    for step in steps(turns):
        use = {"type": "tool_use", "id": step.call, "name": "tool_0", "input": step.arguments}
        result = {"type": "tool_result", "tool_use_id": step.call, "content": step.result}
        history += [
            {"role": "user", "content": [{"type": "text", "text": step.wish}]},
            {"role": "assistant", "content": [{"type": "text", "text": step.plan}, use]},
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": [{"type": "text", "text": step.end}]},
        ]
    tools = [
        {"name": name, "description": text, "input_schema": schema} for name, text, schema in tool_facts(turns)
    ]
    session = "user_bench_account__session_0b5b2a52-5ee4-4b4e-9f6d-3f1d2c1f0001"
    return {
        "system": system,
        "messages": [*history, {"role": "user", "content": question}],
        "metadata": {"user_id": session},
        **({"tools": tools} if tools else {}),
    }


def chat_body(system, question, turns):
    history = [{"role": "system", "content": system}]
    for step in steps(turns):
        function = {"name": "tool_0", "arguments": json.dumps(step.arguments)}
        use = {"id": step.call, "type": "function", "function": function}
        history += [
            {"role": "user", "content": step.wish},
            {"role": "assistant", "content": step.plan, "tool_calls": [use]},
            {"role": "tool", "tool_call_id": step.call, "content": step.result},
            {"role": "assistant", "content": step.end},
        ]
    tools = [
        {"type": "function", "function": {"name": name, "description": text, "parameters": schema}}
        for name, text, schema in tool_facts(turns)
    ]
    return {
        "messages": [*history, {"role": "user", "content": question}],
        **({"tools": tools} if tools else {}),
    }


def responses_body(system, question, turns):
    history = []
    for step in steps(turns):
        arguments = json.dumps(step.arguments)
        call = {"type": "function_call", "call_id": step.call, "name": "tool_0", "arguments": arguments}
        history += [
            {"role": "user", "content": [{"type": "input_text", "text": step.wish}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": step.plan}]},
            call,
            {"type": "function_call_output", "call_id": step.call, "output": step.result},
            {"role": "assistant", "content": [{"type": "output_text", "text": step.end}]},
        ]
    tools = [
        {"type": "function", "name": name, "description": text, "parameters": schema, "strict": False}
        for name, text, schema in tool_facts(turns)
    ]
    return {
        "instructions": system,
        "input": [*history, {"role": "user", "content": question}],
        "store": False,
        **({"tools": tools} if tools else {}),
    }


def gemini_body(system, question, turns):
    contents = []
    for step in steps(turns):
        call = {"functionCall": {"name": "tool_0", "args": step.arguments}}
        result = {"functionResponse": {"name": "tool_0", "response": {"result": step.result}}}
        contents += [
            {"role": "user", "parts": [{"text": step.wish}]},
            {"role": "model", "parts": [{"text": step.plan}, call]},
            {"role": "user", "parts": [result]},
            {"role": "model", "parts": [{"text": step.end}]},
        ]
    functions = [
        {"name": name, "description": text, "parametersJsonSchema": schema}
        for name, text, schema in tool_facts(turns)
    ]
    return {
        "systemInstruction": {"parts": [{"text": system}]},
        "contents": [*contents, {"role": "user", "parts": [{"text": question}]}],
        **({"tools": [{"functionDeclarations": functions}]} if functions else {}),
    }


class Step:
    """A turn of the agent: what is wished, done and found."""

    plan = "I will look at the file first."
    end = "Done, the file looks right."

    def __init__(self, number):
        self.call = f"toolu_{number:024d}"
        self.wish = f"Please go on with step {number}."
        self.arguments = {"arg_0": f"src/step_{number}.rs"}
        self.result = code_text(3000)


def steps(turns):
    return [Step(number) for number in range(turns)]


def tool_facts(turns):
    for number in range(16 if turns else 0):
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


WRITERS = {
    "messages": messages_body,
    "chat": chat_body,
    "responses": responses_body,
    "gemini": gemini_body,
}
# By size of the body: 1, 200, 400 and 800 KB.
TURNS = {"small": 0, "large": 45, "large2": 99, "large4": 207}
