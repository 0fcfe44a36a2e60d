import { noteScheduledHeartbeat, SCHEDULED } from "../../shared/io/streams/consumer-heartbeats.ts";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { DeposedError, UnavailableError } from "../engine/retry-until-stopped.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../engine/shadow-refused.ts";
import type { Holding } from "../holding/holdings.ts";
import type { Services } from "../setup/services.ts";
import { finishMsOf, NOT_IN_TIME, timeLimitsOf, type Budget } from "./budget.ts";
import { consume } from "./consume.ts";
import { openSession, uniqueNameFor, type ConsumerSession } from "./consumer-session.ts";
import { unavailableDependency } from "./dependencies-ready.ts";
import { GroupLostError, requireGroup } from "./ensure-group.ts";
import { holdForCall } from "./hold-for-call.ts";
import { readUntilEmpty } from "./reader.ts";
import { takeOver } from "./take-over.ts";

export interface DrainOptions {
  readonly budget: Budget;
  /** Entries read at most. */
  readonly countMax?: number | undefined;
}

/** What one drain did to a stream. */
export interface Drained {
  /** Set when another runner holds the group, so that nothing was done. */
  readonly held_by?: string;
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

/** How soon a task is started once the one before it has ended at another consumer. */
const FREE_LANES_EVERY_MS = 500;
/** Batches of concurrent work at a time: one more is read while one is processed. */
const CONCURRENT_BATCHES_MAX = 2;

/**
 * Works on what waits in the binding's group, batch after batch, until it is empty or the budget is used; a group whose entries keep
 * their order is held for so long. Each call is a consumer of its own, with a commit order of its own. @throws GroupLostError, ShadowRefused
 */
export async function drain(binding: Binding, services: Services, options: DrainOptions): Promise<Drained> {
  const { config } = services;
  const { stream } = binding;
  if (config.shadow && binding.functionName === "execute-strategies") throw new ShadowRefused(RUNS_NO_TASKS);
  await requireGroup(binding, services);
  const missing = await unavailableDependency(binding, services);
  if (missing !== undefined) {
    return { stream, read: 0, committed: 0, left: 0, empty: false, unavailable: missing.message };
  }
  const drained = await holdForCall(binding, services, {
    budget: options.budget,
    act: async (holding) => drainHeld(binding, services, { ...options, holding }),
  });
  return "held_by" in drained
    ? { stream, read: 0, committed: 0, left: 0, empty: false, held_by: drained.held_by }
    : drained;
}

async function drainHeld(
  binding: Binding,
  services: Services,
  { budget, countMax = Infinity, holding }: DrainOptions & { readonly holding: Holding | undefined },
): Promise<Drained> {
  const { redis, keys, clock, config } = services;
  const { stream, group } = binding;
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
  session.hold(holding);
  const source = readUntilEmpty(session, { budget, batchCountMax: config.batchCountMax, countMax });
  let unavailable: string | undefined;
  const freeing = setInterval(() => {
    // What fails is done again in a moment.
    session.policy.freeLanes().catch(() => undefined);
  }, FREE_LANES_EVERY_MS);
  try {
    await noteScheduledHeartbeat(redis, keys, { stream, group, at: await clock.check() });
    if (binding.functionName === "execute-strategies") await reportStrategies(services);
    if (await hasTakenOver(session, { budget })) await consume(session, source);
    else await session.policy.running.ended();
    session.policy.running.throwFailure();
  } catch (error) {
    if (error instanceof GroupMissingError) throw new GroupLostError(binding, keys);
    if (error instanceof UnavailableError) unavailable = error.message;
    else if (error instanceof DeposedError) unavailable = error.message;
    else if (deps.abort.aborted) unavailable = NOT_IN_TIME;
    else throw error;
  } finally {
    clearInterval(freeing);
    await session.leave();
  }
  const { committed, reclaimed } = session.counts;
  const read = session.counts.read + reclaimed;
  const drained = { stream, read, committed, left: read - committed, empty: source.isEmpty() };
  return unavailable === undefined ? drained : { ...drained, unavailable };
}

/** What a former holder has left comes first; false when there was no time for all of it. */
export async function hasTakenOver(
  session: ConsumerSession,
  { budget }: { readonly budget: Budget },
): Promise<boolean> {
  const holding = session.holding();
  if (holding === undefined) return true;
  if (budget.stopping?.aborted === true) return false;
  await session.deps.clock.sample();
  session.binding.invalidate();
  // One step in any case, or a call with a small budget would never get on.
  let steps = 0;
  const mayGoOn = (): boolean => steps === 0 || budget.leftMs() > 0;
  return takeOver(session, holding, { mayGoOn, onStep: () => (steps += 1) });
}

/** Only for health: tasks do not wait for it to succeed. */
async function reportStrategies({ strategyCheck, logger }: Services): Promise<void> {
  await strategyCheck.report(SCHEDULED).catch((error: unknown) => {
    logger.warn({ err: error }, "health cannot be told which strategies this process cannot run");
  });
}
