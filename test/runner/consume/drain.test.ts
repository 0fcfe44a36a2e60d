import { expect, test } from "vitest";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { budgetOf } from "../../../runner/consume/budget.ts";
import { drain } from "../../../runner/consume/drain.ts";
import { reclaimGroups } from "../../../runner/consume/reclaim-groups.ts";
import { type Binding } from "../../../runner/engine/binding.ts";
import type { Commit } from "../../../shared/commit.ts";
import { signalFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp } from "../http/http-fixture.ts";

const http = useHttpApp({ settings: { BATCH_COUNT_MAX: "5" } });
const aMinute = () => ({ budget: budgetOf(60_000) });

const uidsOfTasks = async () =>
  (await fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream"))).map(
    ({ log_uid }) => log_uid,
  );

async function publish(count: number): Promise<string[]> {
  const uids = Array.from({ length: count }, (_, i) => `u${i}`);
  for (const uid of uids) await http.publish(signalFields({ uid }));
  return uids;
}

test("a batch is read and decided while the one before is still worked on, and committed after it", async () => {
  const { services } = http;
  const uids = await publish(10);
  const batches: number[] = [];
  let secondDecided: () => void = () => undefined;
  const decided = new Promise<void>((resolve) => {
    secondDecided = resolve;
  });
  const signals = signalBinding(services);
  const slowAtFirst: Binding = {
    ...signals,
    async *run(entries) {
      if (entries.length > 0) batches.push(entries.length);
      const isFirst = batches.length === 1 && entries.length > 0;
      if (isFirst) {
        await decided;
        // Time for whatever would overtake it.
        for (let i = 0; i < 50; i += 1) await services.redis.ping();
      }
      yield* signals.run(entries);
    },
  };
  const watched: Binding = {
    ...slowAtFirst,
    async *run(entries) {
      for await (const answer of slowAtFirst.run(entries)) {
        if (batches.length === 2) secondDecided();
        yield answer;
      }
    },
  };
  expect(await drain(watched, services, aMinute())).toMatchObject({ committed: 10, empty: true });
  expect(batches).toEqual([5, 5]);
  expect(await uidsOfTasks()).toEqual(uids);
});

test("nothing is read or taken over any more when the process stops", async () => {
  const { services } = http;
  const { redis, keys } = services;
  const key = keys.stream("signals_stream");
  await publish(3);
  await redis.xgroup("CREATE", key, "signal_processor", "0");
  await redis.xreadgroup("GROUP", "signal_processor", "killed", "COUNT", 2, "STREAMS", key, ">");
  const [first] = await redis.xrange(key, "-", "+", "COUNT", 1);
  await redis.call(
    "XCLAIM",
    key,
    "signal_processor",
    "killed",
    "0",
    first?.[0] ?? "",
    "IDLE",
    "60000",
    "JUSTID",
  );
  const signals = signalBinding(services);
  const stopped = budgetOf(60_000, AbortSignal.abort());
  expect(await drain(signals, services, { budget: stopped })).toMatchObject({ read: 0, left: 0 });
  expect(await reclaimGroups([signals], services, stopped)).toMatchObject([{ taken: 0, finished: false }]);
  expect(await uidsOfTasks()).toEqual([]);
  expect(await reclaimGroups([signals], services, budgetOf(60_000))).toMatchObject([
    { taken: 2, committed: 2 },
  ]);
  expect(await drain(signals, services, aMinute())).toMatchObject({ read: 1, committed: 1 });
});

test("an entry the function throws for stays pending, having counted an attempt, and costs its neighbours nothing", async () => {
  const { services } = http;
  const { redis, keys } = services;
  await publish(7);
  const signals = signalBinding(services);
  const poisoned: Binding = {
    ...signals,
    async *run(entries) {
      if (entries.some(({ fields }) => fields["uid"] === "u3")) throw new Error("poisoned");
      yield* signals.run(entries);
    },
  };
  expect(await drain(poisoned, services, aMinute())).toEqual({
    stream: "signals_stream",
    read: 7,
    committed: 6,
    left: 1,
    empty: true,
  });
  expect(await uidsOfTasks()).toEqual(["u0", "u1", "u2", "u4", "u5", "u6"]);
  const left = await redis.xpending(keys.stream("signals_stream"), "signal_processor", "-", "+", 10);
  expect(left).toEqual([[expect.any(String), expect.stringMatching(/^test:poll-/), expect.any(Number), 1]]);
});

test("polls at the same time do not disturb each other's commit order: one call for each batch", async () => {
  const uids = await publish(150);
  let calls = 0;
  let batches = 0;
  const commit: Commit = async (items, options) => {
    calls += 1;
    return http.services.commit(items, options);
  };
  const services = { ...http.services, commit };
  const signals = signalBinding(services);
  const counted: Binding = {
    ...signals,
    async *run(entries) {
      if (entries.length > 0) batches += 1;
      yield* signals.run(entries);
    },
  };
  const polls = await Promise.all([1, 2, 3].map(async () => drain(counted, services, aMinute())));
  expect(polls.reduce((sum, { committed }) => sum + committed, 0)).toBe(150);
  expect(new Set(await uidsOfTasks())).toEqual(new Set(uids));
  expect(batches).toBeGreaterThanOrEqual(30);
  expect(calls).toBe(batches);
});
