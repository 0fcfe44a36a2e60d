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
  if (reason === null) return status;
  const words = reasonText(reason, detail);
  return `${status} – ${words}${words.startsWith(reason) ? "" : ` (${reason})`}`;
}

/** `executed in 12 ms`, `failed – the handler failed: … (error), attempt 3, 12 ms` */
export function runText(run: Run): string {
  const attempt = (run.attempt ?? 1) > 1 ? `, attempt ${run.attempt}` : "";
  if (run.duration_ms === null) return reasonedText(run) + attempt;
  const took = msText(run.duration_ms);
  return run.reason === null
    ? `${run.status} in ${took}${attempt}`
    : `${reasonedText(run)}${attempt}, ${took}`;
}

/** What was decided for the strategy and, where it got a task, what that came to so far. */
export function outcomeText(routed: Reasoned, run: Run | null, attempts: number): string {
  if (run !== null) return runText(run);
  if (routed.status !== "dispatched") return reasonedText(routed);
  const tried = attempts === 0 ? "" : `; ${attempts === 1 ? "1 attempt" : `${attempts} attempts`} failed`;
  return `dispatched, not ended yet${tried}`;
}
