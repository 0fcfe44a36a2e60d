import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import { leaveGroup } from "../../shared/io/streams/consumers.ts";
import { fencedReadsOn } from "../../shared/io/streams/fenced-reads.ts";
import { inFlightHeartbeatOn } from "../../shared/io/streams/in-flight-heartbeats.ts";
import { streamGroupOn, type StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding, TimeLimits } from "../engine/binding.ts";
import type { CommitSlot } from "../engine/commit-order.ts";
import {
  processBatch,
  type ProcessDeps,
  type ProcessedEntry,
  type ProcessOptions,
} from "../engine/process-batch.ts";
import { DeposedError, UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Holding } from "../holding/holdings.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { concurrentTasks } from "./concurrent-tasks.ts";
import { openInFlightEntries, type InFlightEntries } from "./in-flight-entries.ts";
import { inFlightStarts, type InFlightStarts } from "./in-flight-starts.ts";
import { isFinished, watchLostEntries } from "./lost-entries.ts";
import { orderedBatches } from "./ordered-batches.ts";
import type { ProcessingPolicy } from "./processing-policy.ts";

/**
 * One consumer in one group, from its first read until it leaves: what the poll loop, a drain and an on-demand reclaim share. Of
 * each entry it knows whether it is in flight, and it counts what it has done.
 */
export interface ConsumerSession {
  readonly binding: Binding;
  readonly deps: SessionDeps;
  readonly group: StreamGroup;
  readonly inFlight: InFlightEntries;
  readonly policy: ProcessingPolicy;
  /** `waiting`: entries left pending because they wait for something else. */
  readonly counts: { read: number; reclaimed: number; committed: number; waiting: number };
  /** Its name in the group. */
  readonly consumer: string;
  /** Under which it reads, commits and begins; undefined while another runner holds the group, and where none has to. */
  readonly holding: () => Holding | undefined;
  /** Sets it; `ending`: what is unavailable from then on is not waited for. */
  readonly hold: (holding: Holding | undefined, ending?: AbortSignal) => void;
  /** New entries, over a connection; a `blocking` one is the caller's own. @throws DeposedError */
  readonly reads: (connection: { readonly redis: Redis; readonly blocking: boolean }) => Read;
  /** To be called with each delivery at once, before anything else. */
  readonly onDelivered: (entries: readonly Entry[]) => void;
  /** To be called with entries that were delivered and are left: they are taken over at the beginning of the next holding. */
  readonly drop: (entries: readonly Entry[]) => Promise<void>;
  /** To be called with entries that this consumer was given and will not process: their group may have dropped them. */
  readonly watchForLoss: (entries: readonly Entry[]) => void;
  readonly starts: InFlightStarts;
  /** Starts the work on a batch that is in flight; resolves when there is room for the next one. */
  start(batch: readonly Entry[], slot?: CommitSlot): Promise<void>;
  /** Processes entries to their end. @throws what stopped it */
  process(entries: readonly Entry[], options: ProcessOptions, as?: Binding): Promise<void>;
  /** Leaves the group, once nothing is in flight; with `release`, other consumers may claim at once what stays pending. */
  leave(options?: { readonly release: boolean }): Promise<void>;
}

/** Reads new entries, see {@link ConsumerSession.reads}. */
export type Read = (options: { readonly countMax: number; readonly blockMs: number }) => Promise<Entry[]>;

export interface SessionDeps extends ProcessDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly claimIdleMs: number;
  readonly deliveriesMax: number;
  readonly batchCountMax: number;
}

export interface SessionOptions {
  /** Name in the group, of this session alone. */
  readonly consumer: string;
  /** Set for a session on demand, beside which an older version may answer other calls: it leaves no trace between them. */
  readonly onDemand?: true;
  /** Where batches are concurrent: those started at a time. Default: as many as fit in flight. */
  readonly batchesMax?: number;
  /** When side effects are no longer started, and when they end; default: with everything else. */
  readonly limits?: TimeLimits;
  /** Source of the events about it; default: the function. */
  readonly source?: string;
  /** Set for a loop, which reads only at times. */
  readonly isWaiting?: true;
}

/** Batches that keep their order and are in flight at a time. */
const ORDERED_IN_FLIGHT_MAX = 2;

export function openSession(
  shared: Binding,
  deps: SessionDeps,
  { consumer, onDemand, batchesMax, limits = deps, source = shared.functionName, isWaiting }: SessionOptions,
): ConsumerSession {
  const { redis, keys, events, abort, claimIdleMs } = deps;
  let holding: Holding | undefined;
  let processDeps: ProcessDeps = deps;
  const token = (): string | undefined => holding?.token;
  const onBegun = (): void => holding?.progressed();
  const binding = shared.asConsumer?.(consumer, { ...limits, token, onBegun }) ?? shared;
  const { stream, concurrent, inFlightMax = ORDERED_IN_FLIGHT_MAX } = binding;
  const member = { stream, group: binding.group, consumer };
  const group = streamGroupOn(redis, keys, member);
  const heartbeat = inFlightHeartbeatOn(redis, keys, member);
  const reporter = failureReporter(events, {
    source,
    what: `the heartbeat of entries of ${stream} in flight cannot be given`,
  });
  const inFlight = openInFlightEntries({
    group,
    heartbeat,
    claimIdleMs,
    alwaysExtends: onDemand === true,
    isReading: isWaiting !== true,
    onError: reporter.failed,
    onSuccess: reporter.recovered,
  });
  const orderKey = keys.sequence(stream, binding.group, consumer);
  const policy =
    concurrent === undefined
      ? orderedBatches({ group, inFlight, orderKey, inFlightMax })
      : concurrentTasks({
          work: concurrent,
          group,
          inFlight,
          ...(batchesMax === undefined ? {} : { batchesMax }),
        });
  const counts = { read: 0, reclaimed: 0, committed: 0, waiting: 0 };
  const lostEntries = watchLostEntries(binding, deps);
  const starts = inFlightStarts(inFlight);

  async function processEntries(
    entries: readonly Entry[],
    options: ProcessOptions,
    as: Binding = binding,
  ): Promise<void> {
    const { processed, stoppedBy } = await processBatch(as, entries, processDeps, {
      ...options,
      // The result of a task is never refused: it would run again.
      ...(policy.isOrdered ? { holding } : {}),
      onSettled(entry, end) {
        if (end.status === "committed") holding?.progressed();
        // At once: the others of its batch may take long, and only this process knows the entry.
        if (!isFinished(end)) lostEntries.watch([entry], end);
        options.onSettled?.(entry, end);
      },
    });
    counts.committed += processed.filter(({ status }) => status === "committed").length;
    await uncountWaiting(processed, options);
    if (stoppedBy === undefined) return;
    const ended = new Set(processed.map(({ id }) => id));
    lostEntries.watch(entries.filter(({ id }) => !ended.has(id)));
    throw stoppedBy;
  }

  /** At worst, while Redis is unavailable, the delivery stays counted. */
  async function uncountWaiting(
    processed: readonly ProcessedEntry[],
    { deliveries }: ProcessOptions,
  ): Promise<void> {
    const waiting = processed.filter((each) => each.status === "left" && each.uncounted === true);
    if (waiting.length === 0) return;
    counts.waiting += waiting.length;
    const before = waiting.map(({ id }) => ({ id, deliveries: deliveries - 1 }));
    await group.setDeliveryCounts(before).catch(() => undefined);
  }

  async function processInFlight(batch: readonly Entry[], slot: CommitSlot | undefined): Promise<void> {
    const ids = batch.map(({ id }) => id);
    const end = starts.begin(ids, holding);
    try {
      await processEntries(batch, { deliveries: 1, slot, onSettled: ({ id }) => end([id]) });
    } catch (error) {
      const unsettled = ids.filter((id) => inFlight.ids.has(id));
      const isInterrupted = error instanceof UnavailableError || error instanceof DeposedError;
      if (isInterrupted || abort.aborted) await policy.onUnsettled(unsettled);
      throw error;
    } finally {
      end(ids);
    }
  }

  return {
    binding,
    deps,
    group,
    inFlight,
    policy,
    starts,
    counts,
    consumer,
    holding: () => holding,
    hold(next, ending = deps.stopping) {
      holding = next;
      processDeps = policy.isOrdered && next !== undefined ? { ...deps, stopping: ending } : deps;
    },
    reads({ redis: connection, blocking }) {
      if (holding === undefined) return async (options) => group.read(connection, options);
      const countsAttempts = !policy.countsDeliveries;
      const of = { stream, holding, consumer, countsAttempts, isOwnConnection: blocking };
      const fenced = fencedReadsOn(connection, keys, of);
      return async (options) => {
        const entries = await fenced.read(options);
        if (entries === "deposed") throw new DeposedError();
        return entries;
      };
    },
    async drop(entries) {
      if (entries.length === 0) return;
      const ids = entries.map(({ id }) => id);
      inFlight.remove(ids);
      lostEntries.watch(entries);
      await policy.onUnsettled(ids);
    },
    process: processEntries,
    watchForLoss: (entries) => lostEntries.watch(entries),
    onDelivered(entries) {
      const ids = entries.map(({ id }) => id);
      counts.read += ids.length;
      inFlight.add(ids);
    },
    start: async (batch, slot) => policy.start(async () => processInFlight(batch, slot), slot),
    async leave({ release } = { release: false }) {
      inFlight.close();
      await lostEntries.close();
      // Without Redis they fail, and maintenance removes consumer and heartbeat later.
      await settled(async () => {
        // What is still in flight was read and never begun; what failed by a fault of its own is not among it.
        const unbegun = [...inFlight.ids].map((id) => ({ id, deliveries: 0 }));
        if (release && policy.countsDeliveries) await group.setDeliveryCounts(unbegun);
        if (release) await group.release();
      });
      await settled(async () => heartbeat.end({ left: await leaveGroup(redis, keys, member) }));
    },
  };
}

/** Resolves when it has ended, in whatever way. */
async function settled(act: () => Promise<unknown>): Promise<void> {
  await act().catch(() => undefined);
}

/** A consumer name for a session beside the loops of this process: no two of its calls share one. */
export function uniqueNameFor(consumer: string, what: string): string {
  return `${consumer}:${what}-${randomBytes(4).toString("hex")}`;
}
