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
    isKnown: () => known !== undefined,
  };
}

export interface IntakeSnapshots {
  /** Undefined when there is none. Never rejects, and takes `msMax` at most. */
  current(limits: { readonly msMax: number }): Promise<Snapshot | undefined>;
  /** Whether there is one already, which counts when `current` is not answered in time. */
  isKnown(): boolean;
}

const CHECKED_EVERY_MS = 50;
