import type { Entry } from "../../../shared/entry.ts";
import type { Evidence, Violation } from "../evidence.ts";
import { expectedTask } from "../expected.ts";
import type { Facts, LogRow } from "../facts.ts";
import { claimsOf } from "../spellings.ts";

/**
 * One dispatched row per ticker and per spelling of a signal, whatever a spelling means from one to the next; duplicates point to
 * it, and its tasks are exactly its dispatched outcomes.
 */
export function dispatchViolations(facts: Facts, evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const entries = new Map(facts.entries.map((entry) => [entry.id, entry]));
  const published = new Map(facts.results.map(({ fields }, i) => [fields["entry_id"] ?? "", i]));
  const holders = new Map<string, string>();
  for (const row of facts.rows) {
    const { status, entry_id: entryId } = row;
    const entry = entries.get(entryId);
    if (status !== "dispatched" || entry === undefined) continue;
    for (const claim of new Set(claimsOf(entry, row))) {
      const other = holders.get(claim);
      if (other !== undefined) found.push({ entryId, text: `${claim} is dispatched here and by ${other}` });
      holders.set(claim, entryId);
    }
  }
  for (const row of facts.rows) {
    const { entry_id: entryId, duplicate_of: holder } = row;
    const entry = entries.get(entryId);
    if (entry === undefined) continue;
    const bad = (text: string): void => void found.push({ entryId, text });
    const possible = claimsOf(entry, row).flatMap((claim) => holders.get(claim) ?? []);
    if (row.status === "duplicate" ? !possible.includes(holder ?? "") : holder !== null)
      bad(
        `duplicate of ${holder}, while what it claims was dispatched by ${possible.join(", ") || "no entry"}`,
      );
    if (row.status === "duplicate" && (published.get(entryId) ?? 0) < (published.get(holder ?? "") ?? 0))
      bad(`duplicate of ${holder}, which was dispatched later`);
    found.push(...taskViolations(entry, row, { facts, evidence }));
  }
  return found;
}

function taskViolations(
  entry: Entry,
  row: LogRow,
  { facts, evidence }: { readonly facts: Facts; readonly evidence: Evidence },
): Violation[] {
  const { id: entryId } = entry;
  const found: Violation[] = [];
  const outcomes = evidence.outcomes.get(entryId) ?? [];
  const dispatched = outcomes.filter(({ status }) => status === "dispatched").map((one) => one.strategy_id);
  const tasks = evidence.tasks.get(entryId) ?? [];
  const [have, expected] = [tasks.map(({ fields }) => Number(fields["strategy_id"])), dispatched].map((ids) =>
    ids.toSorted((a, b) => a - b).join(", "),
  );
  if (have !== expected)
    found.push({ entryId, text: `tasks for strategies [${have}], dispatched to [${expected}]` });
  if ((row.status === "dispatched") !== dispatched.length > 0)
    found.push({ entryId, text: `status ${row.status} with ${dispatched.length} dispatched strategies` });
  const revision = facts.revisions[evidence.revisionOf.get(row.snapshot) ?? -1];
  for (const { id, fields } of tasks) {
    if (revision === undefined) continue;
    const right = {
      ...expectedTask(revision.rows, entry, Number(fields["strategy_id"])),
      log_uid: row.uid ?? "",
      snapshot: row.snapshot,
    };
    for (const [name, value] of Object.entries(right)) {
      if (fields[name] !== value)
        found.push({ entryId, text: `task ${id} has ${name} ${fields[name]}; expected ${value}` });
    }
  }
  return found;
}
