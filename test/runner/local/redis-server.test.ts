import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findRedisServer } from "../../../runner/local/find-redis.ts";
import { freePort, isListening } from "../../../runner/local/redis-probe.ts";
import { localRedisUrl, startLocalRedis, type LocalRedis } from "../../../runner/local/redis-server.ts";
import { isAlive } from "../../../runner/local/redis-state.ts";
import { startFile } from "../../servers/built-scripts.ts";

let dataDir = "";
let preferredPort = 0;
const started: LocalRedis[] = [];
const stacks: ChildProcess[] = [];
const clients: Redis[] = [];
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const findServer = () => findRedisServer({ env: process.env });

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "local redis {1} #"));
  preferredPort = (await freePort(0)) ?? 0;
  vi.clearAllMocks();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  for (const backing of stacks.splice(0)) backing.kill("SIGKILL");
  for (const redis of started.splice(0)) await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<LocalRedis> {
  const redis = await startLocalRedis({ dataDir, log, findServer, preferredPort });
  started.push(redis);
  return redis;
}

function clientOf({ url }: { url: string }): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** Another router on the same data, in a process group of its own. */
async function startStack(): Promise<{
  backing: ChildProcess;
  port: number;
  pid: number;
  startedByUs: boolean;
}> {
  const { path, loader } = startFile("test/runner/local/redis-process.ts");
  const backing = fork(path, [dataDir, String(preferredPort)], {
    execArgv: [...loader],
    detached: true,
  });
  stacks.push(backing);
  const [said] = (await once(backing, "message")) as [{ port: number; pid: number; startedByUs: boolean }];
  return { backing, ...said };
}

async function endStack(backing: ChildProcess, how: "exit" | "stop" | "SIGKILL"): Promise<void> {
  const ended = once(backing, "exit");
  if (how === "SIGKILL") backing.kill("SIGKILL");
  else backing.send(how);
  await ended;
}

/** False when it is still there after a while. */
const goes = (pid: number): Promise<boolean> =>
  vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 20 }).catch(() => false);

test("a server is started that keeps what it is given, for this machine only", async () => {
  const redis = await start();
  const client = clientOf(redis);
  const setting = async (name: string) => (await client.config("GET", name))[1];
  expect(redis).toMatchObject({
    port: preferredPort,
    startedByUs: true,
    url: `redis://127.0.0.1:${preferredPort}`,
  });
  expect(await setting("appendonly")).toBe("yes");
  expect(await setting("appendfsync")).toBe("everysec");
  expect(await setting("save")).toBe("");
  expect(await setting("maxmemory-policy")).toBe("noeviction");
  expect(await setting("bind")).toBe("127.0.0.1");
  expect(await setting("protected-mode")).toBe("yes");
  expect(await setting("dir")).toBe(await realpath(join(dataDir, "redis")));
});

test("stop ends the server; the next start has the same data and port", async () => {
  const first = await start();
  await clientOf(first).set("kept", "yes");
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  preferredPort = (await freePort(0)) ?? 0;
  const second = await start();
  expect(second).toMatchObject({ port: first.port, startedByUs: true });
  expect(await clientOf(second).get("kept")).toBe("yes");
});

test("a port taken by something else is left alone, and the one found instead is kept", async () => {
  const other = createServer((socket) => socket.destroy());
  await once(other.listen(preferredPort, "127.0.0.1"), "listening");
  const first = await start();
  expect(first.port).not.toBe(preferredPort);
  await first.stop();
  await once(other.close(), "close");
  expect((await start()).port).toBe(first.port);
});

test("a port taken by the Redis of another folder is left alone", async () => {
  const other = await start();
  const mine = dataDir;
  dataDir = await mkdtemp(join(tmpdir(), "local-redis-"));
  const second = await start();
  expect(second.port).not.toBe(other.port);
  expect(second.startedByUs).toBe(true);
  await second.stop();
  await rm(dataDir, { recursive: true });
  dataDir = mine;
});

test("the server of a router that was killed is used as it is, and ended by its new owner", async () => {
  const { backing, pid, port } = await startStack();
  await endStack(backing, "SIGKILL");
  const redis = await start();
  expect(redis).toMatchObject({ pid, port, startedByUs: false });
  await redis.stop();
  expect(await goes(pid)).toBe(true);
});

test("the server of a router that still runs is shared and not ended", async () => {
  const { backing, pid } = await startStack();
  const redis = await start();
  expect(redis).toMatchObject({ pid, startedByUs: false });
  await redis.stop();
  expect(await clientOf(redis).ping()).toBe("PONG");
  await endStack(backing, "stop");
  expect(await goes(pid)).toBe(true);
});

test("routers started at once on one folder get one server", async () => {
  const [one, two, three] = await Promise.all([startStack(), startStack(), startStack()]);
  expect(new Set([one.pid, two.pid, three.pid]).size).toBe(1);
  expect([one, two, three].filter((backing) => backing.startedByUs)).toHaveLength(1);
  await Promise.all([one, two, three].map(({ backing }) => endStack(backing, "stop")));
  expect(await goes(one.pid)).toBe(true);
});

test("a router that exits without stopping leaves no server behind", async () => {
  const { backing, pid } = await startStack();
  await endStack(backing, "exit");
  expect(await goes(pid)).toBe(true);
});

test("Ctrl-C reaches the router and not the server", async () => {
  const { backing, port } = await startStack();
  const got = once(backing, "message");
  process.kill(-(backing.pid ?? 0), "SIGINT");
  expect(await got).toEqual([{ got: "SIGINT" }, undefined]);
  expect(await clientOf({ url: `redis://127.0.0.1:${port}` }).ping()).toBe("PONG");
  await endStack(backing, "stop");
});

test("a server that dies is started again on its port with its data, and the log says so", async () => {
  const redis = await start();
  const { pid } = redis;
  const client = clientOf(redis);
  await client.set("kept", "yes");
  process.kill(pid, "SIGKILL");
  await vi.waitUntil(() => redis.pid !== pid, { timeout: 10_000, interval: 20 });
  expect(await client.get("kept")).toBe("yes");
  expect(log.error).toHaveBeenCalledWith(
    { port: redis.port, pid, how: "SIGKILL" },
    "the local Redis ended; starting it again",
  );
});

test("a server taken over that dies is started again too", async () => {
  const { backing, pid } = await startStack();
  await endStack(backing, "SIGKILL");
  const redis = await start();
  process.kill(pid, "SIGKILL");
  await vi.waitUntil(() => redis.pid !== pid, { timeout: 10_000, interval: 20 });
  expect(await clientOf(redis).ping()).toBe("PONG");
});

test("stopping while the server is being started again leaves none behind", async () => {
  const redis = await start();
  process.kill(redis.pid, "SIGKILL");
  await vi.waitUntil(() => log.error.mock.calls.length > 0, { timeout: 10_000, interval: 1 });
  await redis.stop();
  expect(await isListening(redis.port)).toBe(false);
});

test("a frozen server is not doubled", async () => {
  const { backing, pid } = await startStack();
  await endStack(backing, "SIGKILL");
  process.kill(pid, "SIGSTOP");
  await expect(start()).rejects.toThrow(`process ${pid}, port ${preferredPort}) does not answer`);
  process.kill(pid, "SIGKILL");
});

test("a server that cannot start tells why", async () => {
  const failing = () => Promise.resolve("/bin/false");
  const failed = startLocalRedis({ dataDir, log, findServer: failing, preferredPort });
  await expect(failed).rejects.toThrow("The local Redis ended before it was ready (exit code 1)");
});

test("the URL for the command line is there while the server runs", async () => {
  expect(await localRedisUrl(dataDir)).toBeUndefined();
  const redis = await start();
  expect(await localRedisUrl(dataDir)).toBe(redis.url);
  await redis.stop();
  expect(await localRedisUrl(dataDir)).toBeUndefined();
});
