import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { processSignals } from "../../functions/process-signals.ts";
import { pause } from "../../shared/io/reference/control-store.ts";
import type { Keys } from "../../shared/keys.ts";
import { decisionRecordIn, duplicateRecord } from "../../shared/published-record.ts";
import { signalRecordSchema } from "../../shared/records.ts";
import { contextFrom, effectsOf } from "../builders.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { fieldsIn } from "../servers/redis-contents.ts";
import { useRouters } from "../servers/router-fixture.ts";
import {
  compared,
  CONFORMANCE_SUITES,
  expectedOf,
  restOf,
  SIGNAL_AGE_MS_MAX,
  type ConformanceSuite,
  type Recorded,
} from "./conformance-cases.ts";
import { useHttpApp } from "./http/http-fixture.ts";

const http = useHttpApp({ settings: { HTTP_BODY_BYTES_MAX: "20000000" } });
const router = useRouters();

interface Wires {
  readonly redis: Redis;
  readonly keys: Keys;
}

async function pauseThose({ paused }: ConformanceSuite, { redis, keys }: Wires): Promise<void> {
  for (const id of paused) await pause(redis, keys, id, { by: "test", at: Date.now() });
}

/** Adds the signals to `signals_stream` and gives the ids they were given, in order. */
async function publishAll({ signals }: ConformanceSuite, { redis, keys }: Wires): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const fields of signals)
    pipeline.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
  return ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
}

/** The decisions published on these entries, in their order. */
async function recordedOn(entryIds: readonly string[], { redis, keys }: Wires): Promise<Recorded[]> {
  const published = await fieldsIn(redis, keys.stream("signal_results"));
  const records = new Map(published.map((fields) => [fields["entry_id"], fields["data"]]));
  return entryIds.map((entryId) => ({
    entryId,
    record: signalRecordSchema.parse(JSON.parse(records.get(entryId) ?? "null")),
  }));
}

/** The function itself, with the claims done by hand. */
async function direct({ signals, rows, paused }: ConformanceSuite): Promise<Recorded[]> {
  const now = Date.now();
  const entries = signals.map((fields, i) => ({ id: `${now}-${i}`, fields }));
  const results = processSignals(
    entries,
    contextFrom({ rows, paused, now, signalAgeMsMax: SIGNAL_AGE_MS_MAX }),
  );
  const holders = new Map<string, string>();
  return results.map((result) => {
    const effects = effectsOf(result);
    const uid = effects.claim?.uid;
    const holder = uid === undefined ? undefined : holders.get(uid);
    if (uid !== undefined && holder === undefined) holders.set(uid, result.id);
    const record = holder === undefined ? decisionRecordIn(effects) : duplicateRecord(effects, holder);
    if (record === undefined) throw new Error(`no decision on entry ${result.id}`);
    return { entryId: result.id, record };
  });
}

async function pollLoop(suite: ConformanceSuite): Promise<Recorded[]> {
  await insertReference(router.databaseUrl, suite.rows);
  await pauseThose(suite, router);
  await router.start();
  const entryIds = await publishAll(suite, router);
  await router.settled();
  return recordedOn(entryIds, router);
}

async function prepareApp(suite: ConformanceSuite): Promise<void> {
  await http.setReference(suite.rows);
  await pauseThose(suite, http.services);
}

const posted =
  (path: string) =>
  async (suite: ConformanceSuite): Promise<Recorded[]> => {
    await prepareApp(suite);
    const { status, body } = await http.call("POST", path, {
      entries: suite.signals.map((fields) => ({ fields })),
    });
    expect(status).toBe(200);
    return body.results.map(({ id, decision }: { id: string; decision: unknown }) => ({
      entryId: id,
      record: signalRecordSchema.parse(decision),
    }));
  };

const publishedAndThen =
  (path: string) =>
  async (suite: ConformanceSuite): Promise<Recorded[]> => {
    await prepareApp(suite);
    const entryIds = await publishAll(suite, http.services);
    expect((await http.call("POST", path)).status).toBe(200);
    return recordedOn(entryIds, http.services);
  };

describe.each([
  { way: "a direct call", decide: direct },
  { way: "the poll loop of a router", decide: pollLoop },
  { way: "POST /functions/process-signals", decide: posted("/functions/process-signals") },
  { way: "its dry run", decide: posted("/functions/process-signals?dryRun=true") },
  {
    way: "POST /functions/process-signals/poll",
    decide: publishedAndThen("/functions/process-signals/poll"),
  },
  { way: "POST /tick", decide: publishedAndThen("/tick") },
])("$way", ({ decide }) => {
  test.each(CONFORMANCE_SUITES)(
    "decides $name as the rules say, and records it like every other way",
    async ({ build }) => {
      const suite = build();
      const recorded = await decide(suite);
      expect(compared(recorded)).toEqual(expectedOf(suite));
      expect(restOf(recorded)).toEqual(restOf(await direct(suite)));
    },
    60_000,
  );
});

test("the cases bring up every kind of decision", () => {
  const statuses = new Set(
    CONFORMANCE_SUITES.flatMap(({ build }) => expectedOf(build()).map(({ status }) => status)),
  );
  expect(statuses).toEqual(new Set(["dispatched", "ignored", "duplicate", "rejected"]));
});
