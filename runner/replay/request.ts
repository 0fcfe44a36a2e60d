import type { EntryRange } from "../../shared/entry-range.ts";
import type { Services } from "../setup/services.ts";

/**
 * `dry-run`: says what would be decided and touches nothing · `missing`: decides what never was · `force`: decides and
 * dispatches anew what is chosen, whoever holds its uid and however old it is.
 */
export const REPLAY_MODES = ["dry-run", "missing", "force"] as const;
export type ReplayMode = (typeof REPLAY_MODES)[number];

/**
 * Which signals: those that arrived in a range – ids as Redis writes them, both inclusive, `to` now by default –, those with
 * these entry ids, or those with these uids.
 */
export type ReplaySelection =
  | ({ readonly kind: "range"; readonly to: string | undefined } & Pick<EntryRange, "from">)
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "uids"; readonly uids: readonly string[] };

export interface ReplayRequest {
  readonly selection: ReplaySelection;
  readonly mode: ReplayMode;
  /** For `dry-run`: `current`, `logged` – for each signal the one its decision was made on – or a version. */
  readonly snapshot: string;
  readonly by: string | null;
  readonly reason: string | null;
}

export interface ReplayDeps extends Pick<
  Services,
  | "redis"
  | "keys"
  | "clock"
  | "routing"
  | "commit"
  | "database"
  | "events"
  | "referenceStore"
  | "logger"
  | "config"
> {}

export interface ReplayOptions {
  /** More signals than this are refused before anything is done. */
  readonly signalsMax?: number;
  /** Longest wait for what a healthy system has done in a moment, in ms. */
  readonly waitMsMax?: number;
  /** Ends the wait. */
  readonly abort?: AbortSignal;
}

/** Default of {@link ReplayOptions}. */
export const SIGNALS_MAX = 100_000;
/** Default of {@link ReplayOptions}. */
export const WAIT_MS_MAX = 5_000;

/** Signals decided and answered at once. */
export const BATCH_COUNT = 128;

/** `invalid`: never as it was asked for · `conflict`: not as things are now. */
export interface Refusal {
  readonly kind: "invalid" | "conflict";
  /** Stable, for programs. */
  readonly code: string;
  /** What is wrong. */
  readonly detail: string;
  /** What to do about it. */
  readonly hint: string;
  /** True when it is over by itself soon. */
  readonly passing?: boolean;
}

/** The replay is not begun, and nothing was done. */
export class ReplayRefused extends Error {
  override readonly name = "ReplayRefused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}
