import type { Branch, Effects } from "../../shared/function.ts";
import { HOLDER, sharedFields } from "../../shared/function.ts";
import { logRowsOf, type LogRows } from "../../shared/log-rows.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import type { ProcessedEntry } from "./process-batch.ts";

/**
 * The decision that was recorded for a processed entry of `signals_stream`; undefined when there is none, or another function
 * processed it. Only Redis knows whose duplicate a `duplicate` is: `duplicate_of` is null unless its uid is in `holders`.
 */
export function committedDecision(
  processed: ProcessedEntry,
  holders: ReadonlyMap<string, string> = new Map(),
): SignalRecord | undefined {
  if (processed.status === "left" || processed.result.status !== "done") return undefined;
  switch (processed.outcome) {
    case "applied":
      return decisionRecordIn(processed.result.effects);
    case "duplicate":
      return duplicateRecord(processed.result.effects, holders.get(duplicateUid(processed) ?? ""));
    case "held":
    case "fenced":
      return undefined;
  }
}

/** The uid an entry tried to claim while another one holds it; undefined when it is no duplicate. */
export function duplicateUid(processed: ProcessedEntry): string | undefined {
  if (processed.status === "left" || processed.outcome !== "duplicate") return undefined;
  return processed.result.status === "done" ? processed.result.effects.claim?.uid : undefined;
}

/** The outcome that was recorded for a processed task; undefined when there is none, or another function processed it. */
export function committedOutcome(processed: ProcessedEntry): OutcomeRecord | undefined {
  if (processed.status === "left" || processed.outcome !== "applied" || processed.result.status !== "done")
    return undefined;
  return firstIn(processed.result.effects, ({ outcomes }) => outcomes[0]?.record);
}

/** The decision that a branch publishes when it happens. */
export function decisionRecordIn(branch: Branch): SignalRecord | undefined {
  return firstIn(branch, ({ signals }) => signals[0]?.record);
}

/** The first record of its kind among those a branch publishes. */
function firstIn<Record>(
  branch: Branch,
  recordIn: (rows: LogRows) => Record | undefined,
): Record | undefined {
  for (const append of branch.append) {
    if (append.stream !== "signal_results") continue;
    const parsed = logRowsOf({ id: "", fields: sharedFields(append) }, append.stream);
    const record = parsed.ok ? recordIn(parsed.rows) : undefined;
    if (record !== undefined) return record;
  }
  return undefined;
}

/** The decision that is published instead when another entry, `holder`, holds the uid. */
export function duplicateRecord({ claim }: Effects, holder: string | null = null): SignalRecord | undefined {
  const record = claim === undefined ? undefined : decisionRecordIn(claim.ifLost);
  return record?.duplicate_of === HOLDER ? { ...record, duplicate_of: holder } : record;
}
