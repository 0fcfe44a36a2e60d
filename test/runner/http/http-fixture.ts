import type { OpenAPIHono } from "@hono/zod-openapi";
import pino from "pino";
import { afterEach, beforeEach } from "vitest";
import { createHttpApp } from "../../../runner/http/app.ts";
import type { AppEnv } from "../../../runner/http/routes.ts";
import { openServices, type Services } from "../../../runner/setup/services.ts";
import { readConfig } from "../../../shared/config/config.ts";
import { strategySecrets } from "../../../shared/config/secrets.ts";
import type { Fields } from "../../../shared/entry.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { openSignalIngest, type SignalIngest } from "../../../shared/io/streams/signal-ingest.ts";
import type { StreamName } from "../../../shared/keys.ts";
import { READ_TABLES, type ReferenceRows } from "../../../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../../../shared/strategy.ts";
import { referenceRows } from "../../builders.ts";
import type { FreshDatabase } from "../../servers/database.ts";
import { freshPrefix, migratedDatabase, redisUrl } from "../../servers/fixtures.ts";
import { insertReference, sql } from "../../servers/insert-reference.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";

/** The HTTP app with Redis and Postgres, for tests of its routes. */

export const TOKEN = "a-token-for-tests";
/** Address that all requests come from. */
export const PEER = "192.0.2.1";

export interface HttpFixture {
  readonly app: OpenAPIHono<AppEnv>;
  readonly services: Services;
  readonly databaseUrl: string;
  /** Calls the app, see {@link callApp}. */
  call(...request: Call): Promise<Answered>;
  /** Adds a signal to `signals_stream` and returns its entry id. */
  publish(fields: Fields): Promise<string>;
  publishMany(count: number, fieldsOf: (n: number) => Fields): Promise<void>;
  /** The fields of all entries of a stream. */
  fieldsIn(stream: StreamName): Promise<Fields[]>;
  sql(statement: string, params?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Replaces the reference with these rows and makes them the current snapshot. */
  setReference(rows: ReferenceRows): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  readonly body: any;
}

type Call = [method: string, path: string, body?: unknown, headers?: Record<string, string>];

/** Calls an app with the token; a body is sent as JSON. */
export async function callApp(
  app: OpenAPIHono<AppEnv>,
  ...[method, path, body, headers = {}]: Call
): Promise<Answered> {
  const response = await app.request(path, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** An app on these services, without the webhook. */
export function appOn(services: Services): OpenAPIHono<AppEnv> {
  return createHttpApp({ services, token: TOKEN, peerAddressOf: () => PEER });
}

/** Variables other than the defaults, such as `{ SIGNAL_AGE_MS_MAX: "0" }`. */
export type Settings = Readonly<Record<string, string>>;

export interface FixtureOptions {
  readonly rows?: ReferenceRows;
  readonly settings?: Settings;
  /** Receives every line of the process log. */
  readonly logLines?: string[];
  /** Strategy handlers other than the router's. */
  readonly handlers?: readonly AnyStrategyHandler[];
  /** The Redis the webhook writes to, if not the one of all tests. */
  readonly intakeUrl?: () => string;
}

/** An app for each test, on a key prefix and a migrated database of its own, with a snapshot of `rows`; nothing else runs. */
export function useHttpApp({
  rows = referenceRows(),
  settings = {},
  logLines,
  handlers,
  intakeUrl = redisUrl,
}: FixtureOptions = {}): HttpFixture {
  let current:
    | { app: OpenAPIHono<AppEnv>; services: Services; fresh: FreshDatabase; ingest: SignalIngest }
    | undefined;
  const opened = (): NonNullable<typeof current> => {
    if (current === undefined) throw new Error("the fixture exists only during a test");
    return current;
  };

  beforeEach(async () => {
    const fresh = await migratedDatabase();
    const answer = readConfig({ KEY_PREFIX: freshPrefix(), ...settings });
    if (!answer.ok) throw new Error(answer.message);
    const database = await openDatabase({ url: fresh.url, dataDir: "", onError: () => undefined });
    await insertReference(fresh.url, rows);
    const logger =
      logLines === undefined
        ? pino({ level: "silent" })
        : pino({ level: "trace" }, { write: (line: string) => logLines.push(line) });
    const services = openServices({
      config: answer.config,
      redisUrl: redisUrl(),
      consumer: "test",
      database,
      logger,
      secrets: strategySecrets(settings),
      ...(handlers === undefined ? {} : { handlers }),
    });
    await services.refresh();
    const { keys } = services;
    const ingest = openSignalIngest({
      url: intakeUrl(),
      keys,
      name: "test:intake",
      onError: () => undefined,
    });
    const app = createHttpApp({ services, token: TOKEN, peerAddressOf: () => PEER, ingest });
    current = { app, services, fresh, ingest };
  });

  afterEach(async () => {
    await current?.services.events.flush(1_000);
    current?.ingest.close();
    current?.services.close();
    await current?.services.database.close();
    await current?.fresh.drop();
    current = undefined;
  });

  return {
    get app() {
      return opened().app;
    },
    get services() {
      return opened().services;
    },
    get databaseUrl() {
      return opened().fresh.url;
    },
    call: async (...request) => callApp(opened().app, ...request),
    async publish(fields) {
      const { redis, keys } = opened().services;
      return String(await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat()));
    },
    async publishMany(count, fieldsOf) {
      const { redis, keys } = opened().services;
      for (let n = 0; n < count;) {
        const pipeline = redis.pipeline();
        for (const end = Math.min(count, n + 500); n < end; n += 1)
          pipeline.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fieldsOf(n)).flat());
        await pipeline.exec();
      }
    },
    fieldsIn: async (stream) => fieldsIn(opened().services.redis, opened().services.keys.stream(stream)),
    sql: async (statement, params) => sql(opened().fresh.url, statement, params),
    async setReference(reference) {
      const { fresh, services } = opened();
      await sql(fresh.url, `TRUNCATE ${READ_TABLES.join(", ")}`);
      await insertReference(fresh.url, reference);
      await services.refresh();
    },
  };
}
