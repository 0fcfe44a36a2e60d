import { entryTime } from "../../../shared/entry.ts";
import { msText } from "../../../shared/reason-text.ts";
import type { DecisionView, EntryView, OutcomeView } from "../../http/signals/entry-schemas.ts";

/** The way of a signal in time: when it was where, and how long each leg took. */
export interface Leg {
  readonly what: string;
  /** ISO 8601. */
  readonly at: string;
  /** Since the one before, in ms; null for the first one. Negative where two clocks differ. */
  readonly tookMs: number | null;
}

/** From the sender to the log. */
export function signalLegs(entryId: string, decision: DecisionView): Leg[] {
  const { sent_at, received_at, decided_at, logged_at } = decision;
  const arrived = new Date(entryTime(entryId)).toISOString();
  // Posted entries have ids that are no times of this kind.
  const isLive = decision.invocation === "live" && Date.parse(arrived) !== Date.parse(received_at);
  return legsOf([
    ["sent", sent_at],
    ["received", received_at],
    ["in Redis", isLive ? arrived : null],
    ["decided", decided_at],
    ["logged", logged_at],
  ]);
}

/** Of the task of one strategy, from its dispatch to the log; each attempt has its own legs. */
export interface TaskLegs {
  readonly dispatched: Leg | undefined;
  readonly attempts: readonly { readonly outcome: OutcomeView; readonly legs: readonly Leg[] }[];
  readonly logged: Leg | undefined;
}

export function taskLegs(
  { decided_at }: Pick<DecisionView, "decided_at">,
  task: EntryView["tasks"][number] | undefined,
  outcomes: readonly OutcomeView[],
): TaskLegs {
  let before = Date.parse(decided_at);
  const legTo = (what: string, at: string): Leg => {
    const ms = Date.parse(at);
    // A router knows Redis' time to some ms: a decision may seem later than its commit.
    const tookMs = Math.max(0, ms - before);
    before = ms;
    return { what, at, tookMs };
  };
  const dispatched = task && legTo("dispatched", task.dispatched_at);
  const attempts = outcomes
    .filter(({ stage }) => stage === "attempt" || stage === "execution")
    .map((outcome) => {
      const { at, duration_ms } = outcome;
      const begunAt = duration_ms === null ? undefined : new Date(Date.parse(at) - duration_ms).toISOString();
      const begun = begunAt === undefined ? [] : [legTo("begun", begunAt)];
      return { outcome, legs: [...begun, legTo("ended", at)] };
    });
  const last = attempts.at(-1)?.outcome;
  const loggedAt = last?.stage === "execution" ? last.logged_at : null;
  return { dispatched, attempts, logged: loggedAt == null ? undefined : legTo("logged", loggedAt) };
}

/** `begun +2 ms · ended +5 ms` */
export function legsText(legs: readonly (Leg | undefined)[]): string {
  return legs.flatMap((leg) => (leg === undefined ? [] : [`${leg.what} ${legText(leg.tookMs)}`])).join(" · ");
}

export function legText(tookMs: number | null): string {
  if (tookMs === null) return "";
  return tookMs < 0 ? msText(tookMs) : `+${msText(tookMs)}`;
}

/** What negative legs mean, for people. */
export function clockNotes(legs: readonly Leg[]): string[] {
  return legs.flatMap(({ what, tookMs }, n) =>
    tookMs !== null && tookMs < 0
      ? [
          `the clock of "${legs[n - 1]?.what ?? ""}" is at least ${msText(-tookMs)} ahead of that of "${what}": the two times are of different machines`,
        ]
      : [],
  );
}

function legsOf(times: readonly (readonly [what: string, at: string | null])[]): Leg[] {
  let before: number | null = null;
  const legs: Leg[] = [];
  for (const [what, at] of times) {
    if (at === null) continue;
    const ms = Date.parse(at);
    legs.push({ what, at, tookMs: before === null ? null : ms - before });
    before = ms;
  }
  return legs;
}
