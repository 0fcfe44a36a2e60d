/** A shadow hands on nothing, and was asked for what would: to run tasks, or to decide signals for others. */
export class ShadowRefused extends Error {
  override readonly name = "ShadowRefused";
  /** Stable, for programs. */
  readonly code = "shadow_router";
  /** What to do about it. */
  readonly hint: string = ASK_OTHER;

  constructor(what: string) {
    super(shadowRefusal(what));
  }
}

/** Why a shadow does not do it, for people: `what` as in `runs no tasks`. */
export function shadowRefusal(what: string): string {
  return `this router is a shadow (SHADOW=true): it decides and records, and ${what}`;
}

const ASK_OTHER = "ask the router that trades; a dry run is possible here";

export const RUNS_NO_TASKS = "runs no tasks";
export const TAKES_NO_SIGNALS =
  "only reads signals_stream, which it shares with the router that trades (GROUP_SUFFIX is set): it adds no signals";
