//! Libraries for programs of one's own.

use super::{
    Guide,
    Place::{PowerShell, Program, Shell},
    Setting, text,
};

const PYTHON: super::Place = Program("Python");
const JAVASCRIPT: super::Place = Program("JavaScript");

pub(super) const GUIDES: &[Guide] = &[
    Guide {
        id: "anthropic-sdk",
        name: "Anthropic SDK",
        lead: text("Any model that the relay serves can be asked for, whoever made it."),
        command: None,
        settings: &[
            Setting {
                place: PYTHON,
                text: r#"from anthropic import Anthropic

client = Anthropic(base_url="{site}/api", api_key="{key}")
answer = client.messages.create(
    model="claude-haiku-4-5",
    max_tokens=64,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.content)"#,
            },
            Setting {
                place: JAVASCRIPT,
                text: r#"import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "{site}/api", apiKey: "{key}" });
const answer = await client.messages.create({
  model: "claude-haiku-4-5",
  max_tokens: 64,
  messages: [{ role: "user", content: "Say hello." }],
});
console.log(answer.content);"#,
            },
        ],
        notes: &[],
    },
    Guide {
        id: "openai-sdk",
        name: "OpenAI SDK",
        lead: text("Any model that the relay serves can be asked for, whoever made it."),
        command: None,
        settings: &[
            Setting {
                place: PYTHON,
                text: r#"from openai import OpenAI

client = OpenAI(base_url="{site}/openai/v1", api_key="{key}")
answer = client.responses.create(model="gpt-5-mini", input="Say hello.")
print(answer.output_text)"#,
            },
            Setting {
                place: JAVASCRIPT,
                text: r#"import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{site}/openai/v1", apiKey: "{key}" });
const answer = await client.responses.create({ model: "gpt-5-mini", input: "Say hello." });
console.log(answer.output_text);"#,
            },
        ],
        notes: &[],
    },
    Guide {
        id: "google-genai",
        name: "Google GenAI",
        lead: text("Any model that the relay serves can be asked for, whoever made it."),
        command: None,
        settings: &[
            Setting {
                place: PYTHON,
                text: r#"from google import genai

client = genai.Client(api_key="{key}", http_options={"base_url": "{site}/gemini"})
answer = client.models.generate_content(model="gemini-2.5-flash", contents="Say hello.")
print(answer.text)"#,
            },
            Setting {
                place: JAVASCRIPT,
                text: r#"import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({ apiKey: "{key}", httpOptions: { baseUrl: "{site}/gemini" } });
const answer = await client.models.generateContent({ model: "gemini-2.5-flash", contents: "Say hello." });
console.log(answer.text);"#,
            },
        ],
        notes: &[],
    },
    Guide {
        id: "azure-openai",
        name: "AzureOpenAI",
        lead: text("The name of a model stands in the place of the deployment's."),
        command: None,
        settings: &[
            Setting {
                place: PYTHON,
                text: r#"from openai import AzureOpenAI

client = AzureOpenAI(azure_endpoint="{site}/azure", api_key="{key}", api_version="2024-10-21")
answer = client.chat.completions.create(
    model="gpt-5-mini",
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)"#,
            },
            Setting {
                place: JAVASCRIPT,
                text: r#"import { AzureOpenAI } from "openai";

const client = new AzureOpenAI({ endpoint: "{site}/azure", apiKey: "{key}", apiVersion: "2024-10-21" });
const answer = await client.chat.completions.create({
  model: "gpt-5-mini",
  messages: [{ role: "user", content: "Say hello." }],
});
console.log(answer.choices[0].message.content);"#,
            },
        ],
        notes: &[],
    },
    Guide {
        id: "boto3",
        name: "boto3 (Bedrock)",
        lead: text("The client key is the access key's id. The secret and the region are not looked at."),
        command: None,
        settings: &[Setting {
            place: PYTHON,
            text: r#"import boto3

client = boto3.client(
    "bedrock-runtime",
    region_name="us-east-1",
    endpoint_url="{site}/bedrock",
    aws_access_key_id="{key}",
    aws_secret_access_key="unused",
)
answer = client.converse(
    modelId="claude-haiku-4-5",
    messages=[{"role": "user", "content": [{"text": "Say hello."}]}],
)
print(answer["output"]["message"]["content"][0]["text"])"#,
        }],
        notes: &[],
    },
    Guide {
        id: "vercel-ai-sdk",
        name: "Vercel AI SDK",
        lead: text("Its providers append the operation alone, so that the version is part of the address."),
        command: None,
        settings: &[
            Setting {
                place: Program("JavaScript, @ai-sdk/anthropic"),
                text: r#"import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText } from "ai";

const relay = createAnthropic({ baseURL: "{site}/api/v1", apiKey: "{key}" });
const { text } = await generateText({ model: relay("claude-haiku-4-5"), prompt: "Say hello." });"#,
            },
            Setting {
                place: Program("JavaScript, @ai-sdk/openai"),
                text: r#"import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";

const relay = createOpenAI({ baseURL: "{site}/openai/v1", apiKey: "{key}" });
const { text } = await generateText({ model: relay("gpt-5-mini"), prompt: "Say hello." });"#,
            },
            Setting {
                place: Program("JavaScript, @ai-sdk/google"),
                text: r#"import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { generateText } from "ai";

const relay = createGoogleGenerativeAI({ baseURL: "{site}/gemini/v1beta", apiKey: "{key}" });
const { text } = await generateText({ model: relay("gemini-2.5-flash"), prompt: "Say hello." });"#,
            },
        ],
        notes: &[],
    },
    Guide {
        id: "curl",
        name: "curl",
        lead: text("A look at what works: the list of models that the key may use, and one tiny request."),
        command: None,
        settings: &[
            Setting {
                place: Shell,
                text: r#"curl {site}/openai/v1/models -H "authorization: Bearer {key}""#,
            },
            Setting {
                place: Shell,
                text: r#"curl {site}/api/v1/messages \
  -H "x-api-key: {key}" -H "anthropic-version: 2023-06-01" -H "content-type: application/json" \
  -d '{"model":"claude-haiku-4-5","max_tokens":64,"messages":[{"role":"user","content":"Say hello."}]}'"#,
            },
            Setting {
                place: Shell,
                text: r#"curl {site}/openai/v1/chat/completions \
  -H "authorization: Bearer {key}" -H "content-type: application/json" \
  -d '{"model":"gpt-5-mini","messages":[{"role":"user","content":"Say hello."}]}'"#,
            },
            Setting {
                place: PowerShell,
                text: r#"Invoke-RestMethod "{site}/openai/v1/models" -Headers @{ Authorization = "Bearer {key}" }"#,
            },
        ],
        notes: &[],
    },
];
