import * as z from "zod";
import type { Detail } from "../../shared/signal.ts";
import type { SubscribedStrategy } from "../../shared/snapshot.ts";
import {
  PermanentError,
  RetryableError,
  type AnyStrategyHandler,
  type PostAnswer,
  type PostRequest,
  type StrategyOutcome,
  type StrategyRun,
} from "../../shared/strategy.ts";
import { cutText, storable } from "../../shared/text.ts";
import { idempotencyKeyOf, type Task } from "../../shared/task.ts";

/** What handlers reach the world with. */
export interface RunPorts {
  post(request: PostRequest): Promise<PostAnswer>;
  /** Value of a secret; undefined when it is not set. */
  secretOf(name: string): string | undefined;
  /** The text without the value of any secret. */
  redact(text: string): string;
  log(task: Task, message: string, details: Detail): void;
  readonly timeoutMs: number;
  /** Ends every run, since the process has to end. */
  readonly abort: AbortSignal;
}

/** What one attempt came to: an end, or an error after which another attempt may be made. */
export type Attempt =
  | {
      readonly status: StrategyOutcome["status"] | "failed";
      readonly reason: string | null;
      readonly detail: Detail;
      readonly durationMs: number | null;
      readonly append?: StrategyOutcome["append"];
    }
  | { readonly status: "again"; readonly error: string; readonly durationMs: number }
  /** The process has to end; nobody knows how far the run has got. */
  | { readonly status: "cut_off" };

const DETAIL_BYTES_MAX = 16_384;

const outcomeSchema = z.object({
  status: z.enum(["executed", "ignored", "delegated"]),
  reason: z.string().max(200).optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  append: z.custom<NonNullable<StrategyOutcome["append"]>>().optional(),
});

/** Runs the strategy's handler once, for STRATEGY_TIMEOUT_MS at most. Whatever the handler does, this answers. */
export async function runHandler(
  task: Task,
  strategy: SubscribedStrategy,
  { attempt, handlers, ports }: { attempt: number; handlers: readonly AnyStrategyHandler[]; ports: RunPorts },
): Promise<Attempt> {
  const handler = handlers.find(({ name }) => name === strategy.handler);
  if (handler === undefined) {
    const known = handlers.map(({ name }) => name);
    return notRun("unknown_handler", { handler: strategy.handler, known });
  }
  const params = handler.params.safeParse(strategy.params);
  if (!params.success)
    return notRun("invalid_params", { handler: handler.name, error: z.prettifyError(params.error) });

  const timeout = AbortSignal.timeout(ports.timeoutMs);
  const abort = AbortSignal.any([timeout, ports.abort]);
  const startedAt = performance.now();
  const durationMs = (): number => Math.round(performance.now() - startedAt);
  try {
    const running = (async () =>
      handler.run(runOf(task, strategy, { params: params.data, attempt, abort, ports })))();
    const said = outcomeSchema.safeParse(await orAborted(running, abort));
    if (!said.success) {
      const error = z.prettifyError(said.error);
      return { status: "failed", reason: "invalid_outcome", detail: { error }, durationMs: durationMs() };
    }
    const { status, reason = null, detail = {}, append } = said.data;
    const end = { status, reason, detail: recordable(detail, ports), durationMs: durationMs() };
    return append === undefined ? end : { ...end, append };
  } catch (error) {
    if (ports.abort.aborted) return { status: "cut_off" };
    if (timeout.aborted) {
      return {
        status: "failed",
        reason: "timeout",
        detail: { timeout_ms: ports.timeoutMs },
        durationMs: durationMs(),
      };
    }
    const message = ports.redact(messageOf(error));
    if (error instanceof RetryableError) return { status: "again", error: message, durationMs: durationMs() };
    const reason = error instanceof PermanentError ? error.reason : "error";
    return {
      status: "failed",
      reason,
      detail: recordable({ error: message }, ports),
      durationMs: durationMs(),
    };
  }
}

function notRun(reason: string, detail: Detail): Attempt {
  return { status: "failed", reason, detail, durationMs: null };
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
    post: async (request) => ports.post(request),
  };
}

/** The result, or the rejection of the abort, whichever comes first. A run that ignores the abort goes on unheard. */
async function orAborted<T>(running: Promise<T>, abort: AbortSignal): Promise<T> {
  let give = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    give = () => reject(abort.reason);
    abort.addEventListener("abort", give, { once: true });
  });
  try {
    return await Promise.race([running, aborted]);
  } finally {
    abort.removeEventListener("abort", give);
  }
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
