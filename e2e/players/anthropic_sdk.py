"""Python `anthropic`."""

from contextlib import contextmanager

import anthropic

from .talk import Answer, Call, Player, Refused, Usage


class Anthropic(Player):
    name = "py-anthropic"
    dialect = "messages"
    can_count = True

    def talk(self, endpoint, play):
        client = anthropic.Anthropic(
            api_key=endpoint.key,
            base_url=endpoint.url,
            max_retries=0,
            http_client=anthropic.DefaultHttpxClient(trust_env=False),
        )
        return Talk(client, play)

    @contextmanager
    def refusals(self):
        try:
            yield
        except anthropic.APIStatusError as error:
            raise Refused(type(error).__name__, error.status_code, error.message) from error


class Talk:
    def __init__(self, client, play):
        self.client = client
        self.stream = play.stream
        self.messages = []
        self.counted = {"model": play.model, "messages": self.messages}
        if play.system:
            self.counted["system"] = play.system
        if play.tools:
            self.counted["tools"] = [
                {"name": tool["name"], "description": tool["description"], "input_schema": tool["schema"]}
                for tool in play.tools
            ]
        if play.thinking:
            self.counted["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        if play.schema:
            self.counted["output_config"] = {"format": {"type": "json_schema", "schema": play.schema}}
        self.options = {**self.counted, "max_tokens": 8192}

    def say(self, text, image):
        content = [{"type": "text", "text": text}]
        if image:
            source = {"type": "base64", "media_type": "image/png", "data": image}
            content.insert(0, {"type": "image", "source": source})
        self.messages.append({"role": "user", "content": content})

    def answer(self):
        pieces = 0
        if self.stream:
            with self.client.messages.stream(**self.options) as stream:
                pieces = sum(1 for _ in stream.text_stream)
                message = stream.get_final_message()
        else:
            message = self.client.messages.create(**self.options)
        self.messages.append({"role": "assistant", "content": message.content})
        calls = [block for block in message.content if block.type == "tool_use"]
        usage = message.usage
        cached = usage.cache_read_input_tokens or 0
        prompt = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)
        answer = Answer(
            text="".join(block.text for block in message.content if block.type == "text"),
            stop=message.stop_reason,
            usage=Usage(prompt, usage.output_tokens, cached),
            calls=tuple(Call(block.name, block.input) for block in calls),
            thought=any(block.type in ("thinking", "redacted_thinking") for block in message.content),
            pieces=pieces,
        )
        return answer, [(block.id, block.name) for block in calls]

    def give(self, results):
        content = [
            {"type": "tool_result", "tool_use_id": call, "content": result} for call, result in results
        ]
        self.messages.append({"role": "user", "content": content})

    def count(self):
        return self.client.messages.count_tokens(**self.counted).input_tokens

    def cancel(self):
        with self.client.messages.stream(**self.options) as stream:
            return next(iter(stream.text_stream))
