import * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import {
  PermanentError,
  RetryableError,
  type AnyStrategyHandler,
  type PostAnswer,
  type PostRequest,
  type StrategyOutcome,
  type StrategyRun,
} from "../../shared/strategy.ts";
import { idempotencyKeyOf, type Task } from "../../shared/task.ts";
import { cutText, storable } from "../../shared/text.ts";
import { chooseHandler } from "./choose-handler.ts";

/** What handlers reach the world with. */
export interface RunPorts {
  post(request: PostRequest): Promise<PostAnswer>;
  /** Value of a secret; undefined when it is not set. */
  secretOf(name: string): string | undefined;
  /** The text without the value of any secret. */
  readonly redact: (text: string) => string;
  log(task: Task, message: string, details: Detail): void;
  readonly timeoutMs: number;
  /** Ends every run, since the process has to end. */
  readonly abort: AbortSignal;
}

/** An attempt that was the last one. */
export interface LastAttempt {
  readonly status: StrategyOutcome["status"] | "failed";
  readonly reason: string | null;
  readonly detail: Detail;
  /** Null when it was not even begun. */
  readonly durationMs: number | null;
  readonly append?: StrategyOutcome["append"];
}

/** What one attempt came to: the end, or an error after which another attempt may be made. */
export type Attempt =
  | LastAttempt
  | { readonly status: "again"; readonly error: string; readonly durationMs: number }
  /** The process has to end; nobody knows how far the run has got. */
  | { readonly status: "cut_off" };

const DETAIL_BYTES_MAX = 16_384;
const REASON_BYTES_MAX = 200;
const FIELDS_MAX = 100;
/** Of STRATEGY_TIMEOUT_MS, for one POST. */
const POST_SHARE_MAX = 0.8;

const outcomeSchema = z.object({
  status: z.enum(["executed", "ignored", "delegated"]),
  reason: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  append: z
    .object({
      stream: z.templateLiteral(["strategies:", z.string().regex(/^[A-Za-z0-9_.:-]{1,100}$/)]),
      fields: z
        .record(z.string(), z.string())
        .refine((fields) => Object.keys(fields).length > 0, "expected a field at least")
        .refine(
          (fields) => Object.keys(fields).length <= FIELDS_MAX,
          `expected at most ${FIELDS_MAX} fields`,
        ),
    })
    .optional(),
});

/** Runs the strategy's handler once, for STRATEGY_TIMEOUT_MS at most. Whatever the handler does, this answers. */
export async function runHandler(
  task: Task,
  strategy: SubscribedStrategy,
  { attempt, handlers, ports }: { attempt: number; handlers: readonly AnyStrategyHandler[]; ports: RunPorts },
): Promise<Attempt> {
  const chosen = chooseHandler(strategy, handlers);
  if (!chosen.ok) {
    const { reason, fault } = chosen;
    return {
      status: "failed",
      reason,
      detail: { handler: strategy.handler, error: fault },
      durationMs: null,
    };
  }
  const startedAt = performance.now();
  const ended = await withinLimit(ports, async (abort) =>
    chosen.handler.run(runOf(task, strategy, { params: chosen.params, attempt, abort, ports })),
  );
  const durationMs = Math.round(performance.now() - startedAt);
  if (ended.how === "cut_off") return { status: "cut_off" };
  try {
    return { ...attemptOf(ended, ports), durationMs };
  } catch (error) {
    // Whatever a handler has thrown or returned, that it was run is recorded, or it would be run again.
    const detail = { error: cutText(ports.redact(storable(messageOf(error)))) };
    return { status: "failed", reason: "invalid_outcome", detail, durationMs };
  }
}

function attemptOf(ended: Exclude<Ended, { how: "cut_off" }>, ports: RunPorts) {
  switch (ended.how) {
    case "returned":
      return outcomeOf(ended.value, ports);
    case "threw":
      return failureOf(ended.error, ports);
    case "timeout":
      return { status: "failed", reason: "timeout", detail: { timeout_ms: ports.timeoutMs } } as const;
  }
}

type Ended =
  | { readonly how: "returned"; readonly value: unknown }
  | { readonly how: "threw"; readonly error: unknown }
  | { readonly how: "timeout" }
  | { readonly how: "cut_off" };

/**
 * Runs it until it ends or its time is up, whichever comes first; one that ignores its abort goes on unheard. Not
 * AbortSignal.any, which leaves something behind on the long-lived signal with each run (Node 20).
 */
async function withinLimit(
  { timeoutMs, abort }: RunPorts,
  run: (abort: AbortSignal) => unknown,
): Promise<Ended> {
  const limit = new AbortController();
  let cut = (_how: "timeout" | "cut_off"): void => undefined;
  const over = new Promise<Ended>((resolve) => {
    cut = (how) => {
      resolve({ how });
      limit.abort(new Error(how === "timeout" ? "STRATEGY_TIMEOUT_MS is over" : "the router has to end"));
    };
  });
  const timer = setTimeout(() => cut("timeout"), timeoutMs);
  const onAbort = (): void => cut("cut_off");
  abort.addEventListener("abort", onAbort, { once: true });
  if (abort.aborted) onAbort();
  const running = (async (): Promise<Ended> => {
    try {
      return { how: "returned", value: await run(limit.signal) };
    } catch (error) {
      return { how: "threw", error };
    }
  })();
  try {
    return await Promise.race([over, running]);
  } finally {
    clearTimeout(timer);
    abort.removeEventListener("abort", onAbort);
  }
}

function outcomeOf(value: unknown, ports: RunPorts): Omit<LastAttempt, "durationMs"> {
  const said = outcomeSchema.safeParse(value);
  if (!said.success) {
    return { status: "failed", reason: "invalid_outcome", detail: { error: z.prettifyError(said.error) } };
  }
  const { status, reason, detail = {}, append } = said.data;
  const end = { status, reason: wordOf(reason, ports), detail: recordable(detail, ports) };
  return append === undefined ? end : { ...end, append };
}

function failureOf(error: unknown, ports: RunPorts) {
  const message = ports.redact(storable(messageOf(error)));
  if (error instanceof RetryableError) return { status: "again", error: cutText(message) } as const;
  const { reason, detail } = error instanceof PermanentError ? error : { reason: "error", detail: {} };
  return {
    status: "failed",
    reason: wordOf(reason, ports),
    detail: recordable({ ...detail, error: message }, ports),
  } as const;
}

/** A reason is a word of the handler's own; whatever it says, the record can hold it. */
function wordOf(reason: string | undefined, { redact }: Pick<RunPorts, "redact">): string | null {
  return reason === undefined ? null : cutText(redact(storable(reason)), REASON_BYTES_MAX);
}

function runOf(
  task: Task,
  { id, name }: SubscribedStrategy,
  { params, attempt, abort, ports }: { params: never; attempt: number; abort: AbortSignal; ports: RunPorts },
): StrategyRun<never> {
  const { uid, signalId, symbol, direction, barTime, receivedAt, sentAt, source, entryId, invocation } = task;
  return {
    signal: { uid, signalId, symbol, direction, barTime, receivedAt, sentAt, source, entryId, invocation },
    strategy: { id, name },
    params,
    idempotencyKey: idempotencyKeyOf(task),
    attempt,
    abort,
    log: (message, details = {}) => ports.log(task, ports.redact(message), recordable(details, ports)),
    secret(secretName) {
      const value = ports.secretOf(secretName);
      if (value !== undefined) return value;
      throw new PermanentError(`the variable STRATEGY_SECRET_${secretName} is not set`, "missing_secret");
    },
    // Its own limit has to come before that of the run, after which nobody tries again.
    post: async (request) => {
      const timeoutMs = Math.min(request.timeoutMs, Math.ceil(ports.timeoutMs * POST_SHARE_MAX));
      return ports.post({ ...request, timeoutMs });
    },
  };
}

/** A detail as the record can hold it: JSON that Postgres takes, no secret, of bounded size. */
function recordable(detail: Detail, ports: RunPorts): Detail {
  try {
    const json = JSON.stringify(detail, (_key, value: unknown) => {
      if (typeof value === "string") return ports.redact(storable(value));
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [storable(key), one as unknown]));
    });
    if (Buffer.byteLength(json) <= DETAIL_BYTES_MAX) return JSON.parse(json) as Detail;
    return { cut: cutText(json, DETAIL_BYTES_MAX / 2) };
  } catch (error) {
    return { unreadable: `the detail is no JSON: ${ports.redact(messageOf(error))}` };
  }
}
