// npm `openai`: Chat Completions.

import { load, serve } from "./player.mjs";

const { OpenAI, APIError } = load("openai");

function begin({ url, key }, play) {
  const client = new OpenAI({ apiKey: key, baseURL: url, maxRetries: 0 });
  const messages = play.system ? [{ role: "system", content: play.system }] : [];
  const options = { model: play.model, messages };
  if (play.tools.length) {
    options.tools = play.tools.map(({ name, description, schema }) => ({
      type: "function",
      function: { name, description, parameters: schema },
    }));
  }
  if (play.thinking) options.reasoning_effort = "low";
  if (play.schema) {
    options.response_format = {
      type: "json_schema",
      json_schema: { name: "answer", strict: true, schema: play.schema },
    };
  }

  return {
    say(text, image) {
      const content = [{ type: "text", text }];
      if (image) content.unshift({ type: "image_url", image_url: { url: `data:image/png;base64,${image}` } });
      messages.push({ role: "user", content });
    },
    async answer() {
      let pieces = 0;
      let thoughts = 0;
      let completion;
      if (play.stream) {
        const stream = client.chat.completions.stream({ ...options, stream_options: { include_usage: true } });
        stream.on("content", () => pieces++);
        // Vendors' own field, which the helper does not gather.
        stream.on("chunk", (chunk) => (thoughts += chunk.choices[0]?.delta.reasoning_content ? 1 : 0));
        completion = await stream.finalChatCompletion();
      } else {
        completion = await client.chat.completions.create(options);
      }
      const { message, finish_reason: stop } = completion.choices[0];
      messages.push(asSent(message));
      const calls = (message.tool_calls ?? []).map((call) => ({ id: call.id, name: call.function.name, call }));
      const usage = completion.usage;
      const answer = {
        text: message.content ?? "",
        stop,
        usage: {
          input: usage.prompt_tokens,
          output: usage.completion_tokens,
          cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
        },
        calls: calls.map(({ name, call }) => ({ name, input: JSON.parse(call.function.arguments) })),
        thought:
          thoughts > 0 ||
          Boolean(message.reasoning_content) ||
          (usage.completion_tokens_details?.reasoning_tokens ?? 0) > 0,
        pieces,
      };
      return { answer, calls };
    },
    give(results) {
      messages.push(...results.map(({ id, result }) => ({ role: "tool", tool_call_id: id, content: result })));
    },
    async cancel() {
      const stream = await client.chat.completions.create({ ...options, stream: true });
      for await (const chunk of stream) {
        const text = chunk.choices[0]?.delta.content;
        if (text) return text;
      }
      throw new Error("a stream without text");
    },
  };
}

// The helper for streams adds fields of its own, which the API does not know.
function asSent({ parsed, ...message }) {
  const calls = message.tool_calls?.map(({ function: { parsed_arguments, ...called }, ...call }) => ({
    ...call,
    function: called,
  }));
  return calls ? { ...message, tool_calls: calls } : message;
}

function refusal(error) {
  if (!(error instanceof APIError) || error.status === undefined) return null;
  return { kind: error.constructor.name, status: error.status, message: error.message };
}

await serve({ begin, refusal });
