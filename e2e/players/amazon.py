"""Python `boto3`: Converse."""

import base64
import json
from contextlib import contextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from .talk import Answer, Call, Player, Refused, Usage


class Boto3(Player):
    name = "py-boto3"
    dialect = "converse"
    can_count = True

    def talk(self, endpoint, play):
        # The SDK takes no bearer key over plain HTTP: the key is the access key's id, and the secret is nobody's.
        client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=endpoint.url,
            aws_access_key_id=endpoint.key,
            aws_secret_access_key="dummy",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )
        return Talk(client, play)

    @contextmanager
    def refusals(self):
        try:
            yield
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            message = error.response["Error"]["Message"]
            raise Refused(type(error).__name__, status, message) from error


class Talk:
    def __init__(self, client, play):
        self.client = client
        self.stream = play.stream
        self.messages = []
        self.options = {"modelId": play.model, "messages": self.messages}
        if play.system:
            self.options["system"] = [{"text": play.system}]
        if play.tools:
            tools = [
                {
                    "toolSpec": {
                        "name": tool["name"],
                        "description": tool["description"],
                        "inputSchema": {"json": tool["schema"]},
                    }
                }
                for tool in play.tools
            ]
            self.options["toolConfig"] = {"tools": tools}
        if play.thinking:
            thinking = {"type": "enabled", "budget_tokens": 1024}
            self.options["additionalModelRequestFields"] = {"thinking": thinking}
            self.options["inferenceConfig"] = {"maxTokens": 8192}
        if play.schema:
            structure = {"jsonSchema": {"name": "answer", "schema": json.dumps(play.schema)}}
            self.options["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}

    def say(self, text, image):
        content = [{"text": text}]
        if image:
            source = {"bytes": base64.b64decode(image)}
            content.insert(0, {"image": {"format": "png", "source": source}})
        self.messages.append({"role": "user", "content": content})

    def answer(self):
        if self.stream:
            events = self.client.converse_stream(**self.options)["stream"]
            message, stop, usage, pieces = _gathered(events)
        else:
            whole = self.client.converse(**self.options)
            message, stop, usage, pieces = whole["output"]["message"], whole["stopReason"], whole["usage"], 0
        self.messages.append(message)
        content = message["content"]
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        cached = usage.get("cacheReadInputTokens", 0)
        answer = Answer(
            text="".join(block["text"] for block in content if "text" in block),
            stop=stop,
            usage=Usage(
                usage["inputTokens"] + cached + usage.get("cacheWriteInputTokens", 0),
                usage["outputTokens"],
                cached,
            ),
            calls=tuple(Call(call["name"], call["input"]) for call in calls),
            thought=any("reasoningContent" in block for block in content),
            pieces=pieces,
        )
        return answer, [(call["toolUseId"], call["name"]) for call in calls]

    def give(self, results):
        content = [
            {"toolResult": {"toolUseId": call, "content": [{"text": result}]}} for call, result in results
        ]
        self.messages.append({"role": "user", "content": content})

    def count(self):
        counted = {name: self.options[name] for name in ("messages", "system", "toolConfig") if name in self.options}
        return self.client.count_tokens(modelId=self.options["modelId"], input={"converse": counted})[
            "inputTokens"
        ]

    def cancel(self):
        stream = self.client.converse_stream(**self.options)["stream"]
        try:
            for event in stream:
                if text := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
                    return text
        finally:
            stream.close()
        raise AssertionError("a stream without text")


def _gathered(events):
    """The SDK gives events and nothing more: a message is put together as its documentation shows."""
    blocks, stop, usage, pieces = {}, None, None, 0
    for event in events:
        if start := event.get("contentBlockStart"):
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        elif delta := event.get("contentBlockDelta"):
            block = blocks.setdefault(delta["contentBlockIndex"], {})
            pieces += "text" in delta["delta"]
            _add(block, delta["delta"])
        elif end := event.get("messageStop"):
            stop = end["stopReason"]
        elif metadata := event.get("metadata"):
            usage = metadata["usage"]
    content = [_finished(blocks[index]) for index in sorted(blocks)]
    return {"role": "assistant", "content": content}, stop, usage, pieces


def _add(block, delta):
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    elif (reasoning := delta.get("reasoningContent")) and "redactedContent" in reasoning:
        block["reasoningContent"] = reasoning
    elif reasoning:
        text = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        text["text"] += reasoning.get("text", "")
        if "signature" in reasoning:
            text["signature"] = reasoning["signature"]


def _finished(block):
    if call := block.get("toolUse"):
        return {"toolUse": {**call, "input": json.loads(call["input"] or "{}")}}
    return block
