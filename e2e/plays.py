"""The conversations that are played, and what must come of them.

The sandbox's answers follow from the request by rules (see its README), so each promise can be an exact one.
"""

import json

from players.talk import Play

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _tool(name, of, key):
    schema = {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}
    return {"name": name, "description": f"Tells the {of}.", "schema": schema}


WEATHER = _tool("get_weather", "weather at a place", "city")
TIME = _tool("get_time", "time at a place", "zone")
TOLD = {"get_weather": "Rain, 9 °C.", "get_time": "It is 9:30."}
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}

COUNTED = ", ".join(map(str, range(1, 31))) + "."


def counts(model, **more):
    return Play(model, **more)


def one_tool(model, **more):
    return Play(
        model, turns=("Use get_weather: how is it in Berlin?",), tools=(WEATHER,), results=TOLD, **more
    )


def two_tools(model, **more):
    return Play(
        model,
        turns=("Use get_weather and get_time for Oslo.",),
        tools=(WEATHER, TIME),
        results=TOLD,
        **more,
    )


def long_talk(model, **more):
    """Tools in each turn: what was sealed in the first goes up five times more."""
    return Play(
        model,
        turns=(
            "Use get_weather: how is it in Berlin?",
            "Use get_weather and get_time for Oslo.",
            "Thank you. Please count to 5.",
        ),
        tools=(WEATHER, TIME),
        results=TOLD,
        **more,
    )


def check_counted(answers):
    (answer,) = answers
    assert answer.text == COUNTED
    check_usage(answer)


def check_one_tool(answers):
    asked, told = answers
    assert [call.name for call in asked.calls] == ["get_weather"]
    assert isinstance(asked.calls[0].input["city"], str)
    check_told(told, "get_weather")
    check_usage(*answers)


def check_two_tools(answers):
    asked, told = answers
    assert [call.name for call in asked.calls] == ["get_weather", "get_time"]
    check_told(told, "get_weather", "get_time")
    check_usage(*answers)


def check_told(answer, *tools):
    """A line for each tool; `@ai-sdk/google` wraps what a tool says in an object of its own."""
    lines = answer.text.splitlines()
    assert len(lines) == len(tools), answer.text
    for line, tool in zip(lines, tools, strict=True):
        assert line.startswith(f"The tool `{tool}` says: ")
        assert TOLD[tool] in line


def check_long_talk(answers):
    first, told, second, told_again, counted = answers
    check_one_tool([first, told])
    check_two_tools([second, told_again])
    assert counted.text == "1, 2, 3, 4, 5."
    assert counted.usage.input > first.usage.input


def check_image(answers):
    assert "with 1 image" in answers[0].text


def check_schema(answers):
    made = json.loads(answers[0].text)
    assert set(made) == {"city", "people"}
    assert isinstance(made["city"], str)
    assert isinstance(made["people"], int)


def check_usage(*answers):
    for answer in answers:
        assert answer.usage.input > 0
        assert answer.usage.output > 0
