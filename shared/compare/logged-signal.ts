import type { Direction } from "../reference/reference.ts";

/**
 * This room compares the log of the router before with this router's, signal by signal: which pairs belong together, where they
 * differ, and whether that is one of the differences that are known and wanted.
 *
 * What both logs say about a signal. Times are milliseconds since 1970.
 */
export interface LoggedSignal {
  /** The entry in `signals_stream`, or the row's id in the log of the router before. */
  readonly id: string;
  /** When it was received; rows are compared in this order. */
  readonly at: number;
  /** Normalised. */
  readonly symbol: string | null;
  readonly signalId: number | null;
  readonly direction: Direction | null;
  readonly message: string | null;
  readonly barTime: number | null;
  readonly dispatched: boolean;
}

/** A decision of the router before. */
export interface OldSignal extends LoggedSignal {
  /** Ids of the strategies that got it; null when the row does not say. */
  readonly strategies: readonly number[] | null;
}

/** A live decision of this router. */
export interface OurSignal extends LoggedSignal {
  readonly status: string;
  readonly reason: string | null;
  /** The field that it was rejected for. */
  readonly field: string | null;
  /** Ids of the strategies that got it, or would have if this router were no shadow. */
  readonly strategies: readonly number[];
  /** Message and symbol as the sender wrote them. */
  readonly written: { readonly message: string | null; readonly symbol: string | null };
}
