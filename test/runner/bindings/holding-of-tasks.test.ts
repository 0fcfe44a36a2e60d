import { afterAll, beforeEach, expect, test } from "vitest";
import { executionBinding, GROUP, STREAM } from "../../../runner/bindings/execution-binding.ts";
import type { RoutingContextCache } from "../../../runner/bindings/routing-context.ts";
import { DecisionCache } from "../../../shared/decide/decision-cache.ts";
import { fieldsOf, type Entry } from "../../../shared/entry.ts";
import { redisClock } from "../../../shared/io/redis/clock.ts";
import { streamGroupOn } from "../../../shared/io/streams/stream-group.ts";
import { keysOf, type Keys } from "../../../shared/keys.ts";
import { contextFrom, NOW, taskFields } from "../../builders.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";
import { configOf } from "../../shared/config/config-fixture.ts";

const redis = connectRedis();
let keys: Keys;
let token: string | undefined;
beforeEach(async () => {
  keys = keysOf(freshPrefix());
  const key = keys.stream(STREAM);
  await redis.xadd(key, "*", ...Object.entries(taskFields(NOW)).flat());
  await redis.xgroup("CREATE", key, GROUP, "0");
  await redis.hset(keys.groupLease(GROUP), "token", "second");
  token = "first";
});
afterAll(() => redis.disconnect());

/** A delivered task that has no attempt, and its work under the first holding. */
async function start({
  confirm,
  get,
}: Pick<RoutingContextCache, "get"> & { readonly confirm: () => Promise<void> }) {
  const key = keys.stream(STREAM);
  await redis.xreadgroup("GROUP", GROUP, "mine", "STREAMS", key, ">");
  const [[id, fields] = ["", []]] = await redis.xrange(key, "-", "+");
  const entries: Entry[] = [{ id, fields: fieldsOf(fields) }];
  const group = streamGroupOn(redis, keys, { stream: STREAM, group: GROUP, consumer: "mine" });
  await group.setDeliveryCounts([{ id, deliveries: 0 }]);
  const never = new AbortController().signal;
  const unused = async (): Promise<never> => Promise.reject(new Error("nothing is run"));
  const binding = executionBinding(
    {
      config: configOf({}),
      redis,
      keys,
      clock: redisClock(redis),
      routing: { get, at: unused, latest: unused, invalidate: () => undefined },
      handlers: [],
      strategyPorts: {
        post: unused,
        secretOf: () => undefined,
        redact: (text) => text,
        log: () => undefined,
      },
      taskEnds: { add: () => undefined, flush: async () => undefined, close: () => undefined },
      confirm,
      events: { publish: () => undefined, flush: async () => undefined },
    },
    { consumer: "mine", stopping: never, abort: never, token: () => token, onBegun: () => undefined },
  );
  const answers = [];
  for await (const answer of binding.run(entries)) answers.push(answer);
  return answers;
}

const attempts = async (): Promise<unknown> =>
  ((await redis.xpending(keys.stream(STREAM), GROUP, "-", "+", 1)) as unknown[][])[0]?.[3];
const NO_SNAPSHOT = { status: "unavailable", what: "snapshot", error: "there is none" } as const;

test("a task that was started under one holding is not begun under the next, where it could overtake another", async () => {
  const looked: string[] = [];
  const answers = await start({
    async get() {
      looked.push("snapshot");
      token = "second";
      return NO_SNAPSHOT;
    },
    confirm: async () => undefined,
  });
  expect(looked).toHaveLength(1);
  expect(answers).toMatchObject([{ results: [{ status: "retry" }] }]);
  expect(await attempts()).toBe(0);
});

test("nor is it when the holding ends right before its attempt", async () => {
  const { snapshot, control } = contextFrom();
  await start({
    get: async () => ({ snapshot, control, cache: new DecisionCache() }),
    async confirm() {
      token = "second";
    },
  });
  expect(await attempts()).toBe(0);
});
