import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
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
const routers: ChildProcess[] = [];
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
  for (const router of routers.splice(0)) router.kill("SIGKILL");
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
async function startRouter(): Promise<{
  router: ChildProcess;
  port: number;
  pid: number;
  startedByUs: boolean;
}> {
  const { path, loader } = startFile("test/runner/local/redis-process.ts");
  const router = fork(path, [dataDir, String(preferredPort)], {
    execArgv: [...loader],
    detached: true,
  });
  routers.push(router);
  const [report] = (await once(router, "message")) as [{ port: number; pid: number; startedByUs: boolean }];
  return { router, ...report };
}

async function endRouter(router: ChildProcess, how: "exit" | "stop" | "SIGKILL"): Promise<void> {
  const ended = once(router, "exit");
  if (how === "SIGKILL") router.kill("SIGKILL");
  else router.send(how);
  await ended;
}

/** Whether a process ends; false when it still runs after 10 s. */
const ends = (pid: number): Promise<boolean> =>
  vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 20 }).catch(() => false);

test("its folder and files are its owner's alone, also those that were open to others", async () => {
  await mkdir(join(dataDir, "redis", "appendonlydir"), { recursive: true });
  await writeFile(join(dataDir, "redis", "redis.log"), "");
  for (const name of await readdir(dataDir, { recursive: true })) await chmod(join(dataDir, name), 0o777);
  await chmod(dataDir, 0o755);
  const redis = await start();
  await clientOf(redis).set("kept", "1");
  const paths = ["", ...(await readdir(dataDir, { recursive: true }))];
  expect(paths.length).toBeGreaterThan(4);
  for (const path of paths) expect([path, (await stat(join(dataDir, path))).mode & 0o077]).toEqual([path, 0]);
});

test("an append-only file that is damaged is named with what to do", async () => {
  const redis = await start();
  await clientOf(redis).set("kept", "1");
  await redis.stop();
  const folder = join(dataDir, "redis", "appendonlydir");
  const [file = ""] = (await readdir(folder)).filter((name) => name.endsWith(".incr.aof"));
  await writeFile(join(folder, file), "damaged\r\n".repeat(100));
  await expect(start()).rejects.toThrow(/append-only file.*is damaged.*redis-check-aof --fix/);
});

test("the started server stores its data and listens on this machine only", async () => {
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

test("when another process has the port, a free one is used, and used again by the next start", async () => {
  const other = createServer((socket) => socket.destroy());
  await once(other.listen(preferredPort, "127.0.0.1"), "listening");
  const first = await start();
  expect(first.port).not.toBe(preferredPort);
  await first.stop();
  await once(other.close(), "close");
  expect((await start()).port).toBe(first.port);
});

test("when the Redis of another folder has the port, a free one is used", async () => {
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

test("the server of a killed router is used again, and ended by its new owner", async () => {
  const { router, pid, port } = await startRouter();
  await endRouter(router, "SIGKILL");
  const redis = await start();
  expect(redis).toMatchObject({ pid, port, startedByUs: false });
  await redis.stop();
  expect(await ends(pid)).toBe(true);
});

test("the server of a running router is shared and not ended", async () => {
  const { router, pid } = await startRouter();
  const redis = await start();
  expect(redis).toMatchObject({ pid, startedByUs: false });
  await redis.stop();
  expect(await clientOf(redis).ping()).toBe("PONG");
  await endRouter(router, "stop");
  expect(await ends(pid)).toBe(true);
});

test("routers started at the same time on one folder share one server", async () => {
  const [one, two, three] = await Promise.all([startRouter(), startRouter(), startRouter()]);
  expect(new Set([one.pid, two.pid, three.pid]).size).toBe(1);
  expect([one, two, three].filter((router) => router.startedByUs)).toHaveLength(1);
  await Promise.all([one, two, three].map(({ router }) => endRouter(router, "stop")));
  expect(await ends(one.pid)).toBe(true);
});

test("a router that exits without stopping ends its server", async () => {
  const { router, pid } = await startRouter();
  await endRouter(router, "exit");
  expect(await ends(pid)).toBe(true);
});

test("Ctrl-C reaches the router and not the server", async () => {
  const { router, port } = await startRouter();
  const got = once(router, "message");
  process.kill(-(router.pid ?? 0), "SIGINT");
  expect(await got).toEqual([{ got: "SIGINT" }, undefined]);
  expect(await clientOf({ url: `redis://127.0.0.1:${port}` }).ping()).toBe("PONG");
  await endRouter(router, "stop");
});

test("a killed server is started again on its port with its data, and the log says so", async () => {
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

test("a killed server that another router had started is started again too", async () => {
  const { router, pid } = await startRouter();
  await endRouter(router, "SIGKILL");
  const redis = await start();
  process.kill(pid, "SIGKILL");
  await vi.waitUntil(() => redis.pid !== pid, { timeout: 10_000, interval: 20 });
  expect(await clientOf(redis).ping()).toBe("PONG");
});

test("stopping during a restart of the server ends it", async () => {
  const redis = await start();
  process.kill(redis.pid, "SIGKILL");
  await vi.waitUntil(() => log.error.mock.calls.length > 0, { timeout: 10_000, interval: 1 });
  await redis.stop();
  expect(await isListening(redis.port)).toBe(false);
});

test("beside a frozen server no second one is started", async () => {
  const { router, pid } = await startRouter();
  await endRouter(router, "SIGKILL");
  process.kill(pid, "SIGSTOP");
  await expect(start()).rejects.toThrow(`process ${pid}, port ${preferredPort}) does not answer`);
  process.kill(pid, "SIGKILL");
});

test("a server that cannot start is an error with the reason", async () => {
  const failing = () => Promise.resolve("/bin/false");
  const failed = startLocalRedis({ dataDir, log, findServer: failing, preferredPort });
  await expect(failed).rejects.toThrow("The local Redis ended before it was ready (exit code 1)");
});

test("the command line has the URL while the server runs", async () => {
  expect(await localRedisUrl(dataDir)).toBeUndefined();
  const redis = await start();
  expect(await localRedisUrl(dataDir)).toBe(redis.url);
  await redis.stop();
  expect(await localRedisUrl(dataDir)).toBeUndefined();
});
