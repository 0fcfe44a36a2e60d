import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MisconfigurationError } from "../../../runner/environment.ts";
import { withLocalSecrets } from "../../../runner/local/secrets.ts";
import { readConfig, type Config } from "../../../shared/config/config.ts";
import { startFile } from "../../servers/built-scripts.ts";

let parent = "";
let dataDir = "";

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "local secrets {1} #"));
  // It does not exist yet, as in a fresh clone.
  dataDir = join(parent, ".data");
});

afterEach(async () => rm(parent, { recursive: true, force: true }));

function configOf(env: Record<string, string> = {}): Config {
  const answer = readConfig(env);
  if (!answer.ok) throw new Error(answer.message);
  return answer.config;
}

test("secrets that are not configured are generated once, readable by their owner only, and used again", async () => {
  const first = await withLocalSecrets(configOf(), dataDir);
  expect(first.httpToken).toMatch(/^[\w-]{43}$/);
  expect(first.webhookSecret).toMatch(/^[\w-]{43}$/);
  expect(first.webhookSecret).not.toBe(first.httpToken);
  for (const name of ["http-token", "webhook-secret"]) {
    const { mode } = await stat(join(dataDir, name));
    expect((mode & 0o777).toString(8)).toBe("600");
  }
  expect(await withLocalSecrets(configOf(), dataDir)).toEqual(first);
  expect((await readdir(dataDir)).toSorted()).toEqual(["http-token", "webhook-secret"]);
});

test("a configured secret is used, and none is generated", async () => {
  const given = configOf({ HTTP_TOKEN: "mine" });
  const { httpToken, webhookSecret } = await withLocalSecrets(given, dataDir);
  expect(httpToken).toBe("mine");
  expect(webhookSecret).toHaveLength(43);
  expect(await readdir(dataDir)).toEqual(["webhook-secret"]);
});

test("processes that start at once agree on the secrets", async () => {
  const { path, loader } = startFile("test/runner/local/secrets-process.ts");
  const children = Array.from({ length: 4 }, () => fork(path, [dataDir], { execArgv: [...loader] }));
  // All are up before any begins.
  await Promise.all(children.map(async (child) => once(child, "message")));
  const answers = children.map(async (child) => {
    const answer = once(child, "message");
    child.send("begin");
    return (await answer)[0] as unknown;
  });
  const secrets = await Promise.all(answers);
  const kept = (await readFile(join(dataDir, "http-token"), "utf8")).trim();
  expect(kept).toHaveLength(43);
  expect(new Set(secrets)).toEqual(new Set([kept]));
});

test.each([
  ["an empty file", ""],
  ["a file with something else", "two words"],
])("%s is refused with what to do, and its content is not shown", async (_, content) => {
  await withLocalSecrets(configOf(), dataDir);
  await writeFile(join(dataDir, "http-token"), content);
  const refused = withLocalSecrets(configOf(), dataDir);
  await expect(refused).rejects.toThrow(MisconfigurationError);
  await expect(refused).rejects.toThrow(/http-token has no valid secret.*Delete the file/);
  await expect(refused).rejects.not.toThrow("two words");
});
