/**
 * Server-sent events, as the HTML standard frames them (section 9.2).
 *
 * Read over bytes: a line ends at CR, LF or both and at nothing else, and no character of UTF-8 is
 * cut by that. What is kept of a stream is the line and the event that are not complete yet.
 */

// Bytes of one event: a picture comes whole in one, and the largest have a few MiB.
const MAX_EVENT = 16 * 1024 * 1024;

const LF = 10;
const CR = 13;
const BOM = "\ufeff";

/** What is no event: a text that is not UTF-8, or one that is too long. */
export class BadEvent extends Error {}

/** Read a stream of events: bytes in, the data of whole events out, however the bytes are cut. */
export class SseDecoder {
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #pieces: Uint8Array[] = [];
  #data: string[] = [];
  #size = 0;
  #afterCR = false;
  #isFirst = true;

  /** Yield the data of the events that *bytes* complete. */
  *feed(bytes: Uint8Array): Generator<string> {
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at];
      const isPair = this.#afterCR && byte === LF;
      this.#afterCR = byte === CR;
      if (isPair) {
        from = at + 1;
      } else if (byte === LF || byte === CR) {
        const data = this.#line(bytes.subarray(from, at));
        from = at + 1;
        if (data !== null) {
          yield data;
        }
      }
    }
    this.#keep(bytes.subarray(from));
  }

  /** Take a whole line; the data of an event where it ends one. */
  #line(last: Uint8Array): string | null {
    this.#keep(last);
    const line = this.#taken();
    if (line === "") {
      const data = this.#data;
      this.#data = [];
      this.#size = 0;
      return data.length === 0 ? null : data.join("\n");
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field === "data") {
      const value = colon < 0 ? "" : line.slice(colon + 1);
      this.#data.push(value.startsWith(" ") ? value.slice(1) : value);
    }
    return null;
  }

  #keep(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#size > MAX_EVENT) {
      throw new BadEvent(`has more than ${MAX_EVENT} bytes`);
    }
    if (piece.length > 0) {
      this.#pieces.push(piece);
    }
  }

  #taken(): string {
    const pieces = this.#pieces;
    this.#pieces = [];
    const line = this.#decoded(pieces.length === 1 ? pieces[0]! : joined(pieces));
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return isFirst && line.startsWith(BOM) ? line.slice(1) : line;
  }

  #decoded(bytes: Uint8Array): string {
    try {
      return this.#text.decode(bytes);
    } catch {
      throw new BadEvent("is not UTF-8");
    }
  }
}

/** Put pieces together. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
