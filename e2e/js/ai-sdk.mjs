// npm `ai`, with the provider that the first argument names.

import { load, serve } from "./player.mjs";

const { APICallError, generateText, jsonSchema, Output, streamText, tool } = load("ai");

// It would warn of each field that its provider does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const thinking = { type: "enabled", budgetTokens: 1024 };
const PROVIDERS = {
  anthropic: {
    make: ({ url, key }) => load("@ai-sdk/anthropic").createAnthropic({ baseURL: url, apiKey: key }),
    options: (play) => (play.thinking ? { thinking } : {}),
  },
  google: {
    make: ({ url, key }) => load("@ai-sdk/google").createGoogleGenerativeAI({ baseURL: url, apiKey: key }),
    options: (play) =>
      play.thinking ? { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } } : {},
  },
  openai: {
    make: ({ url, key }) => load("@ai-sdk/openai").createOpenAI({ baseURL: url, apiKey: key }),
    // The SDK tells models that reason by OpenAI's names for them.
    options: (play) =>
      play.thinking
        ? { store: false, forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" }
        : { store: false },
  },
};

const name = process.argv[2];
const provider = PROVIDERS[name];

function begin(endpoint, play) {
  const messages = [];
  const options = {
    model: provider.make(endpoint)(play.model),
    messages,
    maxRetries: 0,
    providerOptions: { [name]: provider.options(play) },
  };
  if (play.system) options.system = play.system;
  if (play.tools.length) {
    options.tools = Object.fromEntries(
      play.tools.map(({ name, description, schema }) => [
        name,
        tool({ description, inputSchema: jsonSchema(schema) }),
      ]),
    );
  }
  if (play.schema) options.output = Output.object({ schema: jsonSchema(play.schema), name: "answer" });

  return {
    say(text, image) {
      const content = [{ type: "text", text }];
      if (image) content.unshift({ type: "image", image, mediaType: "image/png" });
      messages.push({ role: "user", content });
    },
    async answer() {
      let pieces = 0;
      let result;
      if (play.stream) {
        const stream = streamText({ ...options, onError() {} });
        for await (const part of stream.fullStream) {
          if (part.type === "error") throw part.error;
          if (part.type === "text-delta") pieces++;
        }
        result = stream;
      } else {
        result = await generateText(options);
      }
      const [text, calls, reasoning, usage, stop, response] = await Promise.all([
        result.text,
        result.toolCalls,
        result.reasoning,
        result.usage,
        result.finishReason,
        result.response,
      ]);
      messages.push(...response.messages);
      const answer = {
        text,
        stop,
        usage: { input: usage.inputTokens, output: usage.outputTokens, cached: usage.cachedInputTokens ?? 0 },
        calls: calls.map(({ toolName, input }) => ({ name: toolName, input })),
        thought: reasoning.length > 0,
        pieces,
      };
      return { answer, calls: calls.map(({ toolCallId, toolName }) => ({ id: toolCallId, name: toolName })) };
    },
    give(results) {
      const content = results.map(({ id, name, result }) => ({
        type: "tool-result",
        toolCallId: id,
        toolName: name,
        output: { type: "text", value: result },
      }));
      messages.push({ role: "tool", content });
    },
    async cancel() {
      const abort = new AbortController();
      const stream = streamText({ ...options, abortSignal: abort.signal, onError() {} });
      for await (const part of stream.fullStream) {
        if (part.type === "error") throw part.error;
        if (part.type === "text-delta") {
          abort.abort();
          return part.text;
        }
      }
      throw new Error("a stream without text");
    },
  };
}

function refusal(error) {
  if (!APICallError.isInstance(error)) return null;
  return { kind: error.name, status: error.statusCode, message: error.message };
}

await serve({ begin, refusal });
