import type { Redis } from "ioredis";
import { withManyListeners } from "../../shared/abort.ts";
import { noteHeartbeat, removeHeartbeat } from "../../shared/io/streams/consumer-heartbeats.ts";
import type { Running } from "../../shared/running.ts";
import type { Binding } from "../engine/binding.ts";
import { singleFlight } from "../engine/single-flight.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";
import { consume } from "./consume.ts";
import { openSession, type SessionDeps } from "./consumer-session.ts";
import { untilGroupExists } from "./ensure-group.ts";
import { readUntilStopped } from "./reader.ts";
import { restartUntilStopped } from "./restart.ts";
import { startWatchdog } from "./watchdog.ts";
import { workBetweenReads } from "./work-between-reads.ts";

export interface PollLoopDeps extends Omit<SessionDeps, "reporter" | "stopping"> {
  /** A connection of the loop's own; closed when the loop has ended. */
  readonly blocking: Redis;
  readonly consumer: string;
  readonly blockMs: number;
  /** Resolves when this process may work on its groups; absent: it may. Rejects while that is not known. */
  readonly admission?: (() => Promise<void>) | undefined;
  /** Whether this process reclaims what other consumers have left unfinished. */
  readonly reclaims: boolean;
  /** Longest time without a sign of life before connections are made anew, besides three reads; default 45 s. */
  readonly stillMsMax?: number;
}

const HEARTBEAT_EVERY_MS = 1_000;
/** Longer than any answer of Redis may take. */
const STILL_MS_MAX = 45_000;

/**
 * Reads one group until it is stopped: each batch goes through its function and the commit while the next one is already read.
 * `stop({ drain: true })` also finishes what is in the stream.
 */
export function startPollLoop(binding: Binding, deps: PollLoopDeps): Running {
  const { redis, blocking, keys, consumer, events, clock, abort } = deps;
  const { stream, functionName: source } = binding;
  const heartbeat = { stream, group: binding.group, consumer };
  const stopping = new AbortController();
  withManyListeners(stopping.signal);
  const restarts = failureReporter(events, { source, what: `the loop on ${stream} had to start again` });
  const failures = failureReporter(events, { source, what: `${source} cannot go on with ${stream}` });
  const watchdog = startWatchdog({
    stillMsMax: (deps.stillMsMax ?? STILL_MS_MAX) + 3 * deps.blockMs,
    onStill: reconnect,
  });
  const session = openSession(
    binding,
    { ...deps, stopping: stopping.signal, reporter: watchdog.watching(failures) },
    { consumer },
  );
  const reader = readUntilStopped(session, {
    blocking,
    countMax: deps.batchCountMax,
    blockMs: deps.blockMs,
  });
  const between = workBetweenReads(session, deps);

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
    await untilGroupExists(binding, deps, { stopping: stopping.signal, onWait: watchdog.alive });
    // Without reclaiming, the reserved lanes would stay closed.
    if (deps.reclaims) await session.policy.reserveLanes();
    const onTurn = (): void => {
      ran();
      watchdog.alive();
      void noteTurn();
    };
    await consume(session, reader, { between, onTurn });
  }

  async function run(): Promise<void> {
    const options = { stopping: stopping.signal, abort, reporter: restarts, onRestart: watchdog.alive };
    await restartUntilStopped(runOnce, options);
    await session.policy.running.ended();
    watchdog.close();
    session.inFlight.close();
    blocking.disconnect();
  }

  const ended = run();
  return {
    async stop({ drain = false } = {}) {
      stopping.abort();
      reader.stopReading({ drain });
      await ended;
      await Promise.allSettled([session.leave({ release: true }), removeHeartbeat(redis, keys, heartbeat)]);
      return abort.aborted ? "cut_off" : "finished";
    },
  };
}
