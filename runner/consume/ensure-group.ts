import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { ensureGroup } from "../../shared/io/streams/groups.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { EventLog } from "../telemetry/event-log.ts";

export interface EnsureGroupDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly events: EventLog;
}

/** The group is gone, and a person has to say where to go on. */
export class GroupLostError extends Error {
  override readonly name = "GroupLostError";
  /** What that person can do. */
  readonly hint: string;

  constructor({ stream, group }: Pick<Binding, "stream" | "group">, keys: Keys) {
    super(
      `group ${keys.group(group)} of ${stream} has gone while the stream is still there, so nothing is read from it`,
    );
    this.hint = `choose where to go on: npm run cli -- groups create ${group} --stream ${stream} --from 0 (everything that is there, again), $ (only what comes) or an entry id`;
  }
}

const CHECK_EVERY_MS = 2_000;

/** Makes the binding's group if it is new. @throws GroupLostError when it is gone, after an event that says so */
export async function requireGroup(binding: Binding, deps: EnsureGroupDeps): Promise<void> {
  if (await isGroupLost(binding, deps)) throw reportLost(binding, deps);
}

/** Resolves when the binding's group is there: made now if it is new, or by a person if it is gone; or when `stopping` aborts. */
export async function untilGroupExists(
  binding: Binding,
  deps: EnsureGroupDeps,
  { stopping, onWait }: { readonly stopping: AbortSignal; readonly onWait: () => void },
): Promise<void> {
  let isReported = false;
  while (!stopping.aborted && (await isGroupLost(binding, deps))) {
    if (!isReported) reportLost(binding, deps);
    isReported = true;
    onWait();
    await pause(CHECK_EVERY_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

async function isGroupLost(
  { stream, group, functionName: source }: Binding,
  { redis, keys, events }: EnsureGroupDeps,
): Promise<boolean> {
  const found = await ensureGroup(redis, keys, stream, group);
  const name = keys.group(group);
  if (found.state === "created_at_end") {
    const isReports = group === "outcome_collector";
    const past = `; to work on them: npm run cli -- groups create ${group} --stream ${stream} --from 0`;
    events.publish({
      level: isReports || keys.suffix !== "" ? "INFO" : "WARNING",
      source,
      message: `group ${name} is new and starts at the end of ${stream}; the ${found.skipped} entries there are not worked on${isReports ? past : ""}`,
      details: { stream, group: name, skipped: found.skipped },
    });
  }
  return found.state === "lost";
}

function reportLost(binding: Binding, { events, keys }: EnsureGroupDeps): GroupLostError {
  const { stream, group, functionName: source } = binding;
  const lost = new GroupLostError(binding, keys);
  events.publish({
    level: "CRITICAL",
    source,
    message: `group ${keys.group(group)} of ${stream} has gone while the stream is still there; nothing is read until you ${lost.hint}`,
    details: { stream, group: keys.group(group) },
    actionNeeded: true,
  });
  return lost;
}
