// The public API, as any program asks it; the browser sends the key that was signed in with.

import { t } from "./words.js";

const HEADERS = { "x-aihub-page": "1" };

export class ApiError extends Error {
  constructor(status, error, id) {
    super(error.message || t("The server answered with status {status}.", { status }));
    this.name = "ApiError";
    this.status = status;
    this.code = error.code ?? null;
    this.param = error.param ?? null;
    this.id = id;
  }
}

// What has no code came from no server of ours.
async function failure(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // Not JSON: the status has to do.
  }
  return new ApiError(response.status, error, response.headers.get("x-request-id"));
}

export async function send(method, path, { body, query, signal } = {}) {
  const asked = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const url = `v1/${path}${asked.size ? `?${asked}` : ""}`;
  const headers = body === undefined ? HEADERS : { ...HEADERS, "content-type": "application/json" };
  const given = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(url, { method, headers, body: given, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(t("The server cannot be reached. Is it running?"));
  }
  if (!response.ok) throw await failure(response);
  return response;
}

export const ask = async (method, path, options) => (await send(method, path, options)).json();

// Every entry of a list, page by page, up to `most`.
export async function all(path, query = {}, most = 500) {
  const found = [];
  let after;
  do {
    const page = await ask("GET", path, { query: { limit: 100, ...query, after } });
    found.push(...page.data);
    after = page.has_more ? page.last_id : undefined;
  } while (after && found.length < most);
  return found;
}

// The data of a stream's events, one by one; its end marker ends it.
export async function* events(response) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(t("The stream ended before the answer did."));
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
        if (data === "[DONE]") return;
        if (data) yield data;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
