import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../shared/error-message.ts";
import { openRedis } from "../shared/io/redis/connection.ts";
import { executionBinding } from "./bindings/execution-binding.ts";
import { logBinding } from "./bindings/log-binding.ts";
import { signalBinding } from "./bindings/signal-binding.ts";
import { startPollLoop, type PollLoop } from "./consume/poll-loop.ts";
import { type Binding } from "./engine/binding.ts";
import { startMaintenance } from "./jobs/maintenance-schedule.ts";
import { startRefreshSchedule } from "./jobs/refresh-schedule.ts";
import { startNotifying } from "./notify/notify-binding.ts";
import type { Services } from "./setup/services.ts";
import { CLOSE_MS, type StopOutcome } from "./setup/stop-outcome.ts";

/** A running router: its poll loops and its jobs. */
export interface Router {
  /** Finishes and commits what is in hand and says so in the log; within SHUTDOWN_MS_MAX. */
  stop(reason: string): Promise<StopOutcome>;
}

const CLOCK_SAMPLE_MS = 10_000;
/** A write to the log is several statements, each of which may take as long as a query may. */
const LOG_STILL_MS_MAX = 600_000;
const FLUSH_MS_MAX = 2_000;
const JOBS_MS_MAX = 500;

/** Starts every loop and job that FUNCTIONS names. The services stay the caller's, who closes them after the stop. */
export async function startRouter(services: Services): Promise<Router> {
  const { config, redisUrl, consumer, database, logger, keys, redis, clock, events, log } = services;
  const abort = new AbortController();
  const onError = (error: Error): void => logger.debug({ err: error }, "Redis connection");
  const has = new Set<string>(config.functions);

  function startLoop(binding: Binding, stillMsMax?: number): PollLoop {
    const name = `${consumer}:${binding.stream}`;
    const blocking = openRedis({ url: redisUrl, role: "blocking", name, blockMs: config.blockMs, onError });
    return startPollLoop(binding, {
      redis,
      blocking,
      keys,
      consumer,
      commit: services.commit,
      clock,
      events,
      abort: abort.signal,
      ...config,
      reclaims: has.has("reclaim"),
      ...(stillMsMax === undefined ? {} : { stillMsMax }),
    });
  }

  const sampleClock = async (): Promise<void> =>
    clock.sample().catch((error: unknown) => logger.debug({ err: error }, "Redis' clock could not be read"));
  await sampleClock();
  const clockTimer = setInterval(() => void sampleClock(), CLOCK_SAMPLE_MS);

  events.publish({
    level: "INFO",
    source: "runner",
    message: `router started: ${config.functions.join(", ")}`,
    details: {
      consumer,
      functions: config.functions,
      key_prefix: config.keyPrefix,
      database: database.kind,
      pid: process.pid,
    },
  });
  const schedule = has.has("refresh-reference")
    ? startRefreshSchedule({
        refresh: async () => services.refresh(),
        events,
        subscriber: openRedis({ url: redisUrl, role: "subscriber", name: `${consumer}:subscriber`, onError }),
        channels: config.referenceChannels,
        everyMs: config.referenceRefreshMs,
      })
    : undefined;
  // An emptied Redis need not wait for the next turn.
  services.onSnapshotMissing(() => schedule?.request());
  const housekeeping = startMaintenance({ config, redis, keys, database, clock, events });
  const signalLoops = has.has("process-signals") ? [startLoop(signalBinding(services))] : [];
  const executionStops = new AbortController();
  const executionLoops = has.has("execute-strategies")
    ? [
        startLoop(
          executionBinding(services, { consumer, stopping: executionStops.signal, abort: abort.signal }),
        ),
      ]
    : [];
  const logLoops = has.has("persist-log")
    ? [
        { loop: startLoop(logBinding("signal_results", log), LOG_STILL_MS_MAX), drain: false },
        { loop: startLoop(logBinding("system_events", log), LOG_STILL_MS_MAX), drain: true },
      ]
    : [];

  const { notifyUrl } = config;
  const notifyLoops =
    has.has("notify") && notifyUrl !== undefined
      ? [startNotifying(services, { url: notifyUrl, startLoop, abort: abort.signal })]
      : [];

  async function finish(reason: string): Promise<void> {
    const jobsEnded = Promise.all([schedule?.stop(), housekeeping.stop()]);
    await Promise.all(signalLoops.map(async (loop) => loop.stop({ drain: false })));
    executionStops.abort();
    await Promise.all([...executionLoops, ...notifyLoops].map(async (loop) => loop.stop({ drain: false })));
    events.publish({
      level: "INFO",
      source: "runner",
      message: `router stopped: ${reason}`,
      details: { consumer, reason, pid: process.pid },
    });
    await events.flush(FLUSH_MS_MAX);
    // Last, so that the stop itself is in the log. Records that wait after an outage are for the next router.
    await Promise.all(logLoops.map(async ({ loop, drain }) => loop.stop({ drain })));
    // A job that waits for a slow database may be cut off: what it publishes, it publishes in one step.
    await Promise.race([jobsEnded, pause(JOBS_MS_MAX, undefined, { ref: false })]);
  }

  return {
    async stop(reason) {
      let outcome: StopOutcome = "finished";
      const timer = setTimeout(
        () => {
          outcome = "cut_off";
          logger.error(
            "not everything in hand could be finished within SHUTDOWN_MS_MAX; others will take it over",
          );
          abort.abort(new Error("SHUTDOWN_MS_MAX is over"));
        },
        Math.max(0, config.shutdownMsMax - CLOSE_MS),
      );
      const aborted = new Promise((resolve) => abort.signal.addEventListener("abort", resolve));
      const finished = finish(reason).catch((error: unknown) =>
        logger.error(`stopping: ${messageOf(error)}`),
      );
      await Promise.race([finished, aborted]);
      clearTimeout(timer);
      clearInterval(clockTimer);
      return outcome;
    },
  };
}
