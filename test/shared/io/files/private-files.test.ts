import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  DataFolderError,
  fileTrouble,
  privateFile,
  privateFolder,
  privateTree,
} from "../../../../shared/io/files/private-files.ts";

let parent = "";
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "private-"));
});
afterEach(async () => rm(parent, { recursive: true, force: true }));

const modeOf = async (...path: string[]): Promise<string> =>
  ((await lstat(join(parent, ...path))).mode & 0o777).toString(8);

test("a folder that is made is its owner's alone, and so are those above it that were missing", async () => {
  await privateFolder(join(parent, "a", "b"));
  expect([await modeOf("a"), await modeOf("a", "b")]).toEqual(["700", "700"]);
});

test("what is there and open to others is put right, with everything in it", async () => {
  await mkdir(join(parent, "redis", "appendonlydir"), { recursive: true });
  await writeFile(join(parent, "redis", "appendonlydir", "a.aof"), "");
  await writeFile(join(parent, "redis", "redis.log"), "");
  for (const name of await readdir(parent, { recursive: true })) await chmod(join(parent, name), 0o777);
  await privateTree(join(parent, "redis"));
  expect(await modeOf("redis")).toBe("700");
  expect(await modeOf("redis", "appendonlydir")).toBe("700");
  expect(await modeOf("redis", "appendonlydir", "a.aof")).toBe("600");
  expect(await modeOf("redis", "redis.log")).toBe("600");
});

test("a file that has gone meanwhile is no error", async () => {
  await expect(privateFile(join(parent, "gone"))).resolves.toBeUndefined();
});

test.runIf(process.getuid?.() === 0)("what belongs to another user is refused with the remedy", async () => {
  const folder = join(parent, "theirs");
  await mkdir(folder, { mode: 0o755 });
  await chown(folder, 12_345, 12_345);
  const refusal = privateFolder(folder);
  await expect(refusal).rejects.toThrow(DataFolderError);
  await expect(refusal).rejects.toThrow(/theirs belongs to another user \(uid 12345.*chown -R 0 '/);
  expect(await modeOf("theirs")).toBe("755");
});

test("a file where a folder is expected is refused with the remedy", async () => {
  await writeFile(join(parent, "file"), "");
  await expect(privateFolder(join(parent, "file"))).rejects.toThrow(/file where a folder is expected/);
  await expect(privateFolder(join(parent, "file", "below"))).rejects.toThrow(
    /file where a folder is expected/,
  );
});

test.each([
  ["EACCES", /may not be used by this user.*chown/],
  ["EROFS", /read-only file system.*DATABASE_URL/],
  ["ENOSPC", /disk is full.*df -h/],
  ["EDQUOT", /disk is full/],
  ["EIO", /disk fails/],
])("%s is told in words, with what to do", (code, words) => {
  const error = Object.assign(new Error("low level"), { code });
  expect(fileTrouble("/data", error)?.message).toMatch(words);
});

test("another error is none of the file system's", () => {
  expect(fileTrouble("/data", new Error("boom"))).toBeUndefined();
});
