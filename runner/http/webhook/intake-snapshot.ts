import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import type { RoutingContextCache } from "../../bindings/routing-context.ts";
import { singleFlight } from "../../engine/single-flight.ts";
import { within } from "../../engine/time-limit.ts";

/**
 * The current snapshot for the alerts of webhooks. Redis is asked which one is current at most every 50 ms, however many alerts come;
 * while it does not answer, the one known before counts.
 */
export function intakeSnapshots(routing: Pick<RoutingContextCache, "latest">): IntakeSnapshots {
  let known: Snapshot | undefined;
  const check = singleFlight(
    async (): Promise<Snapshot | undefined> => {
      const context = await routing.latest();
      if (!("status" in context)) known = context.snapshot;
      else if (context.what === "snapshot") known = undefined;
      return known;
    },
    { keptMs: CHECKED_EVERY_MS },
  );
  return {
    current: async ({ msMax }) => within(Math.max(1, msMax), check(), () => known),
    soon: async (asked) => (known === undefined ? asked : within(SOON_MS_MAX, check(), () => known)),
  };
}

export interface IntakeSnapshots {
  /** Undefined when there is none. Never rejects, and takes `msMax` at most. */
  current(limits: { readonly msMax: number }): Promise<Snapshot | undefined>;
  /**
   * The same for an alert that is added already: its sender does not wait until a Redis that is busy with commits answers, unless none
   * is known. `asked`: what `current` gave before it was added.
   */
  soon(asked: Promise<Snapshot | undefined>): Promise<Snapshot | undefined>;
}

const CHECKED_EVERY_MS = 50;
const SOON_MS_MAX = 100;
