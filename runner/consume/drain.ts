import { randomBytes } from "node:crypto";
import type { Entry } from "../../shared/entry.ts";
import { noteScheduledHeartbeat } from "../../shared/io/streams/consumer-heartbeats.ts";
import { leaveGroup } from "../../shared/io/streams/consumers.ts";
import { GroupMissingError, streamGroupOn, type StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { openCommitOrder, type CommitSlot } from "../engine/commit-order.ts";
import { countingCommit } from "../engine/counting-commit.ts";
import { onDemandDeps } from "../engine/on-demand-deps.ts";
import { processBatch, type ProcessDeps } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { finishMsOf, NOT_IN_TIME, timeLimitsOf, type Budget } from "./budget.ts";
import { unavailableDependency } from "./dependencies-ready.ts";
import { untilGroupExists } from "./ensure-group.ts";
import { openInFlightEntries, type InFlightEntries } from "./in-flight-entries.ts";

export interface DrainOptions {
  readonly budget: Budget;
  /** Entries read at most. */
  readonly countMax?: number;
}

/** What one drain did to a stream. */
export interface Drained {
  readonly stream: StreamName;
  readonly read: number;
  readonly committed: number;
  /** Read and not committed: pending, to be taken over after CLAIM_IDLE_MS. */
  readonly left: number;
  /** True when nothing was waiting any more. */
  readonly empty: boolean;
  /** Why it ended before the stream was empty and the budget used. */
  readonly unavailable?: string;
}

/** The group has gone, and where to go on is for a person to say. */
export class GroupLostError extends Error {
  override readonly name = "GroupLostError";
  /** What that person can do. */
  readonly hint: string;

  constructor({ stream, group }: Pick<Binding, "stream" | "group">) {
    super(`group ${group} of ${stream} has gone while the stream is still there, so nothing is read from it`);
    this.hint = `choose where to go on: npm run cli -- groups create ${group} --stream ${stream} --from 0 (everything that is there, again), $ (only what comes) or an entry id`;
  }
}

/**
 * Works on what waits in the binding's group, batch after batch, until it is empty or the budget is used. Each call is a
 * consumer of its own, which leaves the group at the end. @throws GroupLostError
 */
export async function drain(binding: Binding, services: Services, options: DrainOptions): Promise<Drained> {
  const { redis, keys, events, config, logger } = services;
  const { stream, functionName: source } = binding;
  await groupOrLost(binding, services);
  const away = await unavailableDependency(binding, services);
  if (away !== undefined) {
    return { stream, read: 0, committed: 0, left: 0, empty: false, unavailable: away.message };
  }
  const consumer = `${services.consumer}:poll-${randomBytes(4).toString("hex")}`;
  const group = streamGroupOn(redis, keys, { stream, group: binding.group, consumer });
  const fresh = failureReporter(events, { source, what: `entries of ${stream} cannot be kept fresh` });
  const inFlight = openInFlightEntries(group, {
    claimIdleMs: config.claimIdleMs,
    onError: fresh.failed,
    onSuccess: fresh.recovered,
  });
  try {
    const turn = { stream, group: binding.group, at: services.clock.now() };
    await noteScheduledHeartbeat(redis, keys, turn);
    const held = binding.asConsumer?.(consumer, timeLimitsOf(options.budget, binding)) ?? binding;
    return await drainGroup({ binding: held, group, inFlight, services }, options);
  } catch (error) {
    throw error instanceof GroupMissingError ? new GroupLostError(binding) : error;
  } finally {
    inFlight.stop();
    await leaveGroup(redis, keys, { stream, group: binding.group, consumer }).catch((error: unknown) => {
      logger.debug({ err: error, consumer }, "a consumer could not leave its group; it is removed later");
    });
  }
}

/** Looks once; where a poll loop would wait for a person, this does not. */
async function groupOrLost(binding: Binding, { redis, keys, events }: Services): Promise<void> {
  const lost = new AbortController();
  const onWait = (): void => lost.abort();
  await untilGroupExists(binding, { redis, keys, events, stopping: lost.signal, onWait });
  if (lost.signal.aborted) throw new GroupLostError(binding);
}

interface Draining {
  readonly binding: Binding;
  readonly group: StreamGroup;
  readonly inFlight: InFlightEntries;
  readonly services: Services;
}

/** Reads ahead: the next batch is read and decided while the one before is committed. At least one is read, unless the process stops. */
async function drainGroup(
  draining: Draining,
  { budget, countMax = Infinity }: DrainOptions,
): Promise<Drained> {
  const { binding, group, services } = draining;
  const { redis, config } = services;
  const { commit, count } = countingCommit(services.commit);
  const deps = onDemandDeps({ ...services, commit }, { msMax: budget.leftMs() + finishMsOf([binding]) });
  const failures: unknown[] = [];
  let read = 0;
  let empty = false;
  const sequence = openCommitOrder(services.keys.sequence(binding.stream, binding.group, services.consumer));
  let working: Promise<unknown> = Promise.resolve();
  try {
    do {
      if (budget.stopping?.aborted === true) break;
      const room = Math.min(config.batchCountMax, countMax - read);
      // Before the read, so that it knows of a batch that is given up meanwhile.
      const slot = sequence.nextSlot();
      const batch = await group.read(redis, { countMax: room, blockMs: 0 });
      empty = batch.length === 0;
      if (empty) break;
      read += batch.length;
      const before = working;
      working = workOn(batch, slot, draining, deps).then(
        () => slot.end({ givenUp: false }),
        (error: unknown) => {
          failures.push(error);
          slot.end({ givenUp: true });
        },
      );
      await before;
    } while (failures.length === 0 && budget.leftMs() > 0 && read < countMax);
  } finally {
    await working;
  }
  const unavailable = failures.map((failure) => whyNotNow(failure, deps)).at(0);
  const drained = { stream: binding.stream, read, committed: count(), left: read - count(), empty };
  return unavailable === undefined ? drained : { ...drained, unavailable };
}

/** What could not be worked on counts as never delivered. */
async function workOn(
  batch: readonly Entry[],
  slot: CommitSlot,
  { binding, group, inFlight }: Draining,
  deps: ProcessDeps,
): Promise<void> {
  const ids = batch.map(({ id }) => id);
  inFlight.add(ids);
  try {
    await binding.concurrent?.markDelivered(ids);
    // Tasks keep their order by themselves, and one that takes long holds up nobody's acknowledgement.
    const { concurrent } = binding;
    await processBatch(binding, batch, deps, {
      deliveries: 1,
      ...(concurrent === undefined ? { slot } : {}),
    });
  } catch (error) {
    // If Redis is away as well, this was one of the entry's DELIVERIES_MAX.
    if (binding.concurrent === undefined)
      await Promise.allSettled(ids.map(async (id) => group.restoreDeliveryCount(id, 0)));
    throw error;
  } finally {
    inFlight.remove(ids);
  }
}

function whyNotNow(failure: unknown, { abort }: Pick<ProcessDeps, "abort">): string {
  if (failure instanceof UnavailableError) return failure.message;
  if (abort.aborted) return NOT_IN_TIME;
  throw failure;
}
