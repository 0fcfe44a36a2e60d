import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { withRouter } from "../../../runner/cli/open-router.ts";
import { readReference } from "../../../runner/cli/reference/read-reference.ts";
import { lockFolder, type FolderLock } from "../../../shared/io/postgres/folder-lock.ts";
import { readTime } from "../../../shared/io/redis/clock.ts";
import { openRedis } from "../../../shared/io/redis/connection.ts";
import { noteHeartbeat } from "../../../shared/io/streams/consumer-heartbeats.ts";
import { keysOf } from "../../../shared/keys.ts";
import { embeddedFolder } from "../../servers/embedded-folder.ts";
import { freshPrefix, redisUrl } from "../../servers/fixtures.ts";

/** Commands on the embedded database while no router answers. */

let dataDir: string;
let lock: FolderLock;
let said: string[];
beforeEach(async () => {
  dataDir = await embeddedFolder();
  await mkdir(join(dataDir, "postgres"), { recursive: true });
  lock = await lockFolder(join(dataDir, "postgres"), () => undefined);
  said = [];
  vi.spyOn(console, "error").mockImplementation((text: string) => void said.push(text));
});
afterEach(() => void vi.restoreAllMocks());

const command = async (waitMsMax: number) =>
  withRouter({ REDIS_URL: redisUrl(), KEY_PREFIX: freshPrefix() }, readReference, { dataDir, waitMsMax });

test("name the process that has it open, when it stays so", async () => {
  await expect(command(0)).rejects.toThrow(
    new RegExp(`process ${process.pid} has the embedded database of this folder open.*kill ${process.pid}`),
  );
  await lock.release();
});

test("are refused while routers that live read from that Redis: theirs is another database", async () => {
  const env = { REDIS_URL: redisUrl(), KEY_PREFIX: freshPrefix(), BLOCK_MS: "100" };
  const keys = keysOf(env.KEY_PREFIX);
  const redis = openRedis({
    key: "test",
    url: env.REDIS_URL,
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  const loop = { stream: "signals_stream", group: "signal_processor", consumer: "one" } as const;
  const beat = async () => noteHeartbeat(redis, keys, { ...loop, at: await readTime(redis) });
  await lock.release();
  await beat();
  const beats = setInterval(() => void beat(), 50);
  onTestFinished(() => {
    clearInterval(beats);
    redis.disconnect();
  });
  const commandIn = async (dir: string) => withRouter(env, readReference, { dataDir: dir });
  await expect(commandIn(dataDir)).rejects.toThrow(
    /routers read from Redis at .* set the DATABASE_URL that they have/,
  );
  // One that was killed leaves its last heartbeat.
  clearInterval(beats);
  expect((await commandIn(dataDir)).document.strategies).toEqual([]);
  await expect(commandIn(join(dataDir, "elsewhere"))).rejects.toThrow(/has no embedded database/);
});

test("wait while it is open, then use it themselves, with all tables", async () => {
  const running = command(60_000);
  await vi.waitFor(
    () => expect(said.join()).toContain(`Waiting for the router of this folder (process ${process.pid})`),
    {
      timeout: 20_000,
    },
  );
  await lock.release();
  expect((await running).document).toEqual({
    tickers: [],
    aliases: [],
    sources: [],
    signals: [],
    strategies: [],
  });
});
