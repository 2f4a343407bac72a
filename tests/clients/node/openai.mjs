// OpenAI's own client for JavaScript: prints, as JSON, what a chat, a stream, tools, an answer in a
// form, vectors and errors come to.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "test", maxRetries: 0 });
const model = "gpt-4o";
const messages = [{ role: "user", content: "Tell me about Paris in one sentence." }];
const told = {};

const whole = await client.chat.completions.create({ model, messages });
told.whole = { text: whole.choices[0].message.content, total: whole.usage.total_tokens };

const stream = client.chat.completions.stream({
  model,
  messages,
  stream_options: { include_usage: true },
});
const pieces = [];
stream.on("content", (delta) => pieces.push(delta));
const final = await stream.finalChatCompletion();
told.stream = {
  text: final.choices[0].message.content,
  pieces: pieces.length,
  total: (await stream.totalUsage()).total_tokens,
};

const calls = [];
const runner = client.chat.completions.runTools({
  model,
  messages: [{ role: "user", content: "What is the weather in Paris?" }],
  tools: [
    {
      type: "function",
      function: {
        name: "get_weather",
        description: "The weather of a city",
        parameters: {
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
        },
        parse: JSON.parse,
        function: ({ city }) => {
          calls.push(city);
          return "19 degrees";
        },
      },
    },
  ],
});
told.tools = { calls, text: await runner.finalContent() };

const City = z.object({ name: z.string(), people: z.number().int() });
const parsed = await client.chat.completions.parse({
  model,
  messages,
  response_format: zodResponseFormat(City, "city"),
});
told.form = parsed.choices[0].message.parsed;

const vectors = await client.embeddings.create({
  model: "text-embedding-3-small",
  input: ["Hello", "there"],
});
told.vectors = vectors.data.map((one) => one.embedding.length);
told.models = (await client.models.list()).data.length;

told.errors = {};
for (const [name, ask] of Object.entries({
  key: () => new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "wrong", maxRetries: 0 }).models.list(),
  model: () => client.chat.completions.create({ model: "nope", messages }),
  field: () => client.chat.completions.create({ model, messages, temperature: 9 }),
})) {
  try {
    await ask();
  } catch (error) {
    told.errors[name] = [error.constructor.name, error.status, error.code, error.param ?? null];
  }
}

const left = await client.chat.completions.create({ model, messages, stream: true });
for await (const _ of left) {
  left.controller.abort();
  break;
}

console.log(JSON.stringify(told));
