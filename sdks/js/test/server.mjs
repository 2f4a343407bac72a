// A server that answers one request after another with what a case says, to the byte.

import net from "node:net";

const BODIES = {
  json: (value) => [Buffer.from(JSON.stringify(value)), "application/json"],
  events: (value) => [Buffer.from(value), "text/event-stream"],
  text: (value) => [Buffer.from(value), null],
  base64: (value) => [Buffer.from(value, "base64"), null],
};
export const STEPS = new Set([
  ...Object.keys(BODIES),
  ...["status", "headers", "cut", "short", "hang", "close", "raw"],
]);

/** What a step writes, piece by piece, and what is done behind that: `keep`, `hang` or `close`. */
function scriptOf(step, size) {
  if ("raw" in step) {
    return [[Buffer.from(step.raw)], "close"];
  }
  if (!("status" in step)) {
    return [[], step.hang ? "hang" : "close"];
  }
  const kind = Object.keys(BODIES).find((name) => name in step);
  const isStream = kind === "events";
  let [body, type] = BODIES[kind](step[kind]);
  const headers = { ...(type && { "Content-Type": type }), ...step.headers };
  headers[isStream ? "Transfer-Encoding" : "Content-Length"] = isStream ? "chunked" : body.length;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${step.status} Said\r\n${lines.join("")}\r\n`);
  if (step.short || (step.cut && !isStream)) {
    body = body.subarray(0, body.length - (step.short ?? 5));
  }
  const pieces = isStream ? inChunks(body, size ?? Math.max(body.length, 1)) : [body];
  const end = isStream && !step.hang && !step.cut ? [Buffer.from("0\r\n\r\n")] : [];
  return [[head, ...pieces, ...end], step.hang ? "hang" : step.cut ? "close" : "keep"];
}

function inChunks(body, size) {
  const chunks = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    const framed = [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")];
    chunks.push(Buffer.concat(framed));
  }
  return chunks;
}

/** Read requests from a connection, each whole; what of one has come is kept. */
class Reader {
  #bytes = Buffer.alloc(0);

  *feed(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (let one = this.#next(); one !== null; one = this.#next()) {
      yield one;
    }
  }

  #next() {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) {
      return null;
    }
    const [line, ...lines] = this.#bytes.subarray(0, end).toString("latin1").split("\r\n");
    const headers = {};
    for (const one of lines) {
      const colon = one.indexOf(":");
      headers[one.slice(0, colon).toLowerCase()] = one.slice(colon + 1).trim();
    }
    const length = Number(headers["content-length"] ?? 0);
    if (this.#bytes.length < end + 4 + length) {
      return null;
    }
    const body = this.#bytes.subarray(end + 4, end + 4 + length).toString();
    this.#bytes = this.#bytes.subarray(end + 4 + length);
    const [method, target] = line.split(" ");
    return { method, target, headers, body };
  }
}

/** Serve the answers of a case. */
export class Server {
  requests = [];
  /** How many connections were made. */
  accepted = 0;
  /** How many answers have been sent, as far as they go. */
  answered = 0;
  #server;
  #scripts;
  #sockets = new Set();
  #asking = new Set();

  constructor(steps, size) {
    this.#scripts = steps.map((step) => scriptOf(step, size));
    this.#server = net.createServer((socket) => this.#serve(socket));
  }

  static async open(steps, size) {
    const made = new Server(steps, size);
    await new Promise((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    return made;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** How many connections on which was asked are open: fetch may hold a fresh one in stock. */
  get connections() {
    return this.#asking.size;
  }

  #serve(socket) {
    this.accepted += 1;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => [this.#sockets, this.#asking].forEach((all) => all.delete(socket)));
    socket.on("error", () => {}); // Clients leave as they like.
    const reader = new Reader();
    socket.on("data", (data) => {
      for (const request of reader.feed(data)) {
        this.requests.push(request);
        this.#asking.add(socket);
        const [pieces, then] = this.#scripts[this.requests.length - 1] ?? [[], "close"];
        pieces.forEach((piece) => socket.write(piece));
        this.answered += 1;
        if (then === "close") {
          socket.end();
        }
      }
    });
  }

  async close() {
    this.#sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
