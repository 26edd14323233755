// npm `@anthropic-ai/sdk`.

import { load, serve } from "./player.mjs";

const { Anthropic, APIError } = load("@anthropic-ai/sdk");

function begin({ url, key }, play) {
  const client = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 });
  const messages = [];
  const counted = { model: play.model, messages };
  if (play.system) counted.system = play.system;
  if (play.tools.length) {
    counted.tools = play.tools.map(({ name, description, schema }) => ({ name, description, input_schema: schema }));
  }
  if (play.thinking) counted.thinking = { type: "enabled", budget_tokens: 1024 };
  if (play.schema) counted.output_config = { format: { type: "json_schema", schema: play.schema } };
  const options = { ...counted, max_tokens: 8192 };

  return {
    say(text, image) {
      const content = [{ type: "text", text }];
      if (image) content.unshift({ type: "image", source: { type: "base64", media_type: "image/png", data: image } });
      messages.push({ role: "user", content });
    },
    async answer() {
      let pieces = 0;
      let message;
      if (play.stream) {
        const stream = client.messages.stream(options).on("text", () => pieces++);
        message = await stream.finalMessage();
      } else {
        message = await client.messages.create(options);
      }
      messages.push({ role: "assistant", content: message.content });
      const calls = message.content.filter((block) => block.type === "tool_use");
      const usage = message.usage;
      const cached = usage.cache_read_input_tokens ?? 0;
      const answer = {
        text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        stop: message.stop_reason,
        usage: {
          input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
          output: usage.output_tokens,
          cached,
        },
        calls: calls.map(({ name, input }) => ({ name, input })),
        thought: message.content.some((block) => block.type.endsWith("thinking")),
        pieces,
      };
      return { answer, calls };
    },
    give(results) {
      const content = results.map(({ id, result }) => ({ type: "tool_result", tool_use_id: id, content: result }));
      messages.push({ role: "user", content });
    },
    async count() {
      return (await client.messages.countTokens(counted)).input_tokens;
    },
    async cancel() {
      const stream = await client.messages.create({ ...options, stream: true });
      for await (const event of stream) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") return event.delta.text;
      }
      throw new Error("a stream without text");
    },
  };
}

function refusal(error) {
  if (!(error instanceof APIError) || error.status === undefined) return null;
  return { kind: error.constructor.name, status: error.status, message: error.message };
}

await serve({ begin, refusal });
