import * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import {
  missingSecretFault,
  PermanentError,
  RetryableError,
  type AnyStrategyHandler,
  type PostAnswer,
  type PostProgress,
  type PostRequest,
  type StrategyOutcome,
  type StrategyRun,
} from "../../shared/strategy.ts";
import { idempotencyKeyOf, type Task } from "../../shared/task.ts";
import { cutText, storable } from "../../shared/text.ts";
import { chooseHandler } from "./choose-handler.ts";
import { runInTime, type Ended, type RunTimeLimits } from "./run-in-time.ts";
import { openRunPosts, type Arrival, type RunPosts } from "./run-posts.ts";

/** Runs the strategy's handler once, for at most STRATEGY_TIMEOUT_MS. Whatever the handler does, this returns an attempt. */
export async function runHandler(
  task: Task,
  strategy: SubscribedStrategy,
  { attempt, handlers, ports }: { attempt: number; handlers: readonly AnyStrategyHandler[]; ports: RunPorts },
): Promise<Attempt> {
  const chosen = chooseHandler(strategy, handlers);
  if (!chosen.ok) {
    const { reason, fault, detail = { handler: strategy.handler } } = chosen;
    return {
      status: "failed",
      reason,
      detail: { ...detail, error: fault },
      durationMs: null,
      arrival: "none",
    };
  }
  const startedAt = performance.now();
  let posts: RunPosts | undefined;
  const ended = await runInTime(ports, async (time) => {
    posts = openRunPosts(ports, time);
    const run = { params: chosen.params, attempt, abort: time.abort, post: posts.post, ports };
    return chosen.handler.run(runOf(task, strategy, run));
  });
  const durationMs = Math.round(performance.now() - startedAt);
  const arrival = posts?.arrival() ?? "none";
  if (ended.how === "cut_off") return { status: "cut_off", arrival };
  try {
    return { ...attemptOf(ended, ports), durationMs, arrival };
  } catch (error) {
    // That the handler was run is recorded whatever it threw or returned, or it would be run again.
    const detail = { error: cutText(ports.redact(storable(messageOf(error)))) };
    return { status: "failed", reason: "invalid_outcome", detail, durationMs, arrival };
  }
}

/** What handlers may use of the world outside. */
export interface RunPorts extends RunTimeLimits {
  post(request: PostRequest, progress: PostProgress): Promise<PostAnswer>;
  /** Value of a secret; undefined when it is not set. */
  secretOf(name: string): string | undefined;
  /** The text without the value of any secret. */
  readonly redact: (text: string) => string;
  log(task: Task, message: string, details: Detail): void;
}

/** An attempt after which there is no other. */
export interface LastAttempt {
  readonly status: StrategyOutcome["status"] | "failed";
  readonly reason: string | null;
  readonly detail: Detail;
  /** Null when the handler was not called. */
  readonly durationMs: number | null;
  readonly append?: StrategyOutcome["append"];
}

/** The result of one attempt: the last one, or an error after which there may be another. */
export type Attempt = (
  | LastAttempt
  | { readonly status: "again"; readonly error: string; readonly durationMs: number }
  /** The process has to stop; how far the run has got is not known. */
  | { readonly status: "cut_off" }
) & { readonly arrival: Arrival };

const DETAIL_BYTES_MAX = 16_384;
const REASON_BYTES_MAX = 200;
const FIELDS_MAX = 100;

const outcomeSchema = z.object({
  status: z.enum(["executed", "ignored", "delegated"]),
  reason: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  append: z
    .object({
      stream: z.templateLiteral(["strategies:", z.string().regex(/^[A-Za-z0-9_.:-]{1,100}$/)]),
      fields: z
        .record(z.string(), z.string())
        .refine((fields) => Object.keys(fields).length > 0, "expected at least one field")
        .refine(
          (fields) => Object.keys(fields).length <= FIELDS_MAX,
          `expected at most ${FIELDS_MAX} fields`,
        ),
    })
    .optional(),
});

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

function outcomeOf(value: unknown, ports: RunPorts): Omit<LastAttempt, "durationMs"> {
  const parsed = outcomeSchema.safeParse(value);
  if (!parsed.success) {
    return { status: "failed", reason: "invalid_outcome", detail: { error: z.prettifyError(parsed.error) } };
  }
  const { status, reason, detail = {}, append } = parsed.data;
  const outcome = { status, reason: recordableReason(reason, ports), detail: recordable(detail, ports) };
  return append === undefined ? outcome : { ...outcome, append };
}

function failureOf(error: unknown, ports: RunPorts) {
  const message = ports.redact(storable(messageOf(error)));
  if (error instanceof RetryableError) return { status: "again", error: cutText(message) } as const;
  const { reason, detail } = error instanceof PermanentError ? error : { reason: "error", detail: {} };
  return {
    status: "failed",
    reason: recordableReason(reason, ports),
    detail: recordable({ ...detail, error: message }, ports),
  } as const;
}

/** A handler's own reason as the record can hold it. */
function recordableReason(reason: string | undefined, { redact }: Pick<RunPorts, "redact">): string | null {
  return reason === undefined ? null : cutText(redact(storable(reason)), REASON_BYTES_MAX);
}

interface RunParts extends Pick<StrategyRun<never>, "params" | "attempt" | "abort" | "post"> {
  readonly ports: RunPorts;
}

function runOf(
  task: Task,
  { id, name }: SubscribedStrategy,
  { params, attempt, abort, post, ports }: RunParts,
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
      throw new PermanentError(missingSecretFault(secretName), "missing_secret");
    },
    post,
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
    return { unreadable: `the detail cannot be written as JSON: ${ports.redact(messageOf(error))}` };
  }
}
