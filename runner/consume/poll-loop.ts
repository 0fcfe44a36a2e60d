import type { Redis } from "ioredis";
import { either, onAbort, withManyListeners } from "../../shared/abort.ts";
import { noteHeartbeat, removeHeartbeat } from "../../shared/io/streams/consumer-heartbeats.ts";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import { isOrderedGroup } from "../../shared/keys.ts";
import type { Running } from "../../shared/running.ts";
import type { Binding } from "../engine/binding.ts";
import { DeposedError, UnavailableError } from "../engine/retry-until-stopped.ts";
import { singleFlight } from "../engine/single-flight.ts";
import type { Holding, Holdings } from "../holding/holdings.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { consume } from "./consume.ts";
import { openSession, type SessionDeps } from "./consumer-session.ts";
import { requireGroup, untilGroupExists } from "./ensure-group.ts";
import { readUntilStopped, type Reader } from "./reader.ts";
import { untilMayRead, type ReadingRight } from "./reading-rights.ts";
import { restartUntilStopped } from "./restart.ts";
import { takeOver } from "./take-over.ts";
import { startWatchdog } from "./watchdog.ts";
import { workBetweenReads } from "./work-between-reads.ts";

export interface PollLoopDeps extends Omit<SessionDeps, "reporter" | "stopping"> {
  /** Which groups this process holds. */
  readonly holdings: Holdings;
  readonly leaseMs: number;
  /** A connection of the loop's own; closed when the loop has ended. */
  readonly blocking: Redis;
  readonly consumer: string;
  readonly blockMs: number;
  /** Resolves when this process may work on its groups; absent: it may. Rejects while that is not known. */
  readonly admission?: (() => Promise<void>) | undefined;
  /** Whether this process reclaims what other consumers have left unfinished, of groups that keep no order. */
  readonly reclaims: boolean;
  /** Longest time without a sign of life before connections are made anew, besides three reads; default 45 s. */
  readonly stillMsMax?: number;
}

const HEARTBEAT_EVERY_MS = 1_000;
/** Longer than any answer of Redis may take. */
const STILL_MS_MAX = 45_000;

/**
 * Reads one group until it is stopped, while this process may read it: each batch goes through its function and the commit while the
 * next one is already read. `stop({ drain: true })` also finishes what is in the stream.
 */
export function startPollLoop(binding: Binding, deps: PollLoopDeps): Running {
  const { redis, blocking, keys, consumer, events, clock, abort, leaseMs } = deps;
  const { stream, functionName: source } = binding;
  const heartbeat = { stream, group: binding.group, consumer };
  const isOrdered = isOrderedGroup(binding.group);
  const stopping = new AbortController();
  withManyListeners(stopping.signal);
  const restarts = failureReporter(events, { source, what: `the loop on ${stream} had to start again` });
  const failures = failureReporter(events, { source, what: `${source} cannot go on with ${stream}` });
  const watchdog = startWatchdog({
    stillMsMax: (deps.stillMsMax ?? STILL_MS_MAX) + 3 * deps.blockMs,
    onAlive,
    onStill: reconnect,
  });
  const session = openSession(
    binding,
    { ...deps, stopping: stopping.signal, reporter: watchdog.watching(failures) },
    { consumer, isWaiting: true },
  );
  const between = workBetweenReads(session, { ...deps, reclaims: isOrdered || deps.reclaims });
  let right: ReadingRight | undefined;
  let reader: Reader | undefined;
  let isDrainLeft = false;

  function onAlive(): void {
    right?.holding?.alive();
    right?.holding?.waiting(session.policy.isWaiting());
  }

  /** New connections: whatever the loop waits for rejects, and is attempted again. */
  function reconnect(stillMs: number): void {
    events.publish({
      level: "ERROR",
      source,
      message: `the loop on ${stream} has not turned for ${Math.round(stillMs / 1000)} s; its connections are made anew`,
      details: { stream, still_ms: stillMs },
    });
    blocking.disconnect(true);
    redis.disconnect(true);
  }

  /** Its time is Redis' own, since health compares it with that; so a clock that Redis was given shows within a second. */
  async function noteHeartbeatNow(): Promise<void> {
    await noteHeartbeat(redis, keys, { ...heartbeat, at: await clock.check() });
  }

  /** Only for people who look at the status: what fails is noted again by a later turn. */
  const noteTurn = singleFlight(async () => noteHeartbeatNow().catch(() => undefined), {
    keptMs: HEARTBEAT_EVERY_MS,
  });

  async function runOnce(ran: () => void): Promise<void> {
    await deps.admission?.();
    while (!stopping.signal.aborted) {
      await untilGroupExists(binding, deps, { stopping: stopping.signal, onWait: watchdog.alive });
      right ??= await enter();
      if (right === undefined) return;
      await readUnder(right, ran);
      if (right.ended.aborted) await leaveRight();
    }
  }

  async function enter(): Promise<ReadingRight | undefined> {
    // Another runner may hold the group for days.
    const waiting = setInterval(watchdog.alive, HEARTBEAT_EVERY_MS);
    try {
      return await untilMayRead(binding, deps.holdings, { stopping: stopping.signal });
    } finally {
      clearInterval(waiting);
    }
  }

  /** Until the right ends, or the loop is stopped. @throws what else ends it */
  async function readUnder({ holding, ended }: ReadingRight, ran: () => void): Promise<void> {
    const onTurn = (): void => {
      ran();
      watchdog.alive();
      void noteTurn();
    };
    const ending = either(stopping.signal, ended);
    try {
      session.inFlight.setReading(true);
      session.hold(holding, ending.signal);
      if (holding !== undefined && !(await beginHolding(holding, { ending: ending.signal, onTurn }))) return;
      reader ??= openReader();
      if (stopping.signal.aborted) reader.stopReading({ drain: false });
      const stopListening = onAbort(ended, () => reader?.stopReading({ drain: false }));
      // What a group without an order has delivered is still processed.
      const until = isOrdered ? { until: ended } : {};
      await consume(session, reader, { between, onTurn, ...until }).finally(stopListening);
    } catch (error) {
      if (error instanceof DeposedError) holding?.deposed();
      // What failed is for the next holder to do, also when this one has released the group to stop.
      if (!ended.aborted && !(error instanceof DeposedError)) throw error;
      if (!isExpected(error)) restarts.failed(error);
    } finally {
      ending.stopListening();
      if (isOrdered) await endReader();
    }
  }

  /** What a former holder has left comes first. False when the holding ended meanwhile, or the loop was stopped. */
  async function beginHolding(
    holding: Holding,
    { ending, onTurn }: { readonly ending: AbortSignal; readonly onTurn: () => void },
  ): Promise<boolean> {
    // The server may be another one, with another state.
    await clock.sample();
    binding.invalidate();
    return takeOver(session, holding, { mayGoOn: () => !ending.aborted, onStep: onTurn });
  }

  function openReader(): Reader {
    // A holder has to show often enough that its loop turns.
    const blockMs = isOrdered ? Math.min(deps.blockMs, Math.floor(leaseMs / 2)) : deps.blockMs;
    const read = session.reads({ redis: blocking, blocking: true });
    return readUntilStopped(session, { blocking, read, countMax: deps.batchCountMax, blockMs });
  }

  /** What it has read ahead is taken over again, in the order of the stream. */
  async function endReader(): Promise<void> {
    const ended = reader;
    reader = undefined;
    if (ended !== undefined) await session.drop(await ended.abandon());
  }

  async function leaveRight(): Promise<void> {
    right = undefined;
    await endReader();
    session.hold(undefined);
    // What waits behind them and has not begun ends now, and is the next holder's.
    session.policy.endReservations();
    session.inFlight.setReading(false);
    await removeHeartbeat(redis, keys, heartbeat).catch(() => undefined);
  }

  /** For a stop that comes while the loop does not read: what is in the stream may have no other reader. */
  async function drainOnce(ran: () => void): Promise<void> {
    await deps.admission?.();
    await requireGroup(binding, deps);
    await endReader();
    session.inFlight.setReading(true);
    session.hold(undefined, stopping.signal);
    reader = openReader();
    reader.stopReading({ drain: true });
    await consume(session, reader, { onTurn: ran });
  }

  async function run(): Promise<void> {
    const options = {
      stopping: stopping.signal,
      abort,
      reporter: restarts,
      onRestart: watchdog.alive,
      ...(isOrdered ? { waitMsMax: leaseMs / 2 } : {}),
    };
    await restartUntilStopped(runOnce, options);
    if (isDrainLeft) await restartUntilStopped(drainOnce, options);
    await session.policy.running.ended();
    await right?.holding?.release();
    watchdog.close();
    session.inFlight.close();
    blocking.disconnect();
  }

  const ended = run();
  return {
    async stop({ drain = false } = {}) {
      const isReading = reader !== undefined && right?.ended.aborted === false;
      isDrainLeft = drain && !isReading;
      stopping.abort();
      reader?.stopReading({ drain });
      // Nothing more is begun, and what runs needs no lease.
      if (!session.policy.isOrdered) await right?.holding?.release();
      await ended;
      await Promise.allSettled([session.leave({ release: true }), removeHeartbeat(redis, keys, heartbeat)]);
      return abort.aborted ? "cut_off" : "finished";
    },
  };
}

/** What is usual when a holding has ended: it needs no report. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof DeposedError ||
    error instanceof UnavailableError ||
    // It is reported when the group is looked for, at the beginning of the next holding.
    error instanceof GroupMissingError
  );
}
