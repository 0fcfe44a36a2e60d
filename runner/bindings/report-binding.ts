import { collectOutcomes } from "../../functions/collect-outcomes.ts";
import { assertAnswersEach } from "../../shared/function.ts";
import type { OutcomeStream } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { ReportEvents } from "../telemetry/report-events.ts";

/** `collect-outcomes` on one of OUTCOME_STREAMS. */
export function reportBinding(
  stream: OutcomeStream,
  { reportEvents }: { readonly reportEvents: ReportEvents },
): Binding {
  const onUnreadable = (entryId: string, error: string): void =>
    reportEvents.unreadable(stream, entryId, error);
  return {
    functionName: "collect-outcomes",
    stream,
    group: "outcome_collector",
    async *run(entries) {
      const results = assertAnswersEach(entries, collectOutcomes(entries, { stream, onUnreadable }));
      yield { status: "answered", results };
    },
    invalidate: () => {},
    // While Redis is full, reports wait in the stream of the other system, where they are in any case.
    dispatches: true,
  };
}
