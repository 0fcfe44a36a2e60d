import { randomBytes } from "node:crypto";
import type { Entry } from "../../shared/entry.ts";
import { noteScheduledTurn } from "../../shared/io/streams/consumer-heartbeats.ts";
import { leaveGroup } from "../../shared/io/streams/consumers.ts";
import { GroupMissingError, streamGroupOn, type StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { StreamName } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { openCommitSequence, type CommitPlace } from "../engine/commit-order.ts";
import { countingCommit } from "../engine/counting-commit.ts";
import { byHand } from "../engine/on-demand-deps.ts";
import { work, type WorkDeps } from "../engine/process-batch.ts";
import { NotNow } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { troubleOf } from "../telemetry/failure-reporter.ts";
import { finishMsOf, NOT_IN_TIME, timesOf, type Budget } from "./budget.ts";
import { whatIsAway } from "./dependencies-ready.ts";
import { groupReady } from "./ensure-group.ts";
import { openHand, type Hand } from "./in-flight-entries.ts";

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
  const away = await whatIsAway(binding, services);
  if (away !== undefined) {
    return { stream, read: 0, committed: 0, left: 0, empty: false, unavailable: away.message };
  }
  const consumer = `${services.consumer}:poll-${randomBytes(4).toString("hex")}`;
  const group = streamGroupOn(redis, keys, { stream, group: binding.group, consumer });
  const fresh = troubleOf(events, { source, what: `entries of ${stream} cannot be kept fresh` });
  const hand = openHand(group, {
    claimIdleMs: config.claimIdleMs,
    onError: fresh.failed,
    onSuccess: fresh.over,
  });
  try {
    const turn = { stream, group: binding.group, at: services.clock.now() };
    await noteScheduledTurn(redis, keys, turn);
    const held = binding.heldBy?.(consumer, timesOf(options.budget, binding)) ?? binding;
    return await drainGroup({ binding: held, group, hand, services }, options);
  } catch (error) {
    throw error instanceof GroupMissingError ? new GroupLostError(binding) : error;
  } finally {
    hand.stop();
    await leaveGroup(redis, keys, { stream, group: binding.group, consumer }).catch((error: unknown) => {
      logger.debug({ err: error, consumer }, "a consumer could not leave its group; it is removed later");
    });
  }
}

/** Looks once; where a poll loop would wait for a person, this does not. */
async function groupOrLost(binding: Binding, { redis, keys, events }: Services): Promise<void> {
  const lost = new AbortController();
  const onWait = (): void => lost.abort();
  await groupReady(binding, { redis, keys, events, stopping: lost.signal, onWait });
  if (lost.signal.aborted) throw new GroupLostError(binding);
}

interface Draining {
  readonly binding: Binding;
  readonly group: StreamGroup;
  readonly hand: Hand;
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
  const deps = byHand({ ...services, commit }, { msMax: budget.leftMs() + finishMsOf([binding]) });
  const failures: unknown[] = [];
  let read = 0;
  let empty = false;
  const sequence = openCommitSequence(
    services.keys.sequence(binding.stream, binding.group, services.consumer),
  );
  let working: Promise<unknown> = Promise.resolve();
  try {
    do {
      if (budget.stopping?.aborted === true) break;
      const room = Math.min(config.batchCountMax, countMax - read);
      // Before the read, so that it knows of a batch that is given up meanwhile.
      const place = sequence.next();
      const batch = await group.read(redis, { countMax: room, blockMs: 0 });
      empty = batch.length === 0;
      if (empty) break;
      read += batch.length;
      const before = working;
      working = workOn(batch, place, draining, deps).then(
        () => place.end({ givenUp: false }),
        (error: unknown) => {
          failures.push(error);
          place.end({ givenUp: true });
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
  place: CommitPlace,
  { binding, group, hand }: Draining,
  deps: WorkDeps,
): Promise<void> {
  const ids = batch.map(({ id }) => id);
  hand.add(ids);
  try {
    await binding.overlapping?.delivered(ids);
    // Tasks keep their order by themselves, and one that takes long holds up nobody's acknowledgement.
    const { overlapping } = binding;
    await work(binding, batch, deps, {
      deliveries: 1,
      ...(overlapping === undefined ? { place } : {}),
    });
  } catch (error) {
    // If Redis is away as well, this was one of the entry's DELIVERIES_MAX.
    if (binding.overlapping === undefined)
      await Promise.allSettled(ids.map(async (id) => group.uncount(id, 0)));
    throw error;
  } finally {
    hand.remove(ids);
  }
}

function whyNotNow(failure: unknown, { abort }: Pick<WorkDeps, "abort">): string {
  if (failure instanceof NotNow) return failure.message;
  if (abort.aborted) return NOT_IN_TIME;
  throw failure;
}
