// npm `@google/genai`.

import { load, serve } from "./player.mjs";

const { ApiError, GoogleGenAI } = load("@google/genai");

function begin({ url, key }, play) {
  const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
  const contents = [];
  const config = {};
  if (play.system) config.systemInstruction = play.system;
  if (play.tools.length) {
    const functionDeclarations = play.tools.map(({ name, description, schema }) => ({
      name,
      description,
      parametersJsonSchema: schema,
    }));
    config.tools = [{ functionDeclarations }];
  }
  if (play.thinking) config.thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
  if (play.schema) {
    config.responseMimeType = "application/json";
    config.responseJsonSchema = play.schema;
  }
  const options = { model: play.model, contents, config };

  return {
    say(text, image) {
      const parts = [{ text }];
      if (image) parts.unshift({ inlineData: { mimeType: "image/png", data: image } });
      contents.push({ role: "user", parts });
    },
    async answer() {
      const chunks = [];
      if (play.stream) {
        for await (const chunk of await client.models.generateContentStream(options)) chunks.push(chunk);
      } else {
        chunks.push(await client.models.generateContent(options));
      }
      const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
      contents.push({ role: "model", parts });
      const calls = parts.flatMap((part) => part.functionCall ?? []);
      const texts = parts.filter((part) => part.text && !part.thought);
      const last = chunks.at(-1);
      const usage = last.usageMetadata;
      const answer = {
        text: texts.map((part) => part.text).join(""),
        stop: last.candidates[0].finishReason,
        usage: {
          input: usage.promptTokenCount,
          output: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
          cached: usage.cachedContentTokenCount ?? 0,
        },
        calls: calls.map(({ name, args }) => ({ name, input: args ?? {} })),
        thought: parts.some((part) => part.thought || part.thoughtSignature),
        pieces: play.stream ? texts.length : 0,
      };
      return { answer, calls };
    },
    give(results) {
      const parts = results.map(({ id, name, result }) => ({
        functionResponse: { id, name, response: { output: result } },
      }));
      contents.push({ role: "user", parts });
    },
    async count() {
      return (await client.models.countTokens({ model: play.model, contents })).totalTokens;
    },
    async cancel() {
      const abort = new AbortController();
      config.abortSignal = abort.signal;
      for await (const chunk of await client.models.generateContentStream(options)) {
        if (chunk.text) {
          abort.abort();
          return chunk.text;
        }
      }
      throw new Error("a stream without text");
    },
  };
}

function refusal(error) {
  if (!(error instanceof ApiError)) return null;
  return { kind: error.name, status: error.status, message: error.message };
}

await serve({ begin, refusal });
