import { Redis } from "ioredis";
import { afterEach, beforeEach } from "vitest";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import type { FreshDatabase } from "../../servers/database.ts";
import { freshPrefix, migratedDatabase, redisUrl } from "../../servers/fixtures.ts";
import {
  gatewayEvent,
  startInstance,
  useInstances,
  type EventOptions,
  type LambdaResult,
  type TestInstance,
} from "./serverless-fixture.ts";

const TOKEN = "a-token-of-the-tests";
export const SECRET = "a-secret-of-the-tests";
export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
export const JSON_TYPE = { "content-type": "application/json" };
export const SEARCH = { method: "GET", path: "/signals", query: "symbol=BTCUSDT&limit=5" };
export const PAUSE = {
  method: "POST",
  path: "/pause",
  headers: { ...AUTHORIZED, ...JSON_TYPE },
  body: JSON.stringify({ by: "ann" }),
};

/** Instances of the Lambda entry on a prefix and a migrated database of a test's own. */
export interface LambdaFixture {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly database: FreshDatabase;
  /** Environment of the instances started from here on. */
  readonly env: Record<string, string>;
  readonly lambda: () => Promise<TestInstance>;
  readonly invoke: (instance: TestInstance, options: EventOptions, laterMs?: number) => Promise<LambdaResult>;
}

/** Makes the fixture anew before each test of the file and ends the instances after it. */
export function useLambda(): LambdaFixture {
  let own: Pick<LambdaFixture, "redis" | "keys" | "database" | "env"> | undefined;
  const there = (): NonNullable<typeof own> => {
    if (own === undefined) throw new Error("the fixture is there during a test only");
    return own;
  };
  beforeEach(async () => {
    const keys = keysOf(freshPrefix());
    const database = await migratedDatabase();
    const env = {
      REDIS_URL: redisUrl(),
      DATABASE_URL: database.url,
      KEY_PREFIX: keys.prefix,
      HTTP_TOKEN: TOKEN,
      WEBHOOK_SECRET: SECRET,
    };
    own = { redis: new Redis(redisUrl()), keys, database, env };
  });
  afterEach(async () => {
    own?.redis.disconnect();
    await own?.database.drop();
  });
  useInstances();
  return {
    get redis() {
      return there().redis;
    },
    get keys() {
      return there().keys;
    },
    get database() {
      return there().database;
    },
    get env() {
      return there().env;
    },
    lambda: async () => startInstance("runner/lambda.ts", there().env),
    invoke: async (instance, options, laterMs = 0) =>
      instance.ask({ event: gatewayEvent({ headers: AUTHORIZED, ...options }), laterMs }),
  };
}
