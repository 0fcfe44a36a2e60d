import { HOLDER, sharedFields, type Branch, type Effects } from "./function.ts";
import { logRowsOf, type LogRows } from "./log-rows.ts";
import type { OutcomeRecord, SignalRecord } from "./records.ts";

/** The decision that a branch publishes when it happens; undefined when it publishes none. */
export function decisionRecordIn(branch: Branch): SignalRecord | undefined {
  return firstIn(branch, ({ signals }) => signals[0]?.record);
}

/** The outcome of a task that a branch publishes when it happens; undefined when it publishes none. */
export function outcomeRecordIn(branch: Branch): OutcomeRecord | undefined {
  return firstIn(branch, ({ outcomes }) => outcomes[0]?.record);
}

/** The decision that is published instead when another entry, `holder`, holds the uid. */
export function duplicateRecord({ claim }: Effects, holder: string | null = null): SignalRecord | undefined {
  const record = claim === undefined ? undefined : decisionRecordIn(claim.ifLost);
  return record?.duplicate_of === HOLDER ? { ...record, duplicate_of: holder } : record;
}

function firstIn<Record>(
  branch: Branch,
  recordIn: (rows: LogRows) => Record | undefined,
): Record | undefined {
  for (const append of branch.append) {
    if (append.stream !== "signal_results") continue;
    const parsed = logRowsOf({ id: "", fields: sharedFields(append) }, "signal_results");
    const record = parsed.ok ? recordIn(parsed.rows) : undefined;
    if (record !== undefined) return record;
  }
  return undefined;
}
