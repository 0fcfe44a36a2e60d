import type { Evidence, Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";
import { isLostEntry } from "../lost-entries.ts";

/** No work remains, nothing was removed, no entry failed, and the reference never went back. */
export function remainderViolations(facts: Facts, { revisionOf }: Evidence): Violation[] {
  const found: Violation[] = facts.seen.map((text) => ({ text }));
  for (const { name, pending, behind } of facts.groups) {
    // What routers say while they stop is for the next start to store.
    if (pending > 0 || (behind && name !== "system_events/log_writer"))
      found.push({ text: `${name} has ${pending} pending entries${behind ? " and unread ones" : ""}` });
  }
  for (const name of ["entries", "results", "tasks", "deadLetters"] as const) {
    const added = facts.added[name] ?? 0;
    const present = facts[name].length + (name === "results" ? facts.executions.length : 0);
    if (added !== present) found.push({ text: `of ${added} ${name} added, ${present} are in the stream` });
  }
  for (const { id, fields } of facts.deadLetters.filter((letter) => !isLostEntry(letter))) {
    const { stream, entry_id, reason, error } = fields;
    found.push({ text: `dead letter ${id}: entry ${entry_id} of ${stream}, ${reason}: ${error}` });
  }
  for (const event of facts.criticalEvents) found.push({ text: `CRITICAL event of ${event}` });
  // The observer also sees a publication that no replica has yet, and that a fail-over takes back.
  const mayGoBack = facts.setting !== "plain";
  let current = 0;
  for (const { at, version } of facts.observations) {
    const seen = revisionOf.get(version) ?? -1;
    if (seen < current && !mayGoBack)
      found.push({ text: `reference went from revision ${current} to ${seen} (${version}) at ${at}` });
    current = seen;
  }
  return found;
}
