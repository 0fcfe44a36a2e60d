import { logBinding } from "../../../runner/bindings/log-binding.ts";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { type Binding } from "../../../runner/engine/binding.ts";
import { onDemandDeps } from "../../../runner/engine/on-demand-deps.ts";
import { processBatch } from "../../../runner/engine/process-batch.ts";
import type { Services } from "../../../runner/setup/services.ts";
import type { Entry } from "../../../shared/entry.ts";
import { ensureGroup } from "../../../shared/io/streams/groups.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";
import { signalFields } from "../../builders.ts";
import { ran } from "../../shared/io/log/logged.ts";

/** What a running router does, one step at a time, so that a test can check the state between them. */

/** The fields of a signal sent now, which is dispatched to strategy 10 of the fixture's reference. */
export function freshSignal(changes: Readonly<Record<string, string | undefined>> = {}) {
  return signalFields({ sent_at: new Date().toISOString(), ...changes });
}

/** The fields of a record in `signal_results`: strategy 10 has executed a task. */
export const OUTCOME_FIELDS = {
  kind: "outcome",
  entry_id: "17-0",
  invocation: "live",
  data: JSON.stringify(ran("17-0").record),
};

/** Delivers the waiting entries of a binding's group without processing them. */
export async function deliver(services: Services, binding: Binding): Promise<Entry[]> {
  const { redis, keys, consumer } = services;
  const { stream, group } = binding;
  await ensureGroup(redis, keys, stream, group);
  return streamGroupOn(redis, keys, { stream, group, consumer }).read(redis, { countMax: 1_000, blockMs: 0 });
}

/** Decides every waiting signal. */
export async function decideWaiting(services: Services): Promise<void> {
  await processWaiting(services, signalBinding(services));
}

/** Writes every published record into the log. */
export async function logWaiting(services: Services): Promise<void> {
  await processWaiting(services, logBinding("signal_results", services));
}

async function processWaiting(services: Services, binding: Binding): Promise<void> {
  const entries = await deliver(services, binding);
  const options = { deliveries: 1 };
  const { processed } = await processBatch(
    binding,
    entries,
    onDemandDeps(services, { msMax: 10_000 }),
    options,
  );
  const left = processed.find(({ status }) => status === "left");
  if (left !== undefined || processed.length < entries.length) throw new Error(JSON.stringify(processed));
}
