import type { SignalStatus, SignalReason } from "../reasons.ts";
import type { RoutingOutcome } from "../records.ts";
import type { Direction } from "../reference/reference.ts";
import type { Detail } from "../signal/signal.ts";

/** What became of a signal, with an outcome for every subscribed strategy. */
export interface Verdict {
  readonly status: Exclude<SignalStatus, "duplicate">;
  readonly reason: SignalReason | null;
  readonly detail: Detail;
  readonly outcomes: readonly RoutingOutcome[];
}

/** What was decided on a signal, and what its phrase stands for. */
export interface Decision extends Verdict {
  readonly signalId: number | null;
  readonly direction: Direction | null;
}
