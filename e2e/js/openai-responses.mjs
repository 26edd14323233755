// npm `openai`: Responses.

import { load, serve } from "./player.mjs";

const { OpenAI, APIError } = load("openai");

function begin({ url, key }, play) {
  const client = new OpenAI({ apiKey: key, baseURL: url, maxRetries: 0 });
  const input = [];
  // Nothing is stored, so that the conversation and its reasoning live with the client.
  const options = { model: play.model, input, store: false };
  if (play.system) options.instructions = play.system;
  if (play.tools.length) {
    options.tools = play.tools.map(({ name, description, schema }) => ({
      type: "function",
      name,
      description,
      parameters: schema,
      strict: false,
    }));
  }
  if (play.thinking) {
    options.reasoning = { effort: "low", summary: "auto" };
    options.include = ["reasoning.encrypted_content"];
  }
  if (play.schema) {
    options.text = { format: { type: "json_schema", name: "answer", strict: true, schema: play.schema } };
  }

  return {
    say(text, image) {
      const content = [{ type: "input_text", text }];
      if (image) {
        content.unshift({ type: "input_image", image_url: `data:image/png;base64,${image}`, detail: "auto" });
      }
      input.push({ role: "user", content });
    },
    async answer() {
      let pieces = 0;
      let response;
      if (play.stream) {
        const stream = client.responses.stream(options).on("response.output_text.delta", () => pieces++);
        response = await stream.finalResponse();
      } else {
        response = await client.responses.create(options);
      }
      input.push(...response.output.map(asSent));
      const calls = response.output.filter((item) => item.type === "function_call");
      const usage = response.usage;
      const answer = {
        text: response.output_text,
        stop: response.status,
        usage: {
          input: usage.input_tokens,
          output: usage.output_tokens,
          cached: usage.input_tokens_details.cached_tokens,
        },
        calls: calls.map((call) => ({ name: call.name, input: JSON.parse(call.arguments) })),
        thought: response.output.some((item) => item.type === "reasoning"),
        pieces,
      };
      return { answer, calls };
    },
    give(results) {
      input.push(
        ...results.map(({ call_id, result }) => ({ type: "function_call_output", call_id, output: result })),
      );
    },
    async cancel() {
      const stream = await client.responses.create({ ...options, stream: true });
      for await (const event of stream) {
        if (event.type === "response.output_text.delta") return event.delta;
      }
      throw new Error("a stream without text");
    },
  };
}

// The helper for streams adds fields of its own, which the API does not know.
function asSent({ parsed_arguments, ...item }) {
  return item.content ? { ...item, content: item.content.map(({ parsed, ...part }) => part) } : item;
}

function refusal(error) {
  if (!(error instanceof APIError) || error.status === undefined) return null;
  return { kind: error.constructor.name, status: error.status, message: error.message };
}

await serve({ begin, refusal });
