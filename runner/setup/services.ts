import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { refreshReference, type RefreshResult } from "../../functions/refresh-reference.ts";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import type { Commit } from "../../shared/commit.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { commitOn } from "../../shared/io/commit/commit.ts";
import { hostVerdict } from "../../shared/io/http-client/host-verdict.ts";
import { namingShard } from "../../shared/io/log/events-of-shard.ts";
import { logStoreOn } from "../../shared/io/log/log-store-postgres.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { redisClock, type Clock } from "../../shared/io/redis/clock.ts";
import { confirmOn, TooFewReplicasError, type Confirm } from "../../shared/io/redis/confirm.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { recordChangesBySql } from "../../shared/io/reference-edits/changes.ts";
import { loadReferenceRows, saveReferenceVersion } from "../../shared/io/reference/reference-source.ts";
import { referenceStoreOn, type ReferenceStore } from "../../shared/io/reference/reference-store.ts";
import { readReplicasHealth } from "../../shared/io/status/replicas-status.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { routingContextCache, type RoutingContextCache } from "../bindings/routing-context.ts";
import { strategyChecksOf, strategyPortsOf, type StrategyPorts } from "../bindings/strategy-ports.ts";
import { taskEndsOn, type TaskEnds } from "../bindings/task-ends.ts";
import type { Holdings } from "../holding/holdings.ts";
import { holdingsOn } from "../holding/open-holdings.ts";
import { eventLogOn, type EventLog } from "../telemetry/event-log.ts";
import { processCounters, type ProcessCounters } from "../telemetry/process-counters.ts";
import { reportEventsTo, type ReportEvents } from "../telemetry/report-events.ts";
import { referenceReportsOf } from "./reference-reports.ts";
import { strategyCheckOn, type StrategyCheck } from "./strategy-check.ts";
import { strategyWatchOver } from "./strategy-watch.ts";

/** Opens what every caller of functions works with, poll loops and requests alike. */

export interface ServicesOptions {
  readonly config: Config;
  readonly redisUrl: string;
  /** Name of this process in the consumer groups; unique among all running processes. */
  readonly consumer: string;
  readonly database: Database;
  readonly logger: Logger;
  readonly secrets: Secrets;
  /** Default: those of functions/strategies/registry.ts. */
  readonly handlers?: readonly AnyStrategyHandler[];
  /** Aborts when the process stops: calls on demand start no more work. Default: never. */
  readonly stopping?: AbortSignal;
  /** Whether strategies that this process cannot run are reported at a refresh. Default: when it runs strategies. */
  readonly reportsStrategies?: boolean;
}

/** The connections, and what is built directly on them. */
export interface Services extends ServicesOptions {
  readonly keys: Keys;
  /** For commands that do not block. */
  readonly redis: Redis;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly referenceStore: ReferenceStore;
  readonly routing: RoutingContextCache;
  readonly commit: Commit;
  /** The groups that this process holds. */
  readonly holdings: Holdings;
  /** Whether replicas have what was written. */
  readonly confirm: Confirm;
  readonly log: LogStore;
  readonly handlers: readonly AnyStrategyHandler[];
  /** The connections of strategies to the outside. */
  readonly strategyPorts: StrategyPorts;
  /** Counters of this process that no commit raises. */
  readonly counters: ProcessCounters;
  /** Says which reports of workers are not recorded. */
  readonly reportEvents: ReportEvents;
  /** How the tasks that this process ran ended, for health. */
  readonly taskEnds: TaskEnds;
  /** Which strategies this process cannot run, for health. */
  readonly strategyCheck: StrategyCheck;
  /** Writes what waits to be written: events, counters, ends of tasks. Takes `msMax` at most, and never rejects. */
  flush(msMax: number, counters?: "all" | "if_due"): Promise<void>;
  /** Reads the reference from Postgres and makes it current; publishes its events. @throws TooFewReplicasError once it has */
  refresh(): Promise<RefreshResult>;
  /** Sets what is called each time decisions find no usable snapshot. */
  onSnapshotMissing(ask: () => void): void;
  /** Closes the connection for commands; the database is closed by the code that opened it. */
  close(): void;
}

/** Opens the connection for commands; Redis may still be unavailable. */
export function openServices(options: ServicesOptions): Services {
  const { config, redisUrl, consumer, database, logger, handlers = HANDLERS } = options;
  const keys = keysOf(config.keyPrefix, config);
  const redis = openRedis({
    url: redisUrl,
    key: keys.stream("signals_stream"),
    leaseMs: config.leaseMs,
    role: "commands",
    name: `${consumer}:commands`,
    onError: (error) => logger.debug({ err: error }, "Redis connection"),
  });
  const clock = redisClock(redis);
  const events = eventLogOn(redis, keys, clock, logger);
  const reports = referenceReportsOf({ ...options, redis, keys, events });
  const referenceStore = referenceStoreOn(redis, keys, reports);
  const strategyWatch = strategyWatchOver({
    handlers,
    checks: strategyChecksOf(options),
    verdictOn: hostVerdict,
    publish: (event) => events.publish(event),
  });
  const { reportsStrategies = config.functions.includes("execute-strategies") } = options;
  let askForSnapshot: (() => void) | undefined;
  const routing = routingContextCache({
    redis,
    keys,
    store: referenceStore,
    onMissing: () => askForSnapshot?.(),
  });
  const counters = processCounters(redis, keys, events);
  const holdings = holdingsOn({ config, redisUrl, consumer, keys, events });
  const taskEnds = taskEndsOn({ redis, keys, clock, routing, events });
  const confirmation = confirmOn({
    redis,
    url: redisUrl,
    name: `${consumer}:confirm`,
    key: keys.confirmed,
    leaseMs: config.leaseMs,
    replicasMin: config.redisReplicasMin,
    msMax: config.redisReplicasMsMax,
    onError: (error) => logger.debug({ err: error }, "Redis connection that asks for replicas"),
  });
  return {
    ...options,
    keys,
    redis,
    clock,
    events,
    referenceStore,
    routing,
    commit: commitOn(redis, keys, { dedupTtlMs: config.dedupTtlMs }),
    holdings,
    confirm: confirmation.confirm,
    log: logOf(database, keys),
    handlers,
    strategyPorts: strategyPortsOf(options),
    counters,
    reportEvents: reportEventsTo(events),
    taskEnds,
    strategyCheck: strategyCheckOn({ redis, keys, config, routing, watch: strategyWatch }),
    async flush(msMax, which = "all") {
      const counting = which === "all" ? counters.flush() : counters.flushIfDue();
      const others = Promise.all([counting, taskEnds.flush()]);
      const done = new AbortController();
      const late = pause(msMax, undefined, { signal: done.signal }).catch(() => undefined);
      await Promise.all([events.flush(msMax), Promise.race([others, late])]);
      done.abort();
    },
    async refresh() {
      const result = await refreshReference({
        source: {
          load: async () => loadReferenceRows(database),
          save: async (version, content, at) => saveReferenceVersion(database, version, content, at),
        },
        store: referenceStore,
        failures: reports.failures,
        lackingReplicas: async () => (await readReplicasHealth(confirmation.confirm)).lacking,
        recordChanges: async () => reports.recording(async () => recordChangesBySql(database)),
        now: () => clock.now(),
        ...(reportsStrategies ? { checkStrategies: (read) => strategyWatch.check(read) } : {}),
      });
      reports.refreshed(result);
      if (result.unconfirmed !== undefined) throw new TooFewReplicasError(unconfirmedText(result));
      return result;
    },
    onSnapshotMissing(ask) {
      askForSnapshot = ask;
    },
    close() {
      void holdings.close();
      counters.close();
      taskEnds.close();
      confirmation.close();
      redis.disconnect();
    },
  };
}

function unconfirmedText({ version, unconfirmed }: RefreshResult): string {
  return `version ${version} of the reference is current on the master, but too few replicas have it: ${unconfirmed}. A fail-over now could bring back the version before`;
}

/** Events of a router with GROUP_SUFFIX are told from those of others by their shard. */
function logOf(database: Database, keys: Keys): LogStore {
  const store = logStoreOn(database, keys.shard);
  return keys.suffix === "" ? store : namingShard(store, keys.shard);
}
