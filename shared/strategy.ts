import * as z from "zod";
import type { Fields } from "./entry.ts";
import { refersToExtra } from "./extra-params.ts";
import type { StrategyStream } from "./keys.ts";
import { urlFault } from "./outgoing-address.ts";
import type { Direction, Side } from "./reference/reference.ts";
import type { Extra } from "./signal/extra.ts";
import type { Detail } from "./signal/signal.ts";

/**
 * The contract between the router and strategies. A strategy handler is a module with a name, a schema for its `params`, and a
 * `plan` or a `run`; rows of the table `strategies` refer to it by name.
 */

/** The signal a strategy is run for. */
export interface StrategySignal<SignalExtra = Extra> {
  readonly uid: string;
  readonly signalId: number;
  readonly symbol: string;
  /** `flat`: an exit, for strategies that take exits. */
  readonly direction: Direction;
  /** The only side that an exit closes; null: both, and for openings. */
  readonly side: Side | null;
  /** Milliseconds since 1970, like the other times. */
  readonly barTime: number;
  readonly receivedAt: number;
  readonly sentAt: number | null;
  readonly source: string;
  /** Entry of the signal in `signals_stream`. */
  readonly entryId: string;
  /** `live`, or the id of the manual run that dispatched it. */
  readonly invocation: string;
  /** What came along with it: the texts of fields that the router does not read, or what the handler's schema made of them. */
  readonly extra: SignalExtra;
}

/** What a handler is given about a task; all that a plan is made of. */
export interface StrategyTask<Params, SignalExtra = Extra> {
  readonly signal: StrategySignal<SignalExtra>;
  readonly strategy: { readonly id: number; readonly name: string };
  readonly params: Params;
  /** The same for every attempt of this strategy on this signal, so that the receiver can recognise a repetition. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** This machine's clock when the attempt began, milliseconds since 1970. */
  readonly now: number;
  /**
   * Value of the secret of this name, the variable STRATEGY_SECRET_<NAME>; in a dry run a text that stands for it.
   * @throws PermanentError when it is not set
   */
  readonly secret: (name: string) => string;
}

/** What a handler with a `run` is given besides: the world outside. */
export interface StrategyRun<Params, SignalExtra = Extra> extends StrategyTask<Params, SignalExtra> {
  /** Aborts at STRATEGY_TIMEOUT_MS, in which `post` waiting for a connection does not count, and when the process stops. */
  readonly abort: AbortSignal;
  /** Writes a line to the router's log, with the strategy's name and the signal's uid. */
  readonly log: (message: string, details?: Detail) => void;
  /**
   * POSTs with the router's limits: no private addresses unless allowed, no redirects. `timeoutMs` begins when there is a
   * connection. @throws RetryableError when there is no answer; its message says whether anything was sent
   */
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
}

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly abort: AbortSignal;
}

/** What a caller of a post is called back for. */
export interface PostProgress {
  /** There is a connection, and the request is being written: from here on it may arrive. */
  onSend(): void;
}

export interface PostAnswer {
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;
}

/** The result of a run. `delegated`: left to an external worker. The detail goes into the log: JSON, up to 16 kB. */
export interface StrategyOutcome {
  readonly status: "executed" | "ignored" | "delegated";
  readonly reason?: string;
  readonly detail?: Detail;
  /** An entry for the strategy's own stream, added in one step with the outcome: exactly once. */
  readonly append?: { readonly stream: StrategyStream; readonly fields: Fields };
}

/** What a handler means to do for a task: a POST and what its answer comes to, or what is done without one. */
export type StrategyPlan = PlannedPost | PlannedOutcome;

export interface PlannedPost {
  readonly post: Omit<PostRequest, "abort">;
  /** Judges the answer. @throws RetryableError, PermanentError */
  outcome(answer: PostAnswer): StrategyOutcome;
}

export interface PlannedOutcome extends StrategyOutcome {
  /** A line for the router's log. */
  readonly log?: string;
}

/**
 * A handler that says what it means to do, which the router then does: so a dry run can show it. A plan is a function of the task
 * alone: it sends nothing, waits for nothing and remembers nothing.
 */
export interface PlanningHandler<Params = never, SignalExtra = never> extends HandlerSchemas<
  Params,
  SignalExtra
> {
  /** @throws RetryableError, PermanentError */
  plan(task: StrategyTask<Params, SignalExtra>): StrategyPlan;
  readonly run?: never;
}

/** A handler that acts by itself: with several requests, or with other side effects. It has no dry run. */
export interface RunningHandler<Params = never, SignalExtra = never> extends HandlerSchemas<
  Params,
  SignalExtra
> {
  run(run: StrategyRun<Params, SignalExtra>): Promise<StrategyOutcome> | StrategyOutcome;
  readonly plan?: never;
}

interface HandlerSchemas<Params, SignalExtra> {
  readonly name: string;
  readonly params: z.ZodType<Params>;
  /** Checks what came along with the signal, per task; what does not fit fails for good as `invalid_extra`. Default: any texts. */
  readonly extra?: z.ZodType<SignalExtra>;
}

export type StrategyHandler<Params = never, SignalExtra = never> =
  | PlanningHandler<Params, SignalExtra>
  | RunningHandler<Params, SignalExtra>;

/** A handler whose params are checked with its schema before each run. */
export type AnyStrategyHandler = StrategyHandler;

/** Defines a handler: gives `plan` or `run` the types of the schemas of `params` and `extra`. */
export function defineStrategy<Params, SignalExtra = Extra>(
  handler: StrategyHandler<Params, SignalExtra>,
): AnyStrategyHandler {
  return handler as unknown as AnyStrategyHandler;
}

/**
 * What params are used for, by their schemas. The router checks what they name when it reads the reference, and `cli check`
 * does too, so that a missing secret is seen before the first signal needs it.
 */
export const paramUses = z.registry<{ readonly use: ParamUse }, z.ZodType<string>>();
export type ParamUse = "secret" | "address";

const SECRET_NAME = /^[A-Z0-9_]{1,100}$/;

/** Schema for a param that is passed to `secret(name)`: the NAME of a variable STRATEGY_SECRET_<NAME>. */
export function secretName() {
  return z
    .string()
    .regex(SECRET_NAME, "expected the NAME of a variable STRATEGY_SECRET_<NAME>, never the secret")
    .register(paramUses, { use: "secret" });
}

/** Schema for a param that is passed to `post` as its URL: http:// or https://, without a user or a password. */
export function address() {
  return z
    .string()
    .superRefine((text, context) => {
      const message = refersToExtra(text)
        ? "an address cannot refer to what comes along with a signal: its sender must not choose where an order goes"
        : urlFault(text);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .register(paramUses, { use: "address" });
}

/** Whether this can be the name of a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Why the secret of this name cannot be used; the same words in a check and in the outcome of a task. */
export function missingSecretFault(name: string): string {
  return isSecretName(name)
    ? `the variable STRATEGY_SECRET_${name} is not set`
    : "the name of a secret is not the NAME of a variable STRATEGY_SECRET_<NAME>";
}

/** Thrown by a handler when another attempt may succeed. Every other error counts as permanent. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
}

/** Thrown by a handler when another attempt would fail as well. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  /** Machine-readable, for the outcome's reason. */
  readonly reason: string;
  /** Added to the outcome's detail, beside the message. */
  readonly detail: Detail;

  constructor(message: string, reason = "error", detail: Detail = {}) {
    super(message);
    this.reason = reason;
    this.detail = detail;
  }
}

/** The only statuses below 500 after which another attempt may succeed. */
const TRANSIENT_STATUSES: readonly number[] = [408, 425, 429];

/**
 * What the status of an answer means for most receivers: 2xx is `executed`, with the status and `detail`. `who` answered, for people.
 * @throws RetryableError for 408, 425, 429 and 5xx, PermanentError with the reason `http_<status>` for the others
 */
export function outcomeOfStatus(status: number, who: string, detail: Detail = {}): StrategyOutcome {
  const all = { status, ...detail };
  if (status >= 200 && status <= 299) return { status: "executed", detail: all };
  const message = `${who} answered ${status}`;
  if (status >= 500 || TRANSIENT_STATUSES.includes(status)) throw new RetryableError(message);
  throw new PermanentError(message, `http_${status}`, all);
}
