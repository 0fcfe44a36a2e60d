import type { Entry } from "../../shared/entry.ts";
import { outcomeRecordSchema, signalRecordSchema } from "../../shared/records.ts";
import { grouped } from "./evidence.ts";
import type { Facts, LogRow, OutcomeLogRow } from "./facts.ts";

/**
 * A fail-over takes back what Redis had acknowledged and no replica had: the log may already have it. Here such rows give way to what
 * Redis has decided since then, so that everything else is checked as always.
 */

type Kept = Pick<Facts, "rows" | "outcomes">;

/** The log as it would be without what was taken back, and of how many signals something was. */
export function withoutTakenBack(facts: Facts): Kept & { readonly takenBack: number } {
  const decided = grouped(facts.results, entryIdOf);
  const ended = grouped(facts.executions, entryIdOf);
  const outcomes = grouped(facts.outcomes, (outcome) => outcome.entry_id);
  const present = new Set(facts.entries.map(({ id }) => id));
  const kept: { rows: LogRow[]; outcomes: OutcomeLogRow[] } = { rows: [], outcomes: [] };
  let takenBack = 0;
  for (const row of facts.rows) {
    const [result] = decided.get(row.entry_id) ?? [];
    const own = outcomes.get(row.entry_id) ?? [];
    const runs = ended.get(row.entry_id) ?? [];
    const record = result === undefined ? undefined : signalRecordSchema.parse(dataOf(result));
    const isSame = record?.decided_at === row.decided_at.toISOString();
    const executed = runs.map((run) => ({ ...outcomeRecordSchema.parse(dataOf(run)), stage: "execution" }));
    const logged = own.filter(({ stage }) => stage === "execution");
    if (record !== undefined && isSame && textOf(logged) === textOf(executed)) {
      kept.rows.push(row);
      kept.outcomes.push(...own);
      continue;
    }
    takenBack += 1;
    if (record === undefined || !present.has(row.entry_id)) continue;
    const { decided_at, bar_time, sent_at, received_at, side = null, ...fields } = record;
    kept.rows.push({
      ...row,
      ...fields,
      side,
      decided_at: new Date(decided_at),
      bar_time: dateOf(bar_time),
      sent_at: dateOf(sent_at),
      received_at: new Date(received_at),
    });
    const routed = record.outcomes.map((one) => ({ ...one, stage: "routing" }));
    kept.outcomes.push(...[...routed, ...executed].map((one) => ({ ...one, entry_id: row.entry_id })));
  }
  return { ...kept, takenBack };
}

function textOf(outcomes: readonly Omit<OutcomeLogRow, "entry_id">[]): string {
  return outcomes
    .map(({ strategy_id, status, reason }) => `${strategy_id} ${status} ${reason}`)
    .toSorted()
    .join();
}

function entryIdOf({ fields }: Entry): string | undefined {
  return fields["entry_id"];
}

function dataOf({ fields }: Entry): unknown {
  return JSON.parse(fields["data"] ?? "{}");
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
