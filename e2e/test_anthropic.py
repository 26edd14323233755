"""The Anthropic SDK against the sandbox provider, and against an upstream that shows what arrived."""

import anthropic
import httpx
import pytest

from clients import ASK_WEATHER, CLAUDE, HELLO, MODEL, anthropic_client
from fake_anthropic import Answer

WEATHER = {
    "name": "get_weather",
    "description": "The weather at a place.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def wired(new_relay, upstream):
    """The SDK on a relay whose one account is our upstream."""
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    return anthropic_client(relay, key.secret, max_retries=0)


def tool_use(number, city):
    return {"type": "tool_use", "id": f"toolu_{number:024d}", "name": "get_weather", "input": {"city": city}}


def test_a_whole_answer_has_text_and_usage(claude):
    message = claude.messages.create(model=MODEL, max_tokens=256, messages=HELLO)
    assert message.role == "assistant"
    assert message.stop_reason == "end_turn"
    assert "".join(block.text for block in message.content if block.type == "text")
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


def test_a_stream_comes_in_several_deltas_that_make_up_the_final_message(claude):
    with claude.messages.stream(model=MODEL, max_tokens=256, messages=HELLO) as stream:
        deltas = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(deltas) > 1
    assert "".join(deltas) == "".join(block.text for block in final.content if block.type == "text")
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


def test_stream_and_whole_answer_say_the_same(claude):
    """The sandbox is deterministic, so the two ways through the relay must agree."""
    whole = claude.messages.create(model=MODEL, max_tokens=256, messages=HELLO)
    with claude.messages.stream(model=MODEL, max_tokens=256, messages=HELLO) as stream:
        streamed = stream.get_final_message()
    assert [block.model_dump() for block in streamed.content] == [
        block.model_dump() for block in whole.content
    ]
    assert streamed.usage.input_tokens == whole.usage.input_tokens
    assert streamed.usage.output_tokens == whole.usage.output_tokens


def test_events_come_in_the_documented_order(claude):
    events = claude.messages.create(model=MODEL, max_tokens=256, messages=HELLO, stream=True)
    kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[1] == "content_block_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_a_tool_is_called_and_its_result_is_answered(claude):
    asked = claude.messages.create(model=MODEL, max_tokens=256, tools=[WEATHER], messages=ASK_WEATHER)
    assert asked.stop_reason == "tool_use"
    call = next(block for block in asked.content if block.type == "tool_use")
    assert call.name == "get_weather"
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Rain, 9 degrees."}
    turns = [
        *ASK_WEATHER,
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [result]},
    ]
    told = claude.messages.create(model=MODEL, max_tokens=256, tools=[WEATHER], messages=turns)
    assert told.stop_reason == "end_turn"
    assert any(block.type == "text" and block.text for block in told.content)


def test_a_streamed_tool_call_has_its_whole_input(claude):
    with claude.messages.stream(model=MODEL, max_tokens=256, tools=[WEATHER], messages=ASK_WEATHER) as stream:
        final = stream.get_final_message()
    whole = claude.messages.create(model=MODEL, max_tokens=256, tools=[WEATHER], messages=ASK_WEATHER)
    assert final.stop_reason == "tool_use"
    calls = [block.input for block in final.content if block.type == "tool_use"]
    assert calls == [block.input for block in whole.content if block.type == "tool_use"]


def test_a_signed_thought_is_taken_back_and_a_changed_one_is_left_out(claude):
    """The sandbox checks its signatures, as the vendor does; the relay then asks once more without the thought."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    options = {"model": MODEL, "max_tokens": 2048, "thinking": thinking}
    with claude.messages.stream(**options, messages=HELLO) as stream:
        content = [block.to_dict() for block in stream.get_final_message().content]
    assert content[0]["type"] == "thinking"
    more = {"role": "user", "content": "And then?"}
    ask = claude.messages.with_raw_response.create
    taken = ask(**options, messages=[*HELLO, {"role": "assistant", "content": content}, more])
    assert (taken.headers["x-posthaste-attempts"], taken.headers.get("x-posthaste-dropped")) == ("1", None)
    content[0]["thinking"] += "!"
    left_out = ask(**options, messages=[*HELLO, {"role": "assistant", "content": content}, more])
    assert left_out.headers["x-posthaste-attempts"] == "2"
    assert "reasoning" in left_out.headers["x-posthaste-dropped"]
    assert left_out.parse().content


def test_a_second_request_reads_the_prompt_cache_of_the_first(claude):
    system = [
        {"type": "text", "text": "A prefix of this test alone.", "cache_control": {"type": "ephemeral"}}
    ]
    first, second = (
        claude.messages.create(model=MODEL, max_tokens=64, system=system, messages=HELLO).usage
        for _ in range(2)
    )
    assert first.cache_creation_input_tokens > 0
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.input_tokens == first.input_tokens


def test_count_tokens_answers_a_number(claude):
    counted = claude.messages.count_tokens(model=MODEL, messages=HELLO)
    assert counted.input_tokens > 0


def test_count_tokens_costs_nothing(new_relay, upstream):
    relay = new_relay(POSTHASTE_ACCOUNTING__DURABILITY="strict")
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    client = anthropic_client(relay, key.secret, max_retries=0)
    assert client.messages.count_tokens(model=CLAUDE, messages=HELLO).input_tokens == 42
    books = relay.books(key)
    assert (books.input, books.output) == (0, 0)


def test_the_models_list_can_be_paged_through(claude):
    models = list(claude.models.list())
    assert models
    assert all(model.id and model.type == "model" for model in models)


def test_parallel_tool_calls_arrive_together_and_their_results_go_up_together(wired, upstream):
    upstream.script(Answer(blocks=(tool_use(1, "Berlin"), tool_use(2, "Oslo")), stop_reason="tool_use"))
    question = {"role": "user", "content": "Compare the weather in Berlin and Oslo."}
    with wired.messages.stream(model=CLAUDE, max_tokens=256, tools=[WEATHER], messages=[question]) as stream:
        asked = stream.get_final_message()
    assert [block.input for block in asked.content] == [{"city": "Berlin"}, {"city": "Oslo"}]
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "Rain."} for block in asked.content
    ]
    turns = [question, {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    wired.messages.create(model=CLAUDE, max_tokens=256, tools=[WEATHER], messages=turns)
    arrived = upstream.requests[-1].body["messages"]
    assert arrived[2]["content"] == results
    assert [block["id"] for block in arrived[1]["content"]] == [block.id for block in asked.content]


def test_a_thinking_signature_comes_back_to_the_upstream_unchanged(wired, upstream):
    signature = "EqQBCgIYAhIM/+dummy=="
    thought = {"type": "thinking", "thinking": "A relay rider would say…", "signature": signature}
    upstream.script(Answer(blocks=(thought, {"type": "text", "text": "Haste!"})))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with wired.messages.stream(model=CLAUDE, max_tokens=2048, thinking=thinking, messages=HELLO) as stream:
        final = stream.get_final_message()
    assert final.content[0].signature == signature
    assert final.content[0].thinking == thought["thinking"]
    turns = [
        *HELLO,
        {"role": "assistant", "content": final.content},
        {"role": "user", "content": "And then?"},
    ]
    wired.messages.create(model=CLAUDE, max_tokens=2048, thinking=thinking, messages=turns)
    assert upstream.requests[-1].body["messages"][1]["content"][0] == thought


def test_system_prompt_and_cache_marks_arrive_and_cache_counts_come_back(wired, upstream):
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    for _ in range(2):
        message = wired.messages.create(model=CLAUDE, max_tokens=64, system=system, messages=HELLO)
    assert upstream.requests[-1].body["system"] == system
    sent = upstream.answered[-1]
    assert message.usage.cache_read_input_tokens == sent.cache_read > 0
    assert message.usage.cache_creation_input_tokens == sent.cache_write > 0
    assert message.usage.input_tokens == sent.input


def test_the_body_reaches_the_upstream_byte_for_byte(new_relay, upstream):
    """Fields that the relay does not know are the client's and the vendor's business."""
    relay = new_relay()
    relay.add_account("u1", upstream)
    key = relay.create_key()
    relay.start()
    body = (
        b'{ "max_tokens":64,"a_field_of_next_year" : {"z":1.50,"a":"\\u00e9"}, "model":"claude-sonnet-4-5",\n'
    )
    body += b'"messages":[{"role":"user","content":"Say \xc3\xa9."}]}'
    answer = httpx.post(
        f"{relay.url}/api/v1/messages",
        content=body,
        headers={
            "x-api-key": key.secret,
            "content-type": "application/json",
            "anthropic-beta": "of-next-year-2027-01-01",
        },
        trust_env=False,
    )
    assert answer.status_code == 200
    seen = upstream.requests[-1]
    assert seen.raw == body
    assert seen.headers["anthropic-beta"] == "of-next-year-2027-01-01"


def test_the_upstream_sees_the_account_s_credential_and_never_the_client_key(wired, upstream):
    wired.messages.create(model=CLAUDE, max_tokens=64, messages=HELLO)
    headers = upstream.requests[-1].headers
    shown = headers.get("x-api-key") or headers.get("authorization", "")
    assert "sk-ant-dummy" in shown
    assert not any("cr_" in value for value in headers.values())


def test_answers_name_the_request_and_its_attempts(claude):
    answer = claude.messages.with_raw_response.create(model=MODEL, max_tokens=64, messages=HELLO)
    assert answer.headers["x-posthaste-request-id"]
    assert answer.headers["x-posthaste-attempts"] == "1"
    assert int(answer.headers["x-posthaste-overhead-us"]) >= 0
