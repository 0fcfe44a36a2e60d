import type { ExecutionStatus } from "../reasons.ts";
import type { Detail } from "../signal/signal.ts";

/** What became of a task. */
export interface ExecutionOutcome {
  readonly status: ExecutionStatus;
  /** One of `ExecutionReason`, or a handler's own word. */
  readonly reason: string | null;
  readonly detail: Detail;
  readonly attempt: number;
  /** Of the last attempt; null when there was none. */
  readonly durationMs: number | null;
}
