import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import { removeHeartbeat, noteHeartbeat } from "../../shared/io/streams/consumer-heartbeats.ts";
import { leaveGroup } from "../../shared/io/streams/consumers.ts";
import { GroupMissingError, streamGroupOn } from "../../shared/io/streams/stream-group.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import { openCommitOrder } from "../engine/commit-order.ts";
import { processBatch, type ProcessDeps } from "../engine/process-batch.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { openBatches } from "./batches-in-flight.ts";
import { untilGroupExists } from "./ensure-group.ts";
import { openInFlightEntries } from "./in-flight-entries.ts";
import { reserveLanes, releaseReservations } from "./lane-reservations.ts";
import { openReader } from "./reader.ts";
import { reclaimEntries } from "./reclaim-entries.ts";
import { startWatchdog } from "./watchdog.ts";

export interface PollLoopDeps extends Omit<ProcessDeps, "reporter" | "stopping"> {
  /** For everything that answers at once. */
  readonly redis: Redis;
  /** A connection of the loop's own; closed when the loop has ended. */
  readonly blocking: Redis;
  readonly keys: Keys;
  readonly consumer: string;
  readonly batchCountMax: number;
  readonly blockMs: number;
  readonly claimIdleMs: number;
  readonly deliveriesMax: number;
  /** Whether this process takes over what others left unfinished. */
  readonly reclaims: boolean;
  /** Longest time without a sign of life before connections are made anew; default 45 s and three reads. */
  readonly stillMsMax?: number;
}

export interface PollLoop {
  /** Reads no more, finishes and commits what is in hand; with `drain`, also what is in the stream already. */
  stop(options: { drain: boolean }): Promise<void>;
}

const RESTART_MS_MAX = 5_000;
/** Longer than any answer of Redis may take. */
const STILL_MS_MAX = 45_000;
const NOTE_EVERY_MS = 1_000;
const RELEASE_EVERY_MS = 500;

/** Reads one group for ever: each batch goes through its function and the commit while the next one is already read. */
export function startPollLoop(binding: Binding, deps: PollLoopDeps): PollLoop {
  const { redis, blocking, keys, consumer, events, clock, abort, claimIdleMs } = deps;
  const { stream, functionName: source } = binding;
  const group = streamGroupOn(redis, keys, { stream, group: binding.group, consumer });
  const fresh = failureReporter(events, { source, what: `entries of ${stream} cannot be kept fresh` });
  const restarts = failureReporter(events, { source, what: `the loop on ${stream} had to start again` });
  const inFlight = openInFlightEntries(group, {
    claimIdleMs,
    onError: fresh.failed,
    onSuccess: fresh.recovered,
  });
  const reader = openReader({
    group,
    redis,
    blocking,
    countMax: deps.batchCountMax,
    blockMs: deps.blockMs,
    onDelivered(entries) {
      const ids = entries.map((entry) => entry.id);
      inFlight.add(ids);
      // Without it these only look as if they had been begun.
      binding.concurrent?.markDelivered(ids).catch(() => undefined);
    },
  });
  const sequence = openCommitOrder(keys.sequence(stream, binding.group, consumer));
  const batches = openBatches({
    concurrent: binding.concurrent !== undefined,
    inFlight,
    sequence,
    inFlightMax: binding.inFlightMax ?? 2,
  });
  const stopping = new AbortController();
  const watchdog = startWatchdog({
    stillMsMax: deps.stillMsMax ?? STILL_MS_MAX + 3 * deps.blockMs,
    onStill: wakeUp,
  });
  const reporter = failureReporter(events, { source, what: `${source} cannot go on with ${stream}` });
  const workDeps: ProcessDeps = {
    ...deps,
    stopping: stopping.signal,
    // Trying in vain is a sign of life as well.
    reporter: {
      failed: (error) => {
        watchdog.alive();
        reporter.failed(error);
      },
      recovered: () => {
        watchdog.alive();
        reporter.recovered();
      },
    },
  };
  // Work that may end the process comes after that of the other loops, whose entries would seem to have done it.
  let lookedForAbandonedAt = binding.concurrent === undefined ? 0 : Date.now();
  let restartsInARow = 0;
  let notedAt = 0;
  let releasedAt = 0;

  /** New connections: whatever the loop waits for rejects, and is tried again. */
  function wakeUp(stillMs: number): void {
    events.publish({
      level: "ERROR",
      source,
      message: `the loop on ${stream} has not turned for ${Math.round(stillMs / 1000)} s; its connections are made anew`,
      details: { stream, still_ms: stillMs },
    });
    blocking.disconnect(true);
    redis.disconnect(true);
  }

  function noteThisTurn(): void {
    watchdog.alive();
    const at = clock.now();
    if (at - notedAt < NOTE_EVERY_MS) return;
    notedAt = at;
    // Only for people who look: the next turn notes it again.
    noteHeartbeat(redis, keys, { stream, group: binding.group, consumer, at }).catch(() => undefined);
  }

  async function takeOverAbandoned(): Promise<void> {
    const startUnstarted = async (entries: readonly Entry[]): Promise<void> => {
      inFlight.add(entries.map(({ id }) => id));
      await startWork(entries);
    };
    const beside = (begun: Promise<unknown>): void => batches.beside(begun);
    let finished: boolean;
    do {
      finished = await reclaimEntries(binding, {
        ...deps,
        ...workDeps,
        group,
        inFlight,
        startUnstarted,
        beside,
      });
      // Where batches do not overlap it is the turn of new entries again.
    } while (!finished && binding.concurrent !== undefined);
    if (finished) lookedForAbandonedAt = Date.now();
  }

  async function startWork(batch: readonly Entry[]): Promise<void> {
    await batches.start(batch, async (slot) =>
      processBatch(binding, batch, workDeps, {
        deliveries: 1,
        ...(slot === undefined ? {} : { slot }),
        onSettled: (id) => inFlight.remove([id]),
      }),
    );
  }

  async function releaseFinished(): Promise<void> {
    const { concurrent } = binding;
    if (concurrent === undefined || concurrent.reserved.size === 0) return;
    if (Date.now() - releasedAt < RELEASE_EVERY_MS) return;
    releasedAt = Date.now();
    await releaseReservations(concurrent, group);
  }

  function isTimeToTakeOver(): boolean {
    return deps.reclaims && Date.now() - lookedForAbandonedAt >= claimIdleMs / 2;
  }

  /** Works until the reader ends; throws what nobody expected, once the batches in hand are through. */
  async function turn(): Promise<void> {
    await untilGroupExists(binding, {
      redis,
      keys,
      events,
      stopping: stopping.signal,
      onWait: watchdog.alive,
    });
    const { concurrent } = binding;
    // Without taking over, nobody would come to the places.
    if (concurrent !== undefined && deps.reclaims) await reserveLanes(concurrent, group, inFlight);
    try {
      while (!batches.failed()) {
        // Entries of dead consumers are older than what comes next, so they go first.
        if (isTimeToTakeOver()) await batches.aside(takeOverAbandoned);
        await releaseFinished();
        if (batches.full()) {
          noteThisTurn();
          await inFlight.untilFewer(RELEASE_EVERY_MS);
          continue;
        }
        // From here to the start of its work nothing may fail: the batch is in hand.
        const batch = await reader.next();
        if (batch === undefined) break;
        restarts.recovered();
        restartsInARow = 0;
        noteThisTurn();
        // What comes behind a batch given up would go before it; at the end it is handed back.
        if (stopping.signal.aborted && batches.failed()) break;
        if (batch.length > 0) await startWork(batch);
      }
    } finally {
      // Overlapping work may wait for what the next turn takes over.
      if (concurrent === undefined || stopping.signal.aborted) await batches.ended();
    }
    batches.throwFailure();
  }

  async function turnUntilStopped(): Promise<void> {
    for (;;) {
      try {
        await turn();
        return;
      } catch (error) {
        if (abort.aborted) return;
        if (stopping.signal.aborted) {
          // What cannot be worked on now has been spoken of; anything else would go unnoticed.
          if (!(error instanceof UnavailableError)) restarts.failed(error);
          return;
        }
        watchdog.alive();
        // A group that has gone is dealt with, and spoken of, at the start of the next turn.
        if (!(error instanceof GroupMissingError)) restarts.failed(error);
        restartsInARow += 1;
        const waitMs = Math.random() * Math.min(RESTART_MS_MAX, 100 * 2 ** restartsInARow);
        await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  async function run(): Promise<void> {
    await turnUntilStopped();
    await batches.ended();
    watchdog.stop();
    inFlight.stop();
    blocking.disconnect();
  }

  const ended = run();
  return {
    async stop(options) {
      stopping.abort();
      reader.stop(options);
      await ended;
      // Redis may be away by now; then housekeeping forgets this loop later.
      await Promise.allSettled([
        // Where deliveries stand for attempts, one that was begun was one.
        group.release({ restoreDeliveryCount: binding.concurrent === undefined }),
        removeHeartbeat(redis, keys, { stream, group: binding.group, consumer }),
        leaveGroup(redis, keys, { stream, group: binding.group, consumer }),
      ]);
    },
  };
}
