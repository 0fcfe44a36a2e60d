import { messageOf } from "../../shared/error-message.ts";
import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import {
  missingSecretFault,
  PermanentError,
  type AnyStrategyHandler,
  type PostAnswer,
  type PostProgress,
  type PostRequest,
} from "../../shared/strategy.ts";
import type { Task } from "../../shared/task.ts";
import { cutText, storable } from "../../shared/text.ts";
import { act } from "./act.ts";
import { chooseHandler } from "./choose-handler.ts";
import { handlerExtra } from "./handler-extra.ts";
import { failureOf, outcomeOf, recordableDetail, type RecordableOutcome } from "./recordable.ts";
import { runInTime, type Ended, type RunTimeLimits } from "./run-in-time.ts";
import { openRunPosts, type Arrival, type RunPosts } from "./run-posts.ts";
import { strategyTaskOf } from "./strategy-task.ts";

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
  const { handler } = chosen;
  const filled = handlerExtra(chosen, task.extra);
  if (!filled.ok) {
    const { fault, detail } = filled;
    return {
      status: "failed",
      reason: "invalid_extra",
      detail: { error: fault, ...detail },
      durationMs: null,
      arrival: "none",
    };
  }
  const { redact } = ports;
  const log = (message: string, details: Detail = {}): void =>
    ports.log(task, redact(message), recordableDetail(details, redact));
  const secret = (name: string): string => {
    const value = ports.secretOf(name);
    if (value !== undefined) return value;
    throw new PermanentError(missingSecretFault(name), "missing_secret");
  };
  const startedAt = performance.now();
  let posts: RunPosts | undefined;
  const ended = await runInTime(ports, async (time) => {
    posts = openRunPosts(ports, time);
    const { params, extra } = filled;
    const given = strategyTaskOf(task, strategy, { params, extra, attempt, now: Date.now(), secret });
    return act(handler, given, { abort: time.abort, post: posts.post, log });
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
export interface LastAttempt extends RecordableOutcome {
  /** Null when the handler was not called. */
  readonly durationMs: number | null;
}

/** The result of one attempt: the last one, or an error after which there may be another. */
export type Attempt = (
  | LastAttempt
  | { readonly status: "again"; readonly error: string; readonly durationMs: number }
  /** The process has to stop; how far the run has got is not known. */
  | { readonly status: "cut_off" }
) & { readonly arrival: Arrival };

function attemptOf(ended: Exclude<Ended, { how: "cut_off" }>, ports: RunPorts) {
  switch (ended.how) {
    case "returned":
      return outcomeOf(ended.value, ports.redact);
    case "threw":
      return failureOf(ended.error, ports.redact);
    case "timeout":
      return { status: "failed", reason: "timeout", detail: { timeout_ms: ports.timeoutMs } } as const;
  }
}
