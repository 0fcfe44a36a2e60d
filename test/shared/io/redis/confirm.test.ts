import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  confirmOn,
  CONFIRMED,
  TooFewReplicasError,
  type Confirmation,
} from "../../../../shared/io/redis/confirm.ts";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

let master: RedisServer;
let replica: RedisServer;
let redis: Redis;
let onReplica: Redis;
const opened: Confirmation[] = [];

beforeAll(async () => {
  [master, replica] = await Promise.all([startRedis({ aof: "off" }), startRedis({ aof: "off" })]);
  redis = openRedis({
    url: master.url,
    key: "written",
    role: "commands",
    name: "writer",
    onError: () => undefined,
  });
  await redis.config("SET", "repl-diskless-sync-delay", "0");
  onReplica = new Redis(replica.url);
  await onReplica.replicaof("127.0.0.1", master.port);
  await untilLinked();
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});
afterAll(async () => {
  redis.disconnect();
  onReplica.disconnect();
  await Promise.all([master.stop(), replica.stop()]);
});

async function untilLinked(): Promise<void> {
  await vi.waitFor(async () => {
    if (!(await onReplica.info("replication")).includes("link_status:up")) throw new Error("not linked yet");
  });
}

function confirming({ url = master.url, msMax = 60_000 }: { url?: string; msMax?: number }) {
  const onError = () => undefined;
  const one = confirmOn({ redis, url, name: "c:confirm", key: "confirmed", replicasMin: 1, msMax, onError });
  opened.push(one);
  return one.confirm;
}

async function callsOf(command: string): Promise<number> {
  const stats = await redis.info("commandstats");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

test("what is confirmed is on a replica, also when another connection has written it", async () => {
  await redis.set("written", "1");
  await confirming({})();
  expect(await onReplica.get("written")).toBe("1");
});

test("a replica that stands still confirms nothing until it goes on", async () => {
  const confirm = confirming({ msMax: 100 });
  await vi.waitFor(confirm);
  process.kill(replica.pid, "SIGSTOP");
  await redis.set("written", "2");
  const refused = await confirm().catch((error: unknown) => error);
  process.kill(replica.pid, "SIGCONT");
  expect(refused).toBeInstanceOf(TooFewReplicasError);
  expect(String(refused)).toMatch(/0 replicas had confirmed it after 100 ms, REDIS_REPLICAS_MIN is 1/);
  await vi.waitFor(confirm);
  expect(await onReplica.get("written")).toBe("2");
});

test("one question is under way, and all who come meanwhile share the next one", async () => {
  const confirm = confirming({});
  await confirm();
  process.kill(replica.pid, "SIGSTOP");
  const before = await callsOf("wait");
  const first = Array.from({ length: 20 }, confirm);
  await vi.waitFor(async () => expect(await redis.info("clients")).toContain("blocked_clients:1"));
  const later = Array.from({ length: 20 }, confirm);
  process.kill(replica.pid, "SIGCONT");
  await Promise.all([...first, ...later]);
  expect(await callsOf("wait")).toBe(before + 2);
});

test("the replicas of another server prove nothing about what was written before", async () => {
  const other = await startRedis({ aof: "off" });
  const onOther = new Redis(other.url);
  try {
    await onOther.config("SET", "repl-diskless-sync-delay", "0");
    await onReplica.replicaof("127.0.0.1", other.port);
    await vi.waitFor(async () => expect(await onOther.info("replication")).toContain("state=online"));
    const refused = await confirming({ url: other.url })().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TooFewReplicasError);
    expect(String(refused)).toMatch(/another Redis server/);
  } finally {
    onOther.disconnect();
    await other.stop();
  }
});

test("where no replica must have anything, nothing is opened or sent", () => {
  const { confirm } = confirmOn({
    redis,
    url: "redis://no.such.host.invalid",
    name: "c",
    key: "k",
    replicasMin: 0,
    msMax: 1,
    onError: (error) => expect.unreachable(String(error)),
  });
  expect(confirm).toBe(CONFIRMED);
});
