import { expect, test } from "vitest";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { commitBatch, replayDecision, Unconfirmed } from "../../../runner/replay/commit-batch.ts";
import type { Commit } from "../../../shared/commit.ts";
import { entryFrom, signalFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp } from "../http/http-fixture.ts";

const http = useHttpApp();

const entry = (uid: string, sequence: number) =>
  entryFrom(signalFields({ uid }), { at: Date.now(), sequence });
const tasks = async () => fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream"));

test("a commit whose answer is lost once acts once, and says that it is not known what it did", async () => {
  const { services } = http;
  let lost = false;
  const commit: Commit = async (...args) => {
    const parts = await services.commit(...args);
    if (lost) return parts;
    lost = true;
    throw new Error("Connection is closed.");
  };
  const [a] = [entry("a", 0)];
  const done = await commitBatch(signalBinding(services), [a], { ...services, commit }, { fence: "f" });
  expect(done.failure).toBeUndefined();
  expect(done.processed.get(a.id)).toMatchObject({ status: "committed", outcome: "fenced" });
  expect(await tasks()).toHaveLength(1);
});

test("a commit that is never answered is not taken for one that did not happen", async () => {
  const { services } = http;
  const commit: Commit = async (...args) => {
    await services.commit(...args);
    throw new Error("Connection is closed.");
  };
  const deps = { ...services, commit };
  const done = await commitBatch(signalBinding(services), [entry("a", 0)], deps, { fence: "f", msMax: 200 });
  expect(done.processed.size).toBe(0);
  expect(done.failure).toBeInstanceOf(Unconfirmed);
  expect(done.failure?.message).toMatch(/^Connection is closed\..*may have been committed all the same/);
  expect(await tasks()).toHaveLength(1);
});

test("a function's own error leaves its entry, and says so", async () => {
  const { services } = http;
  const [a, b] = [entry("a", 0), entry("b", 1)];
  const binding = signalBinding(services);
  const faulty: typeof binding = {
    ...binding,
    async *run(entries) {
      if (entries.includes(a)) throw new Error("a bug");
      yield* binding.run(entries);
    },
  };
  const done = await commitBatch(faulty, [a, b], services, { fence: "f" });
  expect(done.failure?.message).toBe(`entry ${a.id} was left: a bug`);
  expect(done.processed.get(a.id)).toMatchObject({ status: "left" });
  expect(done.processed.get(b.id)).toMatchObject({ status: "committed", outcome: "applied" });
});

test("a duplicate names its holder, also where the claim is not a string", async () => {
  const { services } = http;
  const { redis, keys } = services;
  await redis.set(keys.dedup("a"), "17-0");
  await redis.hset(keys.dedup("b"), "x", "y");
  const entries = [entry("a", 0), entry("b", 1)];
  const done = await commitBatch(signalBinding(services), entries, services, { fence: "f" });
  const decisions = [...done.processed.values()].map((processed) => replayDecision(processed, done));
  expect(decisions).toMatchObject([
    { status: "duplicate", duplicate_of: "17-0" },
    { status: "duplicate", duplicate_of: "unknown" },
  ]);
  const records = await fieldsIn(redis, keys.stream("signal_results"));
  expect(records.map(({ data = "" }) => JSON.parse(data).duplicate_of)).toEqual(["17-0", "unknown"]);
});
