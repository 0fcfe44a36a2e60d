import type { FailingStage, Readiness } from "./failing-stage.ts";

/** A fault of the failure table: how it begins, what health says about it, and how it ends. */
export interface TableFault {
  readonly name: string;
  begin(stage: FailingStage): Promise<void>;
  readonly status: Exclude<Readiness["status"], "ready">;
  /** Words that a trader needs; each is somewhere in the reasons. */
  readonly reasons: readonly RegExp[];
  end(stage: FailingStage): Promise<void>;
}

const STREAM = "signals_stream";
const GROUP = "signal_processor";

async function killConnections({ redis }: FailingStage): Promise<void> {
  await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
}

/** A strategy's row as it was is put back by its own statement; the next refresh finds it. */
export const FAULTS: readonly TableFault[] = [
  {
    name: "everything paused",
    begin: async (stage) => void (await stage.cli("pause")),
    status: "degraded",
    reasons: [/everything is paused/i, /resume/],
    end: async (stage) => void (await stage.cli("resume")),
  },
  {
    name: "Redis killed",
    begin: async ({ redisServer }) => redisServer.kill(),
    status: "not_ready",
    reasons: [/Redis does not answer/],
    end: async ({ redisServer }) => redisServer.start(),
  },
  {
    name: "Redis frozen",
    begin: async ({ redisServer }) => void process.kill(redisServer.pid, "SIGSTOP"),
    status: "not_ready",
    reasons: [/Redis does not answer/],
    end: async ({ redisServer }) => void process.kill(redisServer.pid, "SIGCONT"),
  },
  {
    name: "Redis full",
    begin: async ({ redis }) => void (await redis.config("SET", "maxmemory", "1mb")),
    status: "not_ready",
    reasons: [/OOM/, /maxmemory/],
    end: async ({ redis }) => void (await redis.config("SET", "maxmemory", "0")),
  },
  {
    name: "Redis nearly full",
    async begin({ redis }) {
      const [, used] = /used_memory:(\d+)/.exec(await redis.info("memory")) ?? [];
      await redis.config("SET", "maxmemory", Math.round(Number(used) / 0.9));
    },
    status: "degraded",
    reasons: [/maxmemory/, /%/],
    end: async ({ redis }) => void (await redis.config("SET", "maxmemory", "0")),
  },
  {
    name: "Redis emptied while Postgres is stopped",
    async begin({ postgresServer, redis }) {
      await postgresServer.kill();
      await redis.flushall();
    },
    status: "not_ready",
    reasons: [/no reference snapshot/, /Postgres cannot be reached/],
    end: async ({ postgresServer }) => postgresServer.start(),
  },
  {
    name: "the disk of Redis full",
    async begin(stage) {
      await stage.redisServer.fillDisk();
      // Only a write shows that nothing fits any longer.
      await stage.redis.set("filler", "x").catch(() => undefined);
    },
    status: "not_ready",
    reasons: [/MISCONF/, /disk|file/],
    async end(stage) {
      await stage.redisServer.freeDisk();
    },
  },
  {
    name: "Redis made a replica",
    begin: async ({ redis }) => void (await redis.replicaof("127.0.0.1", 1)),
    status: "not_ready",
    reasons: [/READONLY/, /primary/],
    end: async ({ redis }) => void (await redis.replicaof("NO", "ONE")),
  },
  {
    name: "the password of Redis changed",
    async begin(stage) {
      await stage.redis.config("SET", "requirepass", "another");
      await killConnections(stage);
    },
    status: "not_ready",
    reasons: [/NOAUTH|WRONGPASS/, /REDIS_URL/],
    async end({ redis }) {
      await redis.auth("another");
      await redis.config("SET", "requirepass", "");
    },
  },
  {
    name: "the group that decides gone",
    begin: async ({ redis, keys }) => void (await redis.xgroup("DESTROY", keys.stream(STREAM), GROUP)),
    status: "not_ready",
    reasons: [/group signal_processor/, /groups create/],
    end: async (stage) => void (await stage.cli("groups", "create", GROUP, "--from", "$")),
  },
  {
    name: "Postgres stopped",
    begin: async ({ postgresServer }) => postgresServer.kill(),
    status: "degraded",
    reasons: [/Postgres cannot be reached/, /reference could not be refreshed/],
    end: async ({ postgresServer }) => postgresServer.start(),
  },
  {
    name: "Postgres refuses the reference",
    begin: async ({ sql }) => void (await sql("ALTER TABLE tickers RENAME TO tickers_gone")),
    status: "degraded",
    reasons: [/reference could not be refreshed/, /tickers/],
    end: async ({ sql }) => void (await sql("ALTER TABLE tickers_gone RENAME TO tickers")),
  },
  {
    name: "the snapshot gone while Postgres is stopped",
    async begin({ postgresServer, redis, keys }) {
      await postgresServer.kill();
      await redis.del(keys.referenceCurrent);
    },
    status: "not_ready",
    reasons: [/no reference snapshot/, /Postgres/],
    end: async ({ postgresServer }) => postgresServer.start(),
  },
  {
    name: "one bad row",
    begin: async ({ sql }) =>
      void (await sql(
        "ALTER TABLE strategies DROP CONSTRAINT strategies_params_check; UPDATE strategies SET params = '[]' WHERE id = 2",
      )),
    status: "degraded",
    reasons: [/Night watch \(2\)/, /params/],
    end: async ({ sql }) => void (await sql("UPDATE strategies SET params = '{}' WHERE id = 2")),
  },
  {
    name: "a strategy whose handler is unknown",
    begin: async ({ sql }) => void (await sql("UPDATE strategies SET handler = 'webhok' WHERE id = 1")),
    status: "degraded",
    reasons: [/Trend follower \(1\)/, /webhok/],
    end: async ({ sql }) => void (await sql("UPDATE strategies SET handler = 'webhook' WHERE id = 1")),
  },
  {
    name: "a strategy whose secret is missing",
    begin: async ({ sql }) =>
      void (await sql(`UPDATE strategies SET params = params || '{"secret": "BROKER_A"}' WHERE id = 1`)),
    status: "degraded",
    reasons: [/Trend follower \(1\)/, /STRATEGY_SECRET_BROKER_A/],
    end: async ({ sql }) => void (await sql("UPDATE strategies SET params = params - 'secret' WHERE id = 1")),
  },
  {
    name: "a strategy that fails every time",
    async begin(stage) {
      stage.answer = 400;
      for (let i = 0; i < 3; i += 1) await stage.publish();
    },
    status: "degraded",
    reasons: [/Trend follower \(1\)/, /fail/],
    async end(stage) {
      stage.answer = 200;
      await stage.publish();
    },
  },
  {
    name: "dead letters",
    begin: async ({ redis, keys }) =>
      void (await redis.xadd(keys.stream("strategy_input_stream"), "*", "strategy_id", "no task")),
    status: "degraded",
    reasons: [/1 dead letter/, /dead-letters/],
    end: async (stage) => void (await stage.cli("dead-letters", "discard", "--all", "--yes")),
  },
];

/** A strategy that is slow shows only after ten seconds of waiting, by definition. */
export const SLOW_STRATEGY: TableFault = {
  name: "tasks that wait for a slow strategy",
  async begin(stage) {
    stage.answer = undefined;
    for (let i = 0; i < 5; i += 1) await stage.publish();
  },
  status: "degraded",
  reasons: [/Trend follower \(1\)/, /wait/],
  async end(stage) {
    stage.answer = 200;
  },
};
