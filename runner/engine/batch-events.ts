import type { CommitOutcome } from "../../shared/commit.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import type { Binding } from "./binding.ts";

/** Events about the entries of a group: the binding they belong to. */
type Source = Pick<Binding, "stream" | "functionName">;

/** Usual after a reclaim or a repeated commit; if the group was removed meanwhile, this is the trace of it. */
export function reportFenced(
  { stream, functionName }: Source,
  outcomes: readonly CommitOutcome[],
  events: EventLog,
): void {
  const fenced = outcomes.filter((outcome) => outcome === "fenced").length;
  if (fenced === 0) return;
  events.publish({
    level: "INFO",
    source: functionName,
    message: `${fenced} entries of ${stream} were no longer pending when they were to be committed, so nothing was done for them`,
    details: { stream, entries: fenced },
  });
}

/** Reports that an entry failed and stays pending. */
export function reportLeftPending(
  { stream, functionName }: Source,
  id: string,
  { error, deliveries }: { readonly error: string; readonly deliveries: number },
  events: EventLog,
): void {
  // An event about an event that cannot be handled would fail in the same way; its dead letter says so.
  if (stream === "system_events") return;
  events.publish({
    level: "ERROR",
    source: functionName,
    message: `entry ${id} of ${stream} failed: ${error}; it stays pending and is delivered again`,
    details: { stream, entry_id: id, deliveries, error },
  });
}
