import type { ExecutionStatus } from "../reasons.ts";
import type { Detail } from "../signal/signal.ts";

/** How a task ended. */
export interface ExecutionOutcome {
  readonly status: ExecutionStatus;
  /** One of `ExecutionReason`, or a handler's own reason. */
  readonly reason: string | null;
  readonly detail: Detail;
  readonly attempt: number;
  /** Of the last attempt; null when no attempt was started. */
  readonly durationMs: number | null;
}
