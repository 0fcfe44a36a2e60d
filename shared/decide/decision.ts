import type { SignalReason, SignalStatus } from "../reasons.ts";
import type { RoutingOutcome } from "../records.ts";
import type { Direction, Side } from "../reference/reference.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import type { Detail } from "../signal/signal.ts";
import type { Control } from "./control.ts";

/** Everything a decision depends on besides the signal. */
export interface DecisionContext {
  readonly snapshot: Snapshot;
  readonly control: Control;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: number;
  /** Signals older than this are not traded; 0: no limit. */
  readonly signalAgeMsMax: number;
  /** When true, no signal is too old, for any strategy. */
  readonly anyAge?: boolean;
  /** The only strategies that may act, by id; absent: all. Not for decisions that a cache keeps. */
  readonly chosen?: ReadonlySet<number>;
  /** SHADOW: what would be dispatched is recorded as `shadow`, and no task is made. */
  readonly shadow?: boolean;
}

/** What is decided for a signal, with an outcome for every subscribed strategy. */
export interface Verdict {
  readonly status: Exclude<SignalStatus, "duplicate">;
  readonly reason: SignalReason | null;
  readonly detail: Detail;
  readonly outcomes: readonly RoutingOutcome[];
}

/** A verdict, and what the phrase of its signal means. */
export interface Decision extends Verdict {
  readonly signalId: number | null;
  readonly direction: Direction | null;
  /** The only side that an exit closes; null: both, and for openings. */
  readonly side: Side | null;
}
