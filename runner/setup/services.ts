import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { refreshReference, type RefreshResult } from "../../functions/refresh-reference.ts";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import type { Commit } from "../../shared/commit.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import { commitOn } from "../../shared/io/commit/commit.ts";
import { hostVerdict } from "../../shared/io/http-client/host-verdict.ts";
import { logStoreOn } from "../../shared/io/log/log-store-postgres.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Database } from "../../shared/io/postgres/database.ts";
import { redisClock, type Clock } from "../../shared/io/redis/clock.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { loadReferenceRows, saveReferenceVersion } from "../../shared/io/reference/reference-source.ts";
import { referenceStoreOn, type ReferenceStore } from "../../shared/io/reference/reference-store.ts";
import { keysOf, type Keys } from "../../shared/keys.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { routingContextCache, type RoutingContextCache } from "../bindings/routing-context.ts";
import { strategyChecksOf, strategyPortsOf, type StrategyPorts } from "../bindings/strategy-ports.ts";
import { eventLogOn, type EventLog } from "../telemetry/event-log.ts";
import { strategyWatchOver, type StrategyWatch } from "./strategy-watch.ts";

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
  readonly log: LogStore;
  readonly handlers: readonly AnyStrategyHandler[];
  /** The connections of strategies to the outside. */
  readonly strategyPorts: StrategyPorts;
  /** Finds the strategies that this process cannot run. */
  readonly strategyWatch: StrategyWatch;
  /** Reads the reference from Postgres and makes it current; publishes its events. */
  refresh(): Promise<RefreshResult>;
  /** Sets what is called each time decisions find no usable snapshot. */
  onSnapshotMissing(ask: () => void): void;
  /** Closes the connection for commands; the database is closed by the code that opened it. */
  close(): void;
}

/** Opens the connection for commands; Redis may still be unavailable. */
export function openServices(options: ServicesOptions): Services {
  const { config, redisUrl, consumer, database, logger, handlers = HANDLERS } = options;
  const keys = keysOf(config.keyPrefix);
  const redis = openRedis({
    url: redisUrl,
    role: "commands",
    name: `${consumer}:commands`,
    onError: (error) => logger.debug({ err: error }, "Redis connection"),
  });
  const clock = redisClock(redis);
  const events = eventLogOn(redis, keys, clock, logger);
  const referenceStore = referenceStoreOn(redis, keys);
  const strategyWatch = strategyWatchOver({
    handlers,
    checks: strategyChecksOf(options),
    verdictOn: hostVerdict,
    publish: (event) => events.publish(event),
  });
  const runsStrategies = config.functions.includes("execute-strategies");
  let askForSnapshot: (() => void) | undefined;
  return {
    ...options,
    keys,
    redis,
    clock,
    events,
    referenceStore,
    routing: routingContextCache({ redis, keys, store: referenceStore, onMissing: () => askForSnapshot?.() }),
    commit: commitOn(redis, keys, { dedupTtlMs: config.dedupTtlMs }),
    log: logStoreOn(database, config.keyPrefix),
    handlers,
    strategyPorts: strategyPortsOf(options),
    strategyWatch,
    async refresh() {
      const result = await refreshReference({
        source: {
          load: async () => loadReferenceRows(database),
          save: async (version, content, at) => saveReferenceVersion(database, version, content, at),
        },
        store: referenceStore,
        now: () => clock.now(),
        ...(runsStrategies ? { checkStrategies: (read) => strategyWatch.check(read) } : {}),
      });
      for (const event of result.events) events.publish(event);
      return result;
    },
    onSnapshotMissing(ask) {
      askForSnapshot = ask;
    },
    close: () => redis.disconnect(),
  };
}
