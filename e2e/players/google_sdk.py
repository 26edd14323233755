"""Python `google-genai`."""

import base64
from contextlib import contextmanager

from google import genai
from google.genai import errors, types

from .talk import Answer, Call, Player, Refused, Usage


class GoogleGenAi(Player):
    name = "py-google-genai"
    dialect = "gemini"
    can_count = True

    def talk(self, endpoint, play):
        options = types.HttpOptions(base_url=endpoint.url, client_args={"trust_env": False}, timeout=60_000)
        return Talk(genai.Client(api_key=endpoint.key, http_options=options), play)

    @contextmanager
    def refusals(self):
        try:
            yield
        except errors.APIError as error:
            raise Refused(type(error).__name__, error.code, error.message) from error


class Talk:
    def __init__(self, client, play):
        self.client = client
        self.stream = play.stream
        self.contents = []
        config = types.GenerateContentConfig(system_instruction=play.system)
        config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
        if play.tools:
            functions = [
                types.FunctionDeclaration(
                    name=tool["name"], description=tool["description"], parameters_json_schema=tool["schema"]
                )
                for tool in play.tools
            ]
            config.tools = [types.Tool(function_declarations=functions)]
        if play.thinking:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        if play.schema:
            config.response_mime_type = "application/json"
            config.response_json_schema = play.schema
        self.options = {"model": play.model, "contents": self.contents, "config": config}

    def say(self, text, image):
        parts = [types.Part.from_text(text=text)]
        if image:
            parts.insert(0, types.Part.from_bytes(data=base64.b64decode(image), mime_type="image/png"))
        self.contents.append(types.UserContent(parts=parts))

    def answer(self):
        if self.stream:
            chunks = list(self.client.models.generate_content_stream(**self.options))
        else:
            chunks = [self.client.models.generate_content(**self.options)]
        parts = [part for chunk in chunks for part in _parts(chunk)]
        self.contents.append(types.ModelContent(parts=parts))
        calls = [part.function_call for part in parts if part.function_call]
        texts = [part.text for part in parts if part.text and not part.thought]
        usage = chunks[-1].usage_metadata
        answer = Answer(
            text="".join(texts),
            stop=chunks[-1].candidates[0].finish_reason.value,
            usage=Usage(
                usage.prompt_token_count,
                (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
                usage.cached_content_token_count or 0,
            ),
            calls=tuple(Call(call.name, call.args or {}) for call in calls),
            thought=any(part.thought or part.thought_signature for part in parts),
            pieces=len(texts) if self.stream else 0,
        )
        return answer, [(call, call.name) for call in calls]

    def give(self, results):
        parts = []
        for call, result in results:
            part = types.Part.from_function_response(name=call.name, response={"output": result})
            part.function_response.id = call.id
            parts.append(part)
        self.contents.append(types.UserContent(parts=parts))

    def count(self):
        return self.client.models.count_tokens(
            model=self.options["model"], contents=self.contents
        ).total_tokens

    def cancel(self):
        stream = self.client.models.generate_content_stream(**self.options)
        try:
            return next(chunk.text for chunk in stream if chunk.text)
        finally:
            stream.close()


def _parts(chunk):
    candidates = chunk.candidates or []
    return (candidates[0].content.parts or []) if candidates and candidates[0].content else []
