"""Python `openai`: Chat Completions and Responses."""

import json
from contextlib import contextmanager

import openai

from .talk import Answer, Call, Player, Refused, Usage


class _OpenAi(Player):
    def talk(self, endpoint, play):
        client = openai.OpenAI(
            api_key=endpoint.key,
            base_url=endpoint.url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )
        return self.kind_of_talk(client, play)

    @contextmanager
    def refusals(self):
        try:
            yield
        except openai.APIStatusError as error:
            raise Refused(type(error).__name__, error.status_code, error.message) from error


class ChatTalk:
    def __init__(self, client, play):
        self.client = client
        self.stream = play.stream
        self.messages = []
        self.options = {"model": play.model, "messages": self.messages}
        if play.system:
            self.messages.append({"role": "system", "content": play.system})
        if play.tools:
            self.options["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool["name"],
                        "description": tool["description"],
                        "parameters": tool["schema"],
                    },
                }
                for tool in play.tools
            ]
        if play.thinking:
            self.options["reasoning_effort"] = "low"
        if play.schema:
            schema = {"name": "answer", "strict": True, "schema": play.schema}
            self.options["response_format"] = {"type": "json_schema", "json_schema": schema}

    def say(self, text, image):
        content = [{"type": "text", "text": text}]
        if image:
            url = f"data:image/png;base64,{image}"
            content.insert(0, {"type": "image_url", "image_url": {"url": url}})
        self.messages.append({"role": "user", "content": content})

    def answer(self):
        pieces = 0
        if self.stream:
            with self.client.chat.completions.stream(
                **self.options, stream_options={"include_usage": True}
            ) as stream:
                pieces = sum(event.type == "content.delta" for event in stream)
                completion = stream.get_final_completion()
        else:
            completion = self.client.chat.completions.create(**self.options)
        choice = completion.choices[0]
        message = choice.message
        # As the SDK has it, with whatever fields the vendor put beside its own.
        self.messages.append(message.to_dict())
        calls = message.tool_calls or []
        usage = completion.usage
        prompt_details, output_details = usage.prompt_tokens_details, usage.completion_tokens_details
        reasoning = (output_details.reasoning_tokens or 0) if output_details else 0
        answer = Answer(
            text=message.content or "",
            stop=choice.finish_reason,
            usage=Usage(
                usage.prompt_tokens,
                usage.completion_tokens,
                (prompt_details.cached_tokens or 0) if prompt_details else 0,
            ),
            calls=tuple(Call(call.function.name, json.loads(call.function.arguments)) for call in calls),
            thought=reasoning > 0 or bool(getattr(message, "reasoning_content", None)),
            pieces=pieces,
        )
        return answer, [(call.id, call.function.name) for call in calls]

    def give(self, results):
        self.messages.extend(
            {"role": "tool", "tool_call_id": call, "content": result} for call, result in results
        )

    def cancel(self):
        with self.client.chat.completions.create(**self.options, stream=True) as stream:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    return chunk.choices[0].delta.content
        raise AssertionError("a stream without text")


class OpenAiChat(_OpenAi):
    name = "py-openai-chat"
    dialect = "chat"
    kind_of_talk = ChatTalk


class ResponsesTalk:
    def __init__(self, client, play):
        self.client = client
        self.stream = play.stream
        self.items = []
        # Nothing is stored, so that the conversation and its reasoning live with the client.
        self.options = {"model": play.model, "input": self.items, "store": False}
        if play.system:
            self.options["instructions"] = play.system
        if play.tools:
            self.options["tools"] = [
                {
                    "type": "function",
                    "name": tool["name"],
                    "description": tool["description"],
                    "parameters": tool["schema"],
                    "strict": False,
                }
                for tool in play.tools
            ]
        if play.thinking:
            self.options["reasoning"] = {"effort": "low", "summary": "auto"}
            self.options["include"] = ["reasoning.encrypted_content"]
        if play.schema:
            form = {"type": "json_schema", "name": "answer", "strict": True, "schema": play.schema}
            self.options["text"] = {"format": form}

    def say(self, text, image):
        content = [{"type": "input_text", "text": text}]
        if image:
            url = f"data:image/png;base64,{image}"
            content.insert(0, {"type": "input_image", "image_url": url, "detail": "auto"})
        self.items.append({"role": "user", "content": content})

    def answer(self):
        pieces = 0
        if self.stream:
            with self.client.responses.stream(**self.options) as stream:
                pieces = sum(event.type == "response.output_text.delta" for event in stream)
                response = stream.get_final_response()
        else:
            response = self.client.responses.create(**self.options)
        # The helper for streams adds `parsed` fields of its own, which the API does not know.
        self.items.extend(_as_sent(item) for item in response.output)
        calls = [item for item in response.output if item.type == "function_call"]
        usage = response.usage
        answer = Answer(
            text=response.output_text,
            stop=response.status,
            usage=Usage(usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens),
            calls=tuple(Call(item.name, json.loads(item.arguments)) for item in calls),
            thought=any(item.type == "reasoning" for item in response.output),
            pieces=pieces,
        )
        return answer, [(item.call_id, item.name) for item in calls]

    def give(self, results):
        self.items.extend(
            {"type": "function_call_output", "call_id": call, "output": result} for call, result in results
        )

    def cancel(self):
        with self.client.responses.create(**self.options, stream=True) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    return event.delta
        raise AssertionError("a stream without text")

    def count(self):
        counted = {name: value for name, value in self.options.items() if name not in ("store", "include")}
        return self.client.responses.input_tokens.count(**counted).input_tokens


class OpenAiResponses(_OpenAi):
    name = "py-openai-responses"
    dialect = "responses"
    can_count = True
    kind_of_talk = ResponsesTalk


def _as_sent(item):
    sent = item.to_dict()
    sent.pop("parsed_arguments", None)
    for part in sent.get("content") or []:
        part.pop("parsed", None)
    return sent
