import type { EntryRange } from "../../shared/entry-range.ts";
import type { Services } from "../setup/services.ts";

/** What a replay is asked to do, what it needs for that, and how it is refused. */
export interface ReplayRequest {
  readonly selection: ReplaySelection;
  readonly mode: ReplayMode;
  /** For `dry-run`: `current`, `logged` (for each signal the snapshot of its logged decision), or a version. */
  readonly snapshot: string;
  readonly by: string | null;
  readonly reason: string | null;
  /** Of `missing` and `force`: decides as these do, and only answers what they would commit. */
  readonly dryRun: boolean;
  /** For `force`: ids or names of the only strategies that may get tasks; null: all. */
  readonly strategies: readonly string[] | null;
  /** For `force`: the caller's id of this run, so that a repeated call continues it; null: a new one. */
  readonly invocation: string | null;
}

/** The signals that arrived in a range (`to` is now by default) or lately, or those with these entry ids or uids. */
export type ReplaySelection =
  | ({ readonly kind: "range"; readonly to: string | undefined } & Pick<EntryRange, "from">)
  /** `range`: what that was when the replay began, or was shown. */
  | { readonly kind: "since"; readonly sinceMs: number; readonly range?: EntryRange | undefined }
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "uids"; readonly uids: readonly string[] };

/**
 * `dry-run`: shows decisions and changes nothing · `missing`: decides signals that have no decision · `force`: decides and
 * dispatches again, whatever their age and whichever entry holds the uid.
 */
export const REPLAY_MODES = ["dry-run", "missing", "force"] as const;
export type ReplayMode = (typeof REPLAY_MODES)[number];

export interface ReplayOptions {
  /** A replay of more signals is refused before anything is done; default {@link SIGNALS_MAX}. */
  readonly signalsMax?: number;
  /** Longest wait for the router to decide and log what it has in flight, in ms; default {@link WAIT_MS_MAX}. */
  readonly waitMsMax?: number;
  /** Ends the wait. */
  readonly abort?: AbortSignal;
}

export const SIGNALS_MAX = 100_000;
export const WAIT_MS_MAX = 5_000;
/** Signals decided and answered at a time. */
export const BATCH_COUNT = 128;

export type ReplayDeps = Pick<
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
>;

/** The replay is not begun, and nothing was done. */
export class ReplayRefused extends Error {
  override readonly name = "ReplayRefused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

export interface Refusal {
  /** `invalid`: never possible as requested · `conflict`: not possible now. */
  readonly kind: "invalid" | "conflict";
  /** Stable, for programs. */
  readonly code: string;
  /** What is wrong. */
  readonly detail: string;
  /** What to do about it. */
  readonly hint: string;
  /** True when it is expected to pass by itself soon. */
  readonly passing?: boolean;
}
