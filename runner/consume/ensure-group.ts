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
  readonly stopping: AbortSignal;
  /** Called each time it has been looked in vain. */
  readonly onWait: () => void;
}

const CHECK_EVERY_MS = 2_000;

/** Resolves when the binding's group can be read: made now if it is new, or by a person if it was lost. */
export async function untilGroupExists(
  binding: Binding,
  { redis, keys, events, stopping, onWait }: EnsureGroupDeps,
): Promise<void> {
  const { stream, group, functionName } = binding;
  let said = false;
  while (!stopping.aborted) {
    const found = await ensureGroup(redis, keys, stream, group);
    if (found.state === "created_at_end") {
      events.publish({
        level: "WARNING",
        source: functionName,
        message: `group ${group} is new and starts at the end of ${stream}; the ${found.skipped} entries there are not worked on`,
        details: { stream, group, skipped: found.skipped },
      });
    }
    if (found.state !== "lost") return;
    if (!said) {
      events.publish({
        level: "CRITICAL",
        source: functionName,
        message:
          `group ${group} of ${stream} has gone while the stream is still there; nothing is read until you choose where to go on: ` +
          `npm run cli -- groups create ${group} --stream ${stream} --from 0 (everything that is there, again), $ (only what comes) or an entry id`,
        details: { stream, group },
        actionNeeded: true,
      });
    }
    said = true;
    onWait();
    await pause(CHECK_EVERY_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}
