import { evidenceOf, type Evidence, type Violation } from "./evidence.ts";
import type { Facts } from "./facts.ts";
import type { TortureReport } from "./run.ts";
import { withoutTakenBack } from "./taken-back.ts";

/** The report of a run as text. */

const VIOLATIONS_SHOWN = 20;
const TEXT_SHOWN = 200;

/** How many faults, entries, decisions and tasks there were. */
export function summaryOf({ facts, faults, unanswered, durationMs }: TortureReport): string {
  const byKind = Object.entries(faults)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ");
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const statuses = new Map<string, number>();
  for (const { status } of facts.rows) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const byStatus = [...statuses].map(([status, count]) => `${status} ${count}`).join(", ");
  return [
    `faults     ${total}: ${byKind}`,
    `entries    ${facts.entries.length}; ${unanswered} XADDs had no reply and may be among them`,
    `decisions  ${facts.rows.length}: ${byStatus}; ${facts.outcomes.length} outcomes of strategies`,
    `tasks      ${facts.tasks.length}, dead letters ${facts.deadLetters.length}`,
    `reference  ${facts.revisions.length} revisions, ${facts.control.length - 1} pauses and resumptions`,
    ...(facts.setting === "plain"
      ? []
      : [
          `taken back ${withoutTakenBack(facts).takenBack} signals of which the log has what a fail-over lost`,
        ]),
    `ready      ${readyText(facts.readyAfterMs)}`,
    `duration   ${Math.round(durationMs / 1000)} s`,
  ].join("\n");
}

/** How long it took until every router was ready again. */
function readyText(afterMs: readonly number[]): string {
  const sorted = afterMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `all routers again ${median} ms after a fault's end in the median of ${sorted.length}, at most ${sorted.at(-1) ?? 0} ms`;
}

/** The violations, with everything that is known about the entries of the first ones. */
export function violationsText(facts: Facts, violations: readonly Violation[]): string {
  const evidence = evidenceOf(facts);
  const shown = violations
    .slice(0, VIOLATIONS_SHOWN)
    .map(({ text, entryId }) =>
      entryId === undefined ? `- ${text}` : `- ${entryId}: ${text}\n${knownAbout(entryId, facts, evidence)}`,
    );
  const more = violations.length - shown.length;
  return [`${violations.length} violations`, ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

function knownAbout(entryId: string, facts: Facts, evidence: Evidence): string {
  const known = {
    entry: facts.entries.find(({ id }) => id === entryId)?.fields,
    results: evidence.results.get(entryId)?.map(({ id, fields }) => `${id} ${briefRecord(fields["data"])}`),
    rows: evidence.rows.get(entryId)?.map((row) => ({ ...row, raw: undefined })),
    outcomes: evidence.outcomes
      .get(entryId)
      ?.map((one) => `${one.strategy_id}: ${one.status} ${one.reason ?? ""}`.trim()),
    tasks: evidence.tasks.get(entryId)?.map(({ id, fields }) => `${id} strategy ${fields["strategy_id"]}`),
    deadLetters: evidence.deadLetters.get(entryId),
  };
  return Object.entries(known)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`    ${name} ${JSON.stringify(value, shortened)}`],
    )
    .join("\n");
}

/** The part of a published record that is compared with the row. */
function briefRecord(data = "{}"): string {
  const { status, reason, uid, snapshot, decided_at, duplicate_of } = JSON.parse(data) as Record<
    string,
    unknown
  >;
  return JSON.stringify({ status, reason, uid, snapshot, decided_at, duplicate_of });
}

function shortened(_name: string, value: unknown): unknown {
  return typeof value === "string" && value.length > TEXT_SHOWN ? `${value.slice(0, TEXT_SHOWN)}…` : value;
}
