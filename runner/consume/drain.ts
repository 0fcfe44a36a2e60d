import { noteScheduledHeartbeat, SCHEDULED } from "../../shared/io/streams/consumer-heartbeats.ts";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../engine/shadow-refused.ts";
import type { Services } from "../setup/services.ts";
import { finishMsOf, NOT_IN_TIME, timeLimitsOf, type Budget } from "./budget.ts";
import { consume } from "./consume.ts";
import { openSession, uniqueNameFor } from "./consumer-session.ts";
import { unavailableDependency } from "./dependencies-ready.ts";
import { GroupLostError, requireGroup } from "./ensure-group.ts";
import { readUntilEmpty } from "./reader.ts";

export interface DrainOptions {
  readonly budget: Budget;
  /** Entries read at most. */
  readonly countMax?: number | undefined;
}

/** What one drain did to a stream. */
export interface Drained {
  readonly stream: StreamName;
  readonly read: number;
  readonly committed: number;
  /** Read and not committed: pending, to be reclaimed after CLAIM_IDLE_MS. */
  readonly left: number;
  /** True when nothing was left waiting. */
  readonly empty: boolean;
  /** Why it ended before the stream was empty and the budget used. */
  readonly unavailable?: string;
}

/** Batches of concurrent work at a time: one more is read while one is processed. */
const CONCURRENT_BATCHES_MAX = 2;

/**
 * Works on what waits in the binding's group, batch after batch, until it is empty or the budget is used. Each call is a
 * consumer of its own, with a commit order of its own. @throws GroupLostError, ShadowRefused
 */
export async function drain(
  binding: Binding,
  services: Services,
  { budget, countMax = Infinity }: DrainOptions,
): Promise<Drained> {
  const { redis, keys, clock, config } = services;
  const { stream, group } = binding;
  if (config.shadow && binding.functionName === "execute-strategies") throw new ShadowRefused(RUNS_NO_TASKS);
  await requireGroup(binding, services);
  const missing = await unavailableDependency(binding, services);
  if (missing !== undefined) {
    return { stream, read: 0, committed: 0, left: 0, empty: false, unavailable: missing.message };
  }
  const deps = onDemandDeps(services, { msMax: budget.leftMs() + finishMsOf([binding]) });
  const session = openSession(
    binding,
    { ...services, ...config, ...deps },
    {
      consumer: uniqueNameFor(services.consumer, "poll"),
      onDemand: true,
      batchesMax: CONCURRENT_BATCHES_MAX,
      ...(binding.asConsumer === undefined ? {} : { limits: timeLimitsOf(budget, binding) }),
    },
  );
  const source = readUntilEmpty(session, { budget, batchCountMax: config.batchCountMax, countMax });
  let unavailable: string | undefined;
  try {
    await noteScheduledHeartbeat(redis, keys, { stream, group, at: await clock.check() });
    if (binding.functionName === "execute-strategies") await reportStrategies(services);
    await consume(session, source);
  } catch (error) {
    if (error instanceof GroupMissingError) throw new GroupLostError(binding, keys);
    if (error instanceof UnavailableError) unavailable = error.message;
    else if (deps.abort.aborted) unavailable = NOT_IN_TIME;
    else throw error;
  } finally {
    await session.leave();
  }
  const { read, committed } = session.counts;
  const drained = { stream, read, committed, left: read - committed, empty: source.isEmpty() };
  return unavailable === undefined ? drained : { ...drained, unavailable };
}

/** Only for health: tasks do not wait for it to succeed. */
async function reportStrategies({ strategyCheck, logger }: Services): Promise<void> {
  await strategyCheck.report(SCHEDULED).catch((error: unknown) => {
    logger.warn({ err: error }, "health cannot be told which strategies this process cannot run");
  });
}
