import { logBinding } from "../../../runner/bindings/log-binding.ts";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { type Binding } from "../../../runner/engine/binding.ts";
import { onDemandDeps } from "../../../runner/engine/on-demand-deps.ts";
import { processBatch } from "../../../runner/engine/process-batch.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { ensureGroup } from "../../../shared/io/streams/groups.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";

/** Real routing without a router process: each call reads its group until nothing is left, decides and commits. */

const BATCH_COUNT = 256;

/** Decides everything that `signal_processor` has not been given yet, and gives how many entries that were. */
export async function decideAll(
  services: Services,
  binding: Binding = signalBinding(services),
): Promise<number> {
  return drain(services, binding);
}

/** Writes everything in `signal_results` to the log. */
export async function logAll(services: Services): Promise<number> {
  return drain(services, logBinding("signal_results", services));
}

/** Decides and logs everything there is. */
export async function routeAll(services: Services): Promise<void> {
  await services.clock.sample();
  await decideAll(services);
  await logAll(services);
}

/** Puts the group after everything that is there, as if it had been decided. */
export async function skipAll({ redis, keys }: Pick<Services, "redis" | "keys">): Promise<void> {
  await ensureGroup(redis, keys, "signals_stream", "signal_processor");
  await redis.xgroup("SETID", keys.stream("signals_stream"), "signal_processor", "$");
}

async function drain(services: Services, binding: Binding): Promise<number> {
  const { redis, keys, consumer } = services;
  const { stream, group } = binding;
  await ensureGroup(redis, keys, stream, group);
  const reader = streamGroupOn(redis, keys, { stream, group, consumer });
  let count = 0;
  for (;;) {
    const entries = await reader.read(redis, { countMax: BATCH_COUNT, blockMs: 0 });
    if (entries.length === 0) return count;
    const deps = onDemandDeps(services, { msMax: 30_000 });
    await processBatch(binding, entries, deps, { deliveries: 1 });
    count += entries.length;
  }
}
