import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withRouter } from "../../../runner/cli/open-router.ts";
import { readReference } from "../../../runner/cli/reference/read-reference.ts";
import { lockFolder, type FolderLock } from "../../../shared/io/postgres/folder-lock.ts";
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

test("wait while it is open, then use it themselves, with all tables", async () => {
  const running = command(60_000);
  await vi.waitFor(
    () => expect(said.join()).toContain(`Waiting for the router of this folder (process ${process.pid})`),
    {
      timeout: 20_000,
    },
  );
  await lock.release();
  expect((await running).document).toEqual({ tickers: [], signals: [], strategies: [] });
});
