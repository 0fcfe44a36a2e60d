import type { GroupLease } from "../../shared/group-lease.ts";
import type { OrderedGroup } from "../../shared/keys.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import type { LossReason } from "./held-group.ts";

/** What people are told about who reads a group. */
export interface HoldingEvents {
  taken(group: OrderedGroup): void;
  /** Taken from a router that has not renewed its lease. `now` is Redis' clock. */
  reclaimed(group: OrderedGroup, options: { readonly from: GroupLease; readonly now: number }): void;
  released(group: OrderedGroup): void;
  lost(group: OrderedGroup, why: LossReason): void;
  /** Another router holds the group and this one waits for it; said once for each holding. */
  standby(group: OrderedGroup, lease: GroupLease): void;
}

export const HOLDING_SOURCE = "holding";
const REPEAT_MS = 60_000;

export function holdingEventsOn(
  events: EventLog,
  { consumer, leaseMs }: { readonly consumer: string; readonly leaseMs: number },
): HoldingEvents {
  const standbyOf = new Map<OrderedGroup, string>();
  const gaveUpAt = new Map<OrderedGroup, number>();
  /** While a group is given up and taken again and again, that is said once a minute. */
  let isRepeated = false;
  const publish = (level: "INFO" | "WARNING", message: string, details: object): void =>
    events.publish({ level, source: HOLDING_SOURCE, message, details: { consumer, ...details } });
  return {
    taken(group) {
      if (isRepeated) return;
      publish("INFO", `this router holds ${group}: it alone reads that group`, { group });
    },
    reclaimed(group, { from, now }) {
      const silentMs = Math.max(0, now - from.until + from.validMs);
      const message =
        `this router holds ${group} now: ${from.runner} has not renewed its lease for ${seconds(silentMs)}, ` +
        `so it was killed, stands still or cannot reach Redis. What it left unfinished is taken over`;
      publish("WARNING", message, { group, from: from.runner, silent_ms: silentMs });
    },
    released(group) {
      publish("INFO", `this router has released ${group}: another router that runs may take it`, { group });
    },
    lost(group, why) {
      if (why === "closed") return;
      if (why === "gave_up") {
        isRepeated = performance.now() - (gaveUpAt.get(group) ?? -Infinity) < REPEAT_MS;
        if (isRepeated) return;
        gaveUpAt.set(group, performance.now());
      }
      const [level, words] = LOSSES[why];
      publish(level, `this router no longer holds ${group}: ${words(leaseMs)}`, { group, why });
    },
    standby(group, { token, runner, since }) {
      if (standbyOf.get(group) === token) return;
      standbyOf.set(group, token);
      const message = `${runner} holds ${group}; this router is its standby and reads it when that one ends`;
      publish("INFO", message, { group, holder: runner, held_since: new Date(since).toISOString() });
    },
  };
}

const LOSSES: Readonly<
  Record<Exclude<LossReason, "closed">, readonly ["INFO" | "WARNING", (leaseMs: number) => string]>
> = {
  other_holder: ["INFO", () => "its lease ran out and another router has taken it, or it was deleted"],
  gave_up: [
    "WARNING",
    (leaseMs) =>
      `entries have waited for ${seconds(2 * leaseMs)} and nothing was committed. Another router may take it; ` +
      `this one tries again in ${seconds(leaseMs)}. Its other messages say what it waits for`,
  ],
  other_server: ["INFO", () => "Redis was restarted or replaced; it is taken anew, and all state read again"],
};

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
