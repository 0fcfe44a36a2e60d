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

/** Steps of what a running router does, one at a time, so that a test can look in between. */

/** The fields of a signal that strategy 10 of the fixture's reference is given now. */
export function freshSignal(changes: Readonly<Record<string, string | undefined>> = {}) {
  return signalFields({ sent_at: new Date().toISOString(), ...changes });
}

/** Delivers what waits for the group of a binding, without working on it. */
export async function deliver(services: Services, binding: Binding): Promise<Entry[]> {
  const { redis, keys, consumer } = services;
  const { stream, group } = binding;
  await ensureGroup(redis, keys, stream, group);
  return streamGroupOn(redis, keys, { stream, group, consumer }).read(redis, { countMax: 1_000, blockMs: 0 });
}

/** Decides every signal that waits. */
export async function decideWaiting(services: Services): Promise<void> {
  await workOnWaiting(services, signalBinding(services));
}

/** Writes every published record into the log. */
export async function logWaiting(services: Services): Promise<void> {
  await workOnWaiting(services, logBinding("signal_results", services.log));
}

async function workOnWaiting(services: Services, binding: Binding): Promise<void> {
  const entries = await deliver(services, binding);
  const options = { deliveries: 1 };
  const processed = await processBatch(binding, entries, onDemandDeps(services, { msMax: 10_000 }), options);
  const left = processed.find(({ status }) => status === "left");
  if (left !== undefined || processed.length < entries.length) throw new Error(JSON.stringify(processed));
}
