import type * as z from "zod";
import type { Fields } from "./entry.ts";
import type { StrategyStream } from "./keys.ts";
import type { Direction } from "./reference/reference.ts";
import type { Detail } from "./signal/signal.ts";

/**
 * The contract between the router and strategies. A strategy handler is a module with a name, a schema for its
 * `params` and a `run`; rows of the table `strategies` choose it by name.
 */

/** The signal a strategy is run for. */
export interface StrategySignal {
  readonly uid: string;
  readonly signalId: number;
  readonly symbol: string;
  readonly direction: Direction;
  /** Milliseconds since 1970, as are the others. */
  readonly barTime: number;
  readonly receivedAt: number;
  readonly sentAt: number | null;
  readonly source: string;
  /** Entry of the signal in `signals_stream`. */
  readonly entryId: string;
  /** `live`, or the id of the manual run that dispatched it. */
  readonly invocation: string;
}

export interface StrategyRun<Params> {
  readonly signal: StrategySignal;
  readonly strategy: { readonly id: number; readonly name: string };
  readonly params: Params;
  /** The same for every attempt on this signal by this strategy: whoever receives the effect can tell a repetition by it. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts at STRATEGY_TIMEOUT_MS, and when the process has to end. */
  readonly abort: AbortSignal;
  /** A line in the router's log, with the strategy's name and the signal's uid. */
  readonly log: (message: string, details?: Detail) => void;
  /** Value of the secret of this name, the variable STRATEGY_SECRET_<NAME>. @throws PermanentError when it is not set */
  readonly secret: (name: string) => string;
  /** POSTs with the router's limits: no private addresses unless allowed, no redirects. @throws RetryableError when there is no answer */
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
}

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly abort: AbortSignal;
}

export interface PostAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
}

/** What a run came to. `delegated`: left to somebody else. The detail goes into the log; JSON, up to 16 kB. */
export interface StrategyOutcome {
  readonly status: "executed" | "ignored" | "delegated";
  readonly reason?: string;
  readonly detail?: Detail;
  /** An entry for the strategy's own stream, added in one step with the outcome: exactly once. */
  readonly append?: { readonly stream: StrategyStream; readonly fields: Fields };
}

export interface StrategyHandler<Params = never> {
  readonly name: string;
  readonly params: z.ZodType<Params>;
  run(run: StrategyRun<Params>): Promise<StrategyOutcome> | StrategyOutcome;
}

/** A handler whose parameters are checked against its schema before each run. */
export type AnyStrategyHandler = StrategyHandler;

/** A handler as the registry keeps it; types `run` by the schema of `params`. */
export function defineStrategy<Params>(handler: StrategyHandler<Params>): AnyStrategyHandler {
  return handler as unknown as AnyStrategyHandler;
}

/** Thrown by a handler: not this time, perhaps the next. Anything else that is thrown counts as permanent. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
}

/** Thrown by a handler: trying again is no use. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  /** Machine-readable, for the outcome's reason. */
  readonly reason: string;
  /** Joins the message in the outcome's detail. */
  readonly detail: Detail;

  constructor(message: string, reason = "error", detail: Detail = {}) {
    super(message);
    this.reason = reason;
    this.detail = detail;
  }
}
