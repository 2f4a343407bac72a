// Vercel's AI SDK at any server that speaks OpenAI's dialect: prints, as JSON, what a text, a
// stream, tools, an object and errors come to.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";

const provider = createOpenAICompatible({
  name: "aihub",
  baseURL: process.env.BASE_URL,
  apiKey: "test",
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider("gpt-4o");
const prompt = "Tell me about Paris in one sentence.";
const told = {};

const whole = await generateText({ model, prompt, maxRetries: 0 });
told.whole = { text: whole.text, total: whole.usage.totalTokens, reason: whole.finishReason };

const stream = streamText({ model, prompt, maxRetries: 0 });
const pieces = [];
for await (const piece of stream.textStream) pieces.push(piece);
told.stream = {
  text: pieces.join(""),
  pieces: pieces.length,
  total: (await stream.usage).totalTokens,
};

const calls = [];
const tools = {
  get_weather: tool({
    description: "The weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      calls.push(city);
      return "19 degrees";
    },
  }),
};
const asked = { model, tools, prompt: "What is the weather in Paris?", stopWhen: stepCountIs(4) };
const acted = await generateText({ ...asked, maxRetries: 0 });
told.tools = { calls: [...calls], text: acted.text, steps: acted.steps.length };
calls.length = 0;
const acting = streamText({ ...asked, maxRetries: 0 });
let said = "";
for await (const piece of acting.textStream) said += piece;
told.toolsStreamed = { text: said, calls: [...calls] };

const schema = z.object({ name: z.string(), people: z.number().int() });
told.form = (await generateObject({ model, schema, prompt, maxRetries: 0 })).object;
const forming = streamObject({ model, schema, prompt, maxRetries: 0 });
for await (const part of forming.partialObjectStream) told.formStreamed = part;

told.errors = {};
for (const [name, which] of Object.entries({ model: provider("nope") })) {
  try {
    await generateText({ model: which, prompt, maxRetries: 0 });
  } catch (error) {
    told.errors[name] = [error.name, error.statusCode, JSON.parse(error.responseBody).error.code];
  }
}

console.log(JSON.stringify(told));
