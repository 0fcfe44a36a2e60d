import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { withRedis } from "../../../runner/cli/connection.ts";
import { folderRouter } from "../../../runner/cli/folder-router.ts";
import { fetchOverSocket } from "../../../runner/cli/socket-fetch.ts";
import { serveOwner } from "../../../runner/http/serve-owner.ts";
import { socketPath } from "../../../runner/local/router-socket.ts";
import { readConfig } from "../../../shared/config/config.ts";
import { useHttpApp } from "./http-fixture.ts";

/** What the owner of the data folder may ask, over its socket. */

const SECRET = "a-secret-of-the-webhook";
const http = useHttpApp({ settings: { WEBHOOK_SECRET: SECRET, SIGNAL_AGE_MS_MAX: "1000" } });

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "owner-"));
  const server = await serveOwner(http.services, dataDir);
  onTestFinished(async () => {
    await server?.stop({ msMax: 0 });
    await rm(dataDir, { recursive: true, force: true });
  });
});

const ask = async (path: string, init?: RequestInit) =>
  fetchOverSocket(socketPath(dataDir) ?? "", new Request(`http://router${path}`, init));

async function routerFor(env: Readonly<Record<string, string>>) {
  const answer = readConfig(env);
  if (!answer.ok) throw new Error(answer.message);
  return folderRouter(answer.config, { env, dataDir });
}

test("every route without a token, however many at once, and no webhook", async () => {
  const answers = await Promise.all(Array.from({ length: 120 }, async () => ask("/reference/document")));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await ask("/healthz")).status).toBe(200);
  const alert = { method: "POST", body: '{"message":"SIGNAL_1_LONG","symbol":"BTCUSDT"}' };
  expect((await ask(`/webhooks/tradingview/${SECRET}`, alert)).status).toBe(404);
  expect(
    (await http.app.request("/settings", { headers: { authorization: "Bearer a-token-for-tests" } })).status,
  ).toBe(404);
});

test("commands take the settings of the router, and refuse to mean another one", async () => {
  const { config, redisUrl } = http.services;
  const found = await routerFor({ LOG_LEVEL: "debug", SIGNAL_AGE_MS_MAX: "5" });
  if (found.status !== "runs") throw new Error(JSON.stringify(found));
  expect(found.settings).toMatchObject({
    pid: process.pid,
    redis_url: redisUrl,
    database: null,
    settings: { KEY_PREFIX: config.keyPrefix, SIGNAL_AGE_MS_MAX: "1000", SHADOW: "false" },
  });
  expect(JSON.stringify(found.settings)).not.toContain(SECRET);
  expect(readConfig(found.settings.settings)).toEqual({
    ok: true,
    config: { ...config, webhookSecret: undefined },
  });

  expect(await routerFor({ REDIS_URL: redisUrl.replace("127.0.0.1", "user:pw@localhost") })).toMatchObject({
    status: "runs",
  });
  const other = await routerFor({ REDIS_URL: "redis://:hush@127.0.0.1:1/2", KEY_PREFIX: "other:" });
  expect(other).toMatchObject({ status: "refused" });
  const message = "message" in other ? other.message : "";
  expect(message).toContain(`REDIS_URL is redis://***@127.0.0.1:1/2 for this command, and ${redisUrl}`);
  expect(message).toContain(`KEY_PREFIX is other: for this command, and ${config.keyPrefix} for that router`);
  expect(message).not.toContain("hush");
  const server = await routerFor({ DATABASE_URL: "postgres://ann:hush@db.example.com/trading" });
  expect(server).toMatchObject({
    message: expect.stringContaining(
      "DATABASE_URL is postgres://***@db.example.com/trading for this command, and not set",
    ),
  });
  // With servers for everything nothing of the folder is needed.
  expect(await routerFor({ REDIS_URL: "redis://x", DATABASE_URL: "postgres://x/y" })).toEqual({
    status: "none",
  });
});

test("commands on Redis work with what the router works with", async () => {
  const { keys, redisUrl } = http.services;
  const used = await withRedis({}, async (connection) => connection, dataDir);
  expect(used).toMatchObject({ redisUrl, config: { signalAgeMsMax: 1000 } });
  expect(used.keys.prefix).toBe(keys.prefix);
});

test("what listens and does not answer is said in words, and used by no command", async () => {
  const silent = await mkdtemp(join(tmpdir(), "silent-"));
  const server = createServer().listen(join(silent, "router.sock"));
  onTestFinished(async () => {
    server.close();
    await rm(silent, { recursive: true, force: true });
  });
  await once(server, "listening");
  const answer = readConfig({});
  const config = answer.ok ? answer.config : http.services.config;
  expect(await folderRouter(config, { env: {}, dataDir: silent, answerMsMax: 50 })).toEqual({
    status: "unusable",
    message: expect.stringMatching(
      /listens on .*router.sock, and has not answered within 0.05 s.*kill -CONT/,
    ),
  });
});

test("an edit whose command dies in the middle leaves the old reference or the new one", async () => {
  const read = async () => (await ask("/reference/document")).text();
  const before = await read();
  const after = before.replace('"symbol": "BTCUSDT"', '"symbol": "LTCUSDT"');
  expect(after).not.toBe(before);
  const sent = request({
    socketPath: socketPath(dataDir),
    method: "PUT",
    path: "/reference/document?prune=true&agree=true",
    headers: { "if-match": "*", "content-length": Buffer.byteLength(after) },
  });
  sent.on("error", () => undefined);
  await new Promise<void>((resolve) => sent.end(after, resolve));
  sent.destroy();
  await vi.waitFor(async () => expect(await http.sql("SELECT kind FROM reference_changes")).not.toEqual([]), {
    timeout: 10_000,
  });
  expect([before, after]).toContain(await read());
});
