import pino from "pino";
import { routingContextCache } from "../../../runner/bindings/routing-context.ts";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { startPollLoop } from "../../../runner/consume/poll-loop.ts";
import type { Binding } from "../../../runner/engine/binding.ts";
import { configOrExit, uniqueConsumerName } from "../../../runner/environment.ts";
import { holdingsOn } from "../../../runner/holding/open-holdings.ts";
import { eventLogOn } from "../../../runner/telemetry/event-log.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { redisClock } from "../../../shared/io/redis/clock.ts";
import { openRedis } from "../../../shared/io/redis/connection.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import { keysOf } from "../../../shared/keys.ts";

/**
 * A process with one real poll loop whose function has a flaw: an entry with a field `kill` ends the process, one with a
 * field `poison` makes it throw – both only while the key `<prefix>cured` is not there.
 */

const config = configOrExit(process.env);
const url = config.redisUrl ?? "";
const keys = keysOf(config.keyPrefix, config);
const consumer = uniqueConsumerName();
const onError = (): void => undefined;
const redis = openRedis({ key: "test", url, role: "commands", name: consumer, onError });
const clock = redisClock(redis);
const events = eventLogOn(redis, keys, clock, pino({ level: "info" }));
const routing = routingContextCache({ redis, keys, store: referenceStoreOn(redis, keys) });
const sound = signalBinding({ config, routing, clock });
const flawed: Binding = {
  ...sound,
  async *run(entries) {
    const cured = (await redis.exists(`${keys.prefix}cured`)) === 1;
    if (!cured && entries.some((entry) => entry.fields["kill"] !== undefined))
      process.kill(process.pid, "SIGKILL");
    if (!cured && entries.some((entry) => entry.fields["poison"] !== undefined)) throw new Error("poisoned");
    yield* sound.run(entries);
  },
};

startPollLoop(flawed, {
  ...config,
  redis,
  blocking: openRedis({
    key: "test",
    url,
    role: "blocking",
    name: `${consumer}:b`,
    blockMs: config.blockMs,
    onError,
  }),
  keys,
  consumer,
  commit: commitOn(redis, keys, config),
  clock,
  events,
  holdings: holdingsOn({
    config: { ...config, functions: ["process-signals"] },
    redisUrl: url,
    consumer,
    keys,
    events,
  }),
  abort: new AbortController().signal,
  reclaims: true,
});
