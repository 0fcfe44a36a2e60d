import { NO_EFFECTS, type PureFunction, type Result } from "../shared/function.ts";
import type { StreamName } from "../shared/keys.ts";
import { reportCounter } from "../shared/metrics.ts";
import { parseReport, reportEffects } from "../shared/worker-report.ts";

/**
 * Passes what workers report in OUTCOME_STREAMS on to `signal_results`, for `persist-log`. An entry that is no report is counted
 * and acknowledged: it belongs to another system, and nothing waits for it.
 */
export const collectOutcomes: PureFunction<CollectContext> = (entries, { stream, onUnreadable }) =>
  entries.map((entry): Result => {
    const parsed = parseReport(entry, stream);
    if (parsed.ok) return { id: entry.id, status: "done", effects: reportEffects(parsed.report) };
    onUnreadable(entry.id, parsed.error);
    return { id: entry.id, status: "done", effects: { ...NO_EFFECTS, count: [reportCounter("unreadable")] } };
  });

export interface CollectContext {
  /** The stream of the entries. */
  readonly stream: StreamName;
  /** Called with each entry that is no report, and why. */
  readonly onUnreadable: (entryId: string, error: string) => void;
}
