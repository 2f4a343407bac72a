/**
 * What can go wrong with a call, by what the caller can do about it.
 *
 *     AIHubError
 *     ├── ConfigurationError          the client was made with what cannot be
 *     ├── ConnectionError             no answer: not reached, or lost on the way
 *     │   └── TimeoutError            a phase took longer than it may
 *     ├── StatusError                 an answer with an error's status
 *     │   ├── BadRequestError         400
 *     │   ├── AuthenticationError     401
 *     │   ├── PermissionDeniedError   403
 *     │   ├── NotFoundError           404
 *     │   ├── ConflictError           409
 *     │   ├── RateLimitError          429
 *     │   │   └── BudgetExceededError     and waiting does not help
 *     │   └── InternalServerError     500 and above
 *     │       └── ServiceUnavailableError     503
 *     ├── MalformedResponseError      a good status, and not an answer
 *     └── StreamError                 a stream that began well
 *         ├── IncompleteStreamError   and ended without its end marker
 *         └── FailedStreamError       and ended with an error
 *
 * A call that is cancelled rejects with its signal's reason, which is none of these.
 */

/** What an error knows besides its message. */
export interface ErrorDetails {
  status?: number | null;
  type?: string | null;
  code?: string | null;
  param?: string | null;
  requestId?: string | null;
  retryAfter?: number | null;
  body?: unknown;
  cause?: unknown;
}

// A program may load this package twice, as a module and by `require`: the classes are then two,
// and an error of one is to be an instance of the other all the same.
const KINDS = Symbol.for("@ai-hub/client.kinds");

interface Kind {
  readonly kind: string;
}

function isKind(made: object): made is Kind {
  return Object.hasOwn(made, "kind");
}

/**
 * Whatever goes wrong with a call.
 *
 * What is not known is null. None of it, and no text, ever has an API key of the client's.
 */
export class AIHubError extends Error {
  /** @internal */
  static readonly kind: string = "AIHubError";

  /** The answer's status. */
  readonly status: number | null;
  /** What the server calls this kind of error. */
  readonly type: string | null;
  /** What the server calls this error; of a connection, why there is none. */
  readonly code: string | null;
  /** The field that is wrong. */
  readonly param: string | null;
  /** By which the server knows the request. */
  readonly requestId: string | null;
  /** Seconds after which it may be asked again. */
  readonly retryAfter: number | null;
  /** The answer's JSON, or the beginning of its text where it is none. */
  readonly body: unknown;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status ?? null;
    this.type = details.type ?? null;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.requestId = details.requestId ?? null;
    this.retryAfter = details.retryAfter ?? null;
    this.body = details.body ?? null;
  }

  override get name(): string {
    return (this.constructor as unknown as Kind).kind;
  }

  /** @internal */
  get [KINDS](): string[] {
    const kinds: string[] = [];
    let made: object | null = this.constructor;
    while (made !== null) {
      if (isKind(made)) {
        kinds.push(made.kind);
      }
      made = Object.getPrototypeOf(made) as object | null;
    }
    return kinds;
  }

  /** Whether it is one of this class, or of the class of this name in the package's other build. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!isKind(this)) {
      return Function.prototype[Symbol.hasInstance].call(this, value);
    }
    const kinds = (value as { [KINDS]?: unknown } | null | undefined)?.[KINDS];
    return Array.isArray(kinds) && kinds.includes(this.kind);
  }
}

/** A client cannot be made of this, or a request cannot be built; nothing was asked. */
export class ConfigurationError extends AIHubError {
  /** @internal */
  static override readonly kind: string = "ConfigurationError";
}

/**
 * There is no answer.
 *
 * `code` says why: `connect_failed`, `tls_failed`, `connection_lost`, `broken_body`, `not_http`,
 * `head_too_large`. A browser does not say: there it is always `connection_lost`.
 */
export class ConnectionError extends AIHubError {
  /** @internal */
  static override readonly kind: string = "ConnectionError";
}

/** The phases of a call that have a time. `connect` is Node's own bound, not one of a client's. */
export type Phase = "connect" | "first_byte" | "idle" | "total";

/** A phase took longer than the client's `timeout` allows. */
export class TimeoutError extends ConnectionError {
  /** @internal */
  static override readonly kind: string = "TimeoutError";

  readonly phase: Phase;

  constructor(message: string, phase: Phase, details: ErrorDetails = {}) {
    super(message, { code: `${phase}_timeout`, ...details });
    this.phase = phase;
  }
}

/** The answer has an error's status; also that of a redirect, for none is followed. */
export class StatusError extends AIHubError {
  /** @internal */
  static override readonly kind: string = "StatusError";
}

/** 400: the request is wrong; `param` names the field. */
export class BadRequestError extends StatusError {
  /** @internal */
  static override readonly kind: string = "BadRequestError";
}

/** 401: the key is wrong, or has ended. */
export class AuthenticationError extends StatusError {
  /** @internal */
  static override readonly kind: string = "AuthenticationError";
}

/** 403: the key may not do this. */
export class PermissionDeniedError extends StatusError {
  /** @internal */
  static override readonly kind: string = "PermissionDeniedError";
}

/** 404: there is no such thing, or it is another account's. */
export class NotFoundError extends StatusError {
  /** @internal */
  static override readonly kind: string = "NotFoundError";
}

/** 409: something is in the way, which `code` names. */
export class ConflictError extends StatusError {
  /** @internal */
  static override readonly kind: string = "ConflictError";
}

/** 429: a limit is used up; `retryAfter` says for how long. */
export class RateLimitError extends StatusError {
  /** @internal */
  static override readonly kind: string = "RateLimitError";
}

/** 429 with the code `budget_exceeded`: waiting does not help before the budget renews. */
export class BudgetExceededError extends RateLimitError {
  /** @internal */
  static override readonly kind: string = "BudgetExceededError";
}

/** 500 and above: the server's fault, or that of a provider behind it. */
export class InternalServerError extends StatusError {
  /** @internal */
  static override readonly kind: string = "InternalServerError";
}

/** 503: the server cannot answer now. */
export class ServiceUnavailableError extends InternalServerError {
  /** @internal */
  static override readonly kind: string = "ServiceUnavailableError";
}

/**
 * A good status with something that is no answer: an empty body, a page of HTML, JSON that breaks
 * off, an answer of another shape or beyond all bounds, or such a chunk in a stream. Often the base
 * URL leads somewhere else.
 */
export class MalformedResponseError extends AIHubError {
  /** @internal */
  static override readonly kind: string = "MalformedResponseError";
}

/** A stream began well and did not end so; what came before was right. */
export class StreamError extends AIHubError {
  /** @internal */
  static override readonly kind: string = "StreamError";
}

/** A stream ended, or its connection did, before its end marker: the answer is not whole. */
export class IncompleteStreamError extends StreamError {
  /** @internal */
  static override readonly kind: string = "IncompleteStreamError";
}

/** A stream told an error in its midst, with the `type` and `code` of the server's. */
export class FailedStreamError extends StreamError {
  /** @internal */
  static override readonly kind: string = "FailedStreamError";
}
