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

/** Of the task of one strategy, from the decision to the log. */
export function taskLegs(
  decision: Pick<DecisionView, "decided_at">,
  task: EntryView["tasks"][number] | undefined,
  outcomes: readonly OutcomeView[],
): Leg[] {
  const ran = outcomes.filter(({ stage }) => stage === "attempt" || stage === "execution");
  const last = ran.findLast(({ stage }) => stage === "execution");
  return legsOf([
    ["decided", decision.decided_at],
    ["dispatched", task?.dispatched_at ?? null],
    ...ran.flatMap((one): [string, string | null][] => {
      const name = ran.length === 1 ? "" : ` ${one.attempt ?? ""}`;
      const begun =
        one.duration_ms === null ? null : new Date(Date.parse(one.at) - one.duration_ms).toISOString();
      return [
        [`begun${name}`, begun],
        [`ended${name}`, one.at],
      ];
    }),
    ["logged", last?.logged_at ?? null],
  ]).slice(1);
}

/** `dispatched +1 ms · begun +2 ms · ended +5 ms` */
export function legsText(legs: readonly Leg[]): string {
  return legs.map(({ what, tookMs }) => `${what} ${legText(tookMs)}`).join(" · ");
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
