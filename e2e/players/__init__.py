"""Players: each plays a conversation, described without a dialect, through a real SDK.

A description is JSON, since half of the players live in Node. A talk goes on by itself: the player says the next text,
answers the tools that are called with the results of the description, and says the next one. What an SDK gives back of
an answer goes up again as the SDK has it, so that signatures and sealed reasoning prove that they survived.
"""

from .amazon import Boto3
from .anthropic_sdk import Anthropic
from .google_sdk import GoogleGenAi
from .node import NodePlayer
from .openai_sdk import OpenAiChat, OpenAiResponses

# Name, and the dialect that it speaks.
PYTHON = [Anthropic(), OpenAiChat(), OpenAiResponses(), GoogleGenAi(), Boto3()]
NODE = [
    NodePlayer("js-anthropic", "messages", "anthropic.mjs"),
    NodePlayer("js-openai-chat", "chat", "openai-chat.mjs"),
    NodePlayer("js-openai-responses", "responses", "openai-responses.mjs"),
    NodePlayer("js-google-genai", "gemini", "google-genai.mjs"),
    NodePlayer("ai-anthropic", "messages", "ai-sdk.mjs", "anthropic"),
    NodePlayer("ai-openai", "responses", "ai-sdk.mjs", "openai"),
    NodePlayer("ai-google", "gemini", "ai-sdk.mjs", "google"),
]
PLAYERS = [*PYTHON, *NODE]
