import type { RoutingOutcome } from "../records.ts";

/** The outcomes of a signal whose uid another entry has dispatched: no strategy acts. */
export function duplicateOutcomes(outcomes: readonly RoutingOutcome[]): RoutingOutcome[] {
  return outcomes.map((outcome): RoutingOutcome =>
    outcome.status === "ignored" ? outcome : { ...outcome, status: "ignored", reason: "duplicate_uid" },
  );
}
