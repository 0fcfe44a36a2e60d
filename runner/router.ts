import { setTimeout as pause } from "node:timers/promises";
import { withManyListeners } from "../shared/abort.ts";
import { messageOf } from "../shared/error-message.ts";
import type { FunctionName } from "../shared/function-names.ts";
import { CLOCK_SAMPLE_MS } from "../shared/io/redis/clock.ts";
import { openRedis, type RedisConnectionOptions } from "../shared/io/redis/connection.ts";
import { CLOSE_MS, type Running, type StopRequest } from "../shared/running.ts";
import { configuredBindings } from "./bindings/all-bindings.ts";
import { startPollLoop } from "./consume/poll-loop.ts";
import type { Binding } from "./engine/binding.ts";
import { startMaintenance } from "./jobs/maintenance-schedule.ts";
import { startOldMetrics } from "./jobs/old-metrics-schedule.ts";
import { startRefreshSchedule } from "./jobs/refresh-schedule.ts";
import { startStrategyCheck } from "./jobs/strategy-check-schedule.ts";
import { startNotifying } from "./notify/notify-binding.ts";
import type { Services } from "./setup/services.ts";

/** A write to the log is several statements, each of which may take as long as a query may. */
const LOG_STILL_MS_MAX = 600_000;
const FLUSH_MS_MAX = 2_000;
const JOBS_MS_MAX = 500;

/**
 * A running router: every loop and job that FUNCTIONS names. `stop` finishes and commits what is in flight and says so in the log,
 * within SHUTDOWN_MS_MAX. The services stay their owner's, who closes them after the stop. `admission`: see the poll loop.
 */
export async function startRouter(services: Services, admission?: () => Promise<void>): Promise<Running> {
  const { config, logger } = services;
  const abort = new AbortController();
  const clockTimer = await startSamplingClock(services);
  publish(services, `router started: ${config.functions.join(", ")}`, {
    functions: config.functions,
    key_prefix: config.keyPrefix,
    ...(config.shadow ? { shadow: true, group_suffix: config.groupSuffix } : {}),
    database: services.database.kind,
  });
  const jobs = startJobs(services);
  services.holdings.join();
  const loops = startLoops(services, { abort: withManyListeners(abort.signal), admission });

  async function finish(reason: string): Promise<void> {
    const jobsEnded = Promise.all(jobs.map(async (job) => job.stop()));
    await stopAll(loops.signals);
    await stopAll([...loops.tasks, ...loops.reports]);
    publish(services, `router stopped: ${reason}`, { reason });
    await services.flush(FLUSH_MS_MAX);
    // Last, so that the stop itself is in the log. Records that wait after an outage are for the next router.
    await Promise.all([stopAll(loops.records), stopAll(loops.events, { drain: true })]);
    // A job that waits for a slow database may be cut off: what it publishes, it publishes in one step.
    await services.holdings.close();
    await Promise.race([jobsEnded, pause(JOBS_MS_MAX, undefined, { ref: false })]);
  }

  return {
    async stop({ reason = "asked to", msMax = config.shutdownMsMax - CLOSE_MS } = {}) {
      const timer = setTimeout(
        () => {
          logger.error(
            "not everything in flight could be finished within SHUTDOWN_MS_MAX; other routers will reclaim it",
          );
          abort.abort(new Error("SHUTDOWN_MS_MAX is over"));
        },
        Math.max(0, msMax),
      );
      const aborted = new Promise((resolve) => abort.signal.addEventListener("abort", resolve));
      const finished = finish(reason).catch((error: unknown) =>
        logger.error(`stopping: ${messageOf(error)}`),
      );
      await Promise.race([finished, aborted]);
      clearTimeout(timer);
      clearInterval(clockTimer);
      return abort.signal.aborted ? "cut_off" : "finished";
    },
  };
}

/** The loops of a router, in the order in which they are stopped: what signals wait for first, the log last. */
interface Loops {
  readonly signals: readonly Running[];
  readonly tasks: readonly Running[];
  readonly reports: readonly Running[];
  readonly records: readonly Running[];
  readonly events: readonly Running[];
}

interface LoopOptions {
  readonly abort: AbortSignal;
  readonly admission: (() => Promise<void>) | undefined;
}

function startLoops(services: Services, { abort, admission }: LoopOptions): Loops {
  const { config, consumer } = services;
  const { notifyUrl } = config;
  const bindings = configuredBindings(services);

  function startLoop(binding: Binding, stillMsMax?: number): Running {
    const name = `${consumer}:${binding.stream}`;
    const blocking = openRedis({
      ...connectionOf(services),
      role: "blocking",
      name,
      blockMs: config.blockMs,
    });
    return startPollLoop(binding, {
      ...services,
      ...config,
      consumer,
      blocking,
      abort,
      admission,
      reclaims: has(services, "reclaim"),
      ...(stillMsMax === undefined ? {} : { stillMsMax }),
    });
  }

  const loopsOn = (stream: Binding["stream"], stillMsMax?: number): Running[] =>
    bindings.filter((binding) => binding.stream === stream).map((binding) => startLoop(binding, stillMsMax));
  const signals = loopsOn("signals_stream");
  const notifying =
    has(services, "notify") && notifyUrl !== undefined
      ? [startNotifying(services, { url: notifyUrl, startLoop, abort })]
      : [];
  return {
    signals,
    tasks: [...loopsOn("strategy_input_stream"), ...notifying],
    reports: services.keys.outcomeStreams.flatMap((stream) => loopsOn(stream)),
    records: loopsOn("signal_results", LOG_STILL_MS_MAX),
    events: loopsOn("system_events", LOG_STILL_MS_MAX),
  };
}

function startJobs(services: Services): readonly Running[] {
  const { config, consumer, events } = services;
  const always = [
    startMaintenance(services),
    // Beside the log, and not in the embedded database, which no other system has.
    ...(has(services, "persist-log") && services.database.kind !== "pglite" && !config.shadow
      ? [startOldMetrics(services)]
      : []),
    ...(has(services, "execute-strategies") ? [startStrategyCheck(services)] : []),
  ];
  if (!has(services, "refresh-reference")) return always;
  const connection = connectionOf(services);
  const { blockMs, referenceStreams: streams } = config;
  const refresh = startRefreshSchedule({
    refresh: async () => services.refresh(),
    events,
    subscriber: openRedis({ ...connection, role: "subscriber", name: `${consumer}:subscriber` }),
    channels: config.referenceChannels,
    streams:
      streams.length === 0
        ? undefined
        : {
            streams,
            blockMs,
            blocking: openRedis({
              ...connection,
              role: "blocking",
              blockMs,
              name: `${consumer}:reference-streams`,
            }),
          },
    everyMs: config.referenceRefreshMs,
  });
  // An emptied Redis need not wait for the next turn.
  services.onSnapshotMissing(() => refresh.request());
  return [refresh, ...always];
}

async function startSamplingClock({ clock, logger }: Services): Promise<NodeJS.Timeout> {
  const sample = async (): Promise<void> =>
    clock.sample().catch((error: unknown) => logger.debug({ err: error }, "Redis' clock could not be read"));
  await sample();
  return setInterval(() => void sample(), CLOCK_SAMPLE_MS);
}

function publish({ consumer, events }: Services, message: string, details: object): void {
  const about = { consumer, ...details, pid: process.pid };
  events.publish({ level: "INFO", source: "runner", message, details: about });
}

async function stopAll(running: readonly Running[], request?: StopRequest): Promise<void> {
  await Promise.all(running.map(async (one) => one.stop(request)));
}

function connectionOf({
  config,
  redisUrl,
  keys,
  logger,
}: Services): Pick<RedisConnectionOptions, "url" | "key" | "leaseMs" | "onError"> {
  return {
    url: redisUrl,
    key: keys.stream("signals_stream"),
    leaseMs: config.leaseMs,
    onError: (error) => logger.debug({ err: error }, "Redis connection"),
  };
}

function has({ config }: Services, name: FunctionName): boolean {
  return config.functions.includes(name);
}
