"""The OpenAI SDK: chat completions, to the sandbox and translated to an Anthropic upstream."""

import json

import openai
import pytest

from clients import ASK_WEATHER, CLAUDE, HELLO, MODEL, Sent, openai_client
from fake_anthropic import Answer, Cut
from relay import eventually

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def wired(new_relay, upstream):
    """The SDK on a relay whose one account is an Anthropic upstream of ours."""
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    return openai_client(relay, key.secret, max_retries=0)


def test_a_whole_answer_has_text_and_usage(gpt):
    answer = gpt.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream_comes_in_several_chunks_with_usage_last(gpt):
    stream = gpt.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    texts = [
        chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content
    ]
    assert len(texts) > 1
    whole = gpt.chat.completions.create(model=MODEL, messages=HELLO)
    assert "".join(texts) == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_without_include_usage_has_no_usage_chunk(gpt):
    chunks = list(gpt.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_tool_is_called_and_its_result_is_answered(gpt):
    asked = gpt.chat.completions.create(model=MODEL, messages=ASK_WEATHER, tools=[WEATHER])
    assert asked.choices[0].finish_reason == "tool_calls"
    call = asked.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    json.loads(call.function.arguments)
    turns = [
        *ASK_WEATHER,
        asked.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "Rain, 9 degrees."},
    ]
    told = gpt.chat.completions.create(model=MODEL, messages=turns, tools=[WEATHER])
    assert told.choices[0].finish_reason == "stop"
    assert told.choices[0].message.content


def test_a_streamed_tool_call_has_its_whole_arguments(gpt):
    with gpt.chat.completions.stream(model=MODEL, messages=ASK_WEATHER, tools=[WEATHER]) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"
    whole = gpt.chat.completions.create(model=MODEL, messages=ASK_WEATHER, tools=[WEATHER])
    assert [json.loads(call.function.arguments) for call in final.choices[0].message.tool_calls] == [
        json.loads(call.function.arguments) for call in whole.choices[0].message.tool_calls
    ]


def test_a_tool_round_trip_is_translated_both_ways(wired, upstream):
    call = {"type": "tool_use", "id": "toolu_01dummy", "name": "get_weather", "input": {"city": "Berlin"}}
    other = {"type": "tool_use", "id": "toolu_02dummy", "name": "get_weather", "input": {"city": "Oslo"}}
    upstream.script(Answer(blocks=(call, other), stop_reason="tool_use"))
    question = {"role": "user", "content": "Compare Berlin and Oslo."}
    asked = wired.chat.completions.create(model=CLAUDE, messages=[question], tools=[WEATHER])
    calls = asked.choices[0].message.tool_calls
    assert [json.loads(made.function.arguments) for made in calls] == [{"city": "Berlin"}, {"city": "Oslo"}]
    sent = upstream.requests[-1].body
    assert sent["tools"][0]["name"] == "get_weather"
    assert sent["tools"][0]["input_schema"] == WEATHER["function"]["parameters"]
    results = [{"role": "tool", "tool_call_id": made.id, "content": "Rain."} for made in calls]
    wired.chat.completions.create(
        model=CLAUDE, messages=[question, asked.choices[0].message, *results], tools=[WEATHER]
    )
    turns = upstream.requests[-1].body["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    # All results of one turn go up in one turn: the vendor refuses anything else.
    assert [block["tool_use_id"] for block in turns[2]["content"]] == [made.id for made in calls]
    assert [block["id"] for block in turns[1]["content"] if block["type"] == "tool_use"] == [
        made.id for made in calls
    ]


def test_a_streamed_tool_call_is_translated(wired, upstream):
    call = {"type": "tool_use", "id": "toolu_01dummy", "name": "get_weather", "input": {"city": "Berlin"}}
    upstream.script(Answer(blocks=({"type": "text", "text": "Let me look."}, call), stop_reason="tool_use"))
    with wired.chat.completions.stream(model=CLAUDE, messages=HELLO, tools=[WEATHER]) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.content == "Let me look."
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Berlin"}
    assert upstream.requests[-1].body["stream"] is True


def test_system_prompt_and_limits_are_translated(wired, upstream):
    messages = [{"role": "system", "content": "Be brief."}, *HELLO]
    wired.chat.completions.create(model=CLAUDE, messages=messages, max_tokens=77, stop=["END"])
    sent = upstream.requests[-1].body
    system = sent["system"]
    assert (system if isinstance(system, str) else "".join(block["text"] for block in system)) == "Be brief."
    assert sent["max_tokens"] == 77
    assert sent["stop_sequences"] == ["END"]
    assert upstream.requests[-1].headers["anthropic-version"]


def test_usage_is_counted_the_dialect_s_way(wired, upstream):
    """Anthropic counts cached tokens apart, OpenAI within the prompt."""
    answer = wired.chat.completions.create(model=CLAUDE, messages=HELLO)
    sent = upstream.answered[-1]
    assert answer.usage.prompt_tokens == sent.input + sent.cache_read + sent.cache_write
    assert answer.usage.completion_tokens == sent.output
    assert answer.usage.prompt_tokens_details.cached_tokens == sent.cache_read


def test_streamed_usage_is_counted_the_dialect_s_way(wired, upstream):
    stream = wired.chat.completions.create(
        model=CLAUDE, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    usage = list(stream)[-1].usage
    sent = upstream.answered[-1]
    assert usage.prompt_tokens == sent.input + sent.cache_read + sent.cache_write
    assert usage.completion_tokens == sent.output


def test_a_reasoning_effort_becomes_thinking(wired, upstream):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "EqQBdummy=="}
    upstream.script(Answer(blocks=(thought, {"type": "text", "text": "Haste!"})))
    answer = wired.chat.completions.create(
        model=CLAUDE, messages=HELLO, reasoning_effort="high", max_completion_tokens=16000
    )
    assert answer.choices[0].message.content == "Haste!"
    sent = upstream.requests[-1].body
    assert sent.get("thinking") or sent.get("output_config")


def test_a_cut_stream_raises(wired, upstream):
    upstream.script(Cut(after=2))
    texts = []
    with pytest.raises(openai.APIError):
        for chunk in wired.chat.completions.create(model=CLAUDE, messages=HELLO, stream=True):
            texts.extend(choice.delta.content for choice in chunk.choices if choice.delta.content)
    assert "".join(texts) == "Haste, pos"


def test_what_could_not_be_carried_is_named(wired):
    answer = wired.chat.completions.with_raw_response.create(
        model=CLAUDE, messages=HELLO, logit_bias={"50256": -100}
    )
    assert "logit_bias" in answer.headers["x-posthaste-dropped"]


def test_an_unknown_key_fails_at_once(sandbox):
    sent = Sent()
    with pytest.raises(openai.AuthenticationError) as error:
        openai_client(sandbox, "cr_" + "0" * 64, sent).chat.completions.create(model=MODEL, messages=HELLO)
    assert sent.count == 1
    assert error.value.body["message"]


def test_a_revoked_key_is_forbidden(sandbox):
    key = sandbox.create_key("revoked for chat")
    client = openai_client(sandbox, key.secret, max_retries=0)
    client.chat.completions.create(model=MODEL, messages=HELLO)
    sandbox.cli("keys", "revoke", key.id)

    def refused():
        try:
            client.chat.completions.create(model=MODEL, messages=HELLO)
        except openai.PermissionDeniedError:
            return True

    eventually(refused, "a revoked key is refused", patience=10)


def test_a_rate_limit_keeps_its_class(new_relay):
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    relay.start()
    client = openai_client(relay, key.secret, max_retries=0)
    with pytest.raises(openai.RateLimitError) as error:
        client.chat.completions.create(model="sandbox-429", messages=HELLO)
    assert int(error.value.response.headers["retry-after"]) >= 1


def test_overload_is_a_503(new_relay):
    """OpenAI's API has no 529; its clients know 503."""
    relay = new_relay()
    relay.add_sandbox()
    key = relay.create_key()
    relay.start()
    client = openai_client(relay, key.secret, max_retries=0)
    with pytest.raises(openai.InternalServerError) as error:
        client.chat.completions.create(model="sandbox-529", messages=HELLO)
    assert error.value.status_code == 503


def test_a_malformed_body_is_a_400_in_the_dialect(http, sandbox_key):
    headers = {"authorization": f"Bearer {sandbox_key.secret}", "content-type": "application/json"}
    answer = http.post("/openai/v1/chat/completions", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "type" not in answer.json()


def test_the_models_list_can_be_read(gpt):
    models = list(gpt.models.list())
    assert models
    assert all(model.id and model.object == "model" for model in models)
