// Talk with a model in the terminal, in a session that the server keeps.
//
//   AIHUB_API_KEY=... node terminal-chat.mjs [MODEL]
//
// Ctrl-C stops an answer; an empty line ends the chat, and so does Ctrl-C at a question.

import process from "node:process";
import { createInterface } from "node:readline";

import { AIHubClient, AIHubError } from "@ai-hub/client";

const client = new AIHubClient();
const model = process.argv[2] ?? "gpt-4";
const session = await client.sessions.create({ title: "Terminal", model });

let stream = null;
const lines = createInterface({
  input: process.stdin,
  output: process.stdout,
  terminal: process.stdin.isTTY === true,
  prompt: "> ",
});
const stop = () => (stream === null ? lines.close() : stream.abort());
process.on("SIGINT", stop);
lines.on("SIGINT", stop); // In a terminal readline takes the key before a signal comes of it.

lines.prompt();
for await (const line of lines) {
  if (line === "") {
    break;
  }
  await answer(line);
  process.stdout.write("\n");
  lines.prompt();
}
lines.close();
process.stdout.write("\n");

/** Write an answer as it comes. */
async function answer(content) {
  stream = client.chat.stream({
    session_id: session.id,
    messages: [{ role: "user", content }],
  });
  try {
    for await (const text of stream.texts()) {
      process.stdout.write(text);
    }
  } catch (error) {
    if (error.name === "AbortError") {
      process.stdout.write(" (stopped)");
    } else if (error instanceof AIHubError) {
      process.stdout.write(`${error.name}: ${error.message}`);
    } else {
      throw error;
    }
  } finally {
    stream = null;
  }
}
