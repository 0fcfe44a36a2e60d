import type { Entry } from "../../../shared/entry.ts";
import type { Evidence, Violation } from "../evidence.ts";
import type { Facts, LogRow } from "../facts.ts";
import { isLostEntry } from "../lost-entries.ts";
import { decisionViolations } from "./decisions.ts";

/** The longest part of a field that the record keeps. */
const RAW_BYTES_MAX = 16_384;

/** Each entry has one result, one row and the right decision, and there is nothing for an entry that does not exist. */
export function entriesViolations(facts: Facts, evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const ids = new Set(facts.entries.map(({ id }) => id));
  for (const entry of facts.entries) found.push(...entryViolations(entry, facts, evidence));
  for (const kind of ["results", "tasks", "rows", "outcomes"] as const) {
    for (const entryId of evidence[kind].keys()) {
      if (!ids.has(entryId)) found.push({ entryId, text: `${kind} of an entry that is not in the stream` });
    }
  }
  for (const id of facts.confirmed) {
    if (!ids.has(id)) found.push({ entryId: id, text: "Redis confirmed this entry and has lost it" });
  }
  return found;
}

function entryViolations(entry: Entry, facts: Facts, evidence: Evidence): Violation[] {
  const { id: entryId } = entry;
  const bad = (text: string): Violation[] => [{ entryId, text }];
  const results = evidence.results.get(entryId) ?? [];
  const rows = evidence.rows.get(entryId) ?? [];
  const deadLetters = (evidence.deadLetters.get(entryId) ?? []).filter(
    ({ fields }) => fields["stream"] === "signals_stream",
  );
  // An operator's slip dropped it: it is kept with its fields, once, and nothing else was done for it.
  const [lost] = deadLetters.filter(isLostEntry);
  if (lost !== undefined && deadLetters.length === 1 && results.length === 0 && rows.length === 0)
    return lost.fields["fields"] === JSON.stringify(entry.fields)
      ? []
      : bad("lost, and kept with other fields");
  if (deadLetters.length > 0) {
    return bad(
      `${deadLetters.length} dead letters and ${results.length} results; no entry of a run may fail`,
    );
  }
  const [result] = results;
  const [row] = rows;
  if (result === undefined) return bad("lost: there is no result for it");
  if (results.length > 1) return bad(`decided ${results.length} times`);
  if (row === undefined) return bad("there is a result, but no row in signal_log");
  if (rows.length > 1) return bad(`${rows.length} rows in signal_log`);
  return [
    ...recordViolations(entry, result, row),
    ...decisionViolations(entry, { result, row, facts, evidence }),
  ];
}

/** The row holds what was published and what was received. */
function recordViolations({ id: entryId, fields }: Entry, result: Entry, row: LogRow): Violation[] {
  const found: Violation[] = [];
  const published = JSON.parse(result.fields["data"] ?? "{}") as Record<string, unknown>;
  const logged: Record<string, unknown> = { ...row, decided_at: row.decided_at.toISOString() };
  for (const name of ["uid", "status", "reason", "snapshot", "decided_at", "duplicate_of"]) {
    if (published[name] !== logged[name])
      found.push({ entryId, text: `${name} was published as ${String(published[name])}` });
  }
  for (const [name, value] of Object.entries(fields)) {
    const raw = Buffer.byteLength(value) > RAW_BYTES_MAX ? value.slice(0, RAW_BYTES_MAX) : value;
    if (row.raw[name] !== raw.replaceAll("\0", "\uFFFD"))
      found.push({ entryId, text: `field ${name} is recorded with another value` });
  }
  if (row.invocation !== "live" || result.fields["kind"] !== "signal")
    found.push({ entryId, text: `invocation ${row.invocation}, kind ${result.fields["kind"]}` });
  return found;
}
