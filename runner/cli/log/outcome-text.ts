import { msText, reasonText } from "../../../shared/reason-text.ts";

/** What became of a signal for a strategy, in words. */

interface Reasoned {
  readonly status: string;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** How a task, or an attempt of it, ended. */
interface Run extends Reasoned {
  readonly attempt: number | null;
  readonly duration_ms: number | null;
}

/** `ignored – BTCUSDT is not its one ticker (ticker_not_allowed)` */
export function reasonedText({ status, reason, detail }: Reasoned): string {
  return reason === null ? status : `${status} – ${reasonText(reason, detail)}`;
}

/** `executed in 12 ms`, `failed on attempt 3 in 12 ms – the handler failed (error): …` */
export function runText(run: Run): string {
  return `${run.status}${effortText(run)}${run.reason === null ? "" : ` – ${reasonText(run.reason, run.detail)}`}`;
}

/** ` on attempt 3 in 12 ms` */
export function effortText({ attempt, duration_ms }: Pick<Run, "attempt" | "duration_ms">): string {
  const on = (attempt ?? 1) > 1 ? ` on attempt ${attempt}` : "";
  return duration_ms === null ? on : `${on} in ${msText(duration_ms)}`;
}

/** What was decided for the strategy and, where it got a task, what that came to so far. */
export function outcomeText(routed: Reasoned, run: Run | null, attempts: number): string {
  if (run !== null) return runText(run);
  if (routed.status !== "dispatched") return reasonedText(routed);
  const tried = attempts === 0 ? "" : `; ${attempts === 1 ? "1 attempt" : `${attempts} attempts`} failed`;
  return `dispatched, not ended yet${tried}`;
}
