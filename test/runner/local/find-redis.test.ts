import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findRedisServer } from "../../../runner/local/find-redis.ts";
import { planRedisInstall, type Machine } from "../../../runner/local/redis-install-plan.ts";

const MACHINE: Machine = {
  platform: "linux",
  managers: ["apt-get"],
  hasSudo: true,
  isRoot: false,
  isTty: false,
  isCi: false,
};
const ROOT = { isRoot: true, hasSudo: false };
const MAC = { platform: "darwin", managers: ["brew"] } as const;

describe("the plan for a machine without a server", () => {
  test.each<[string, Partial<Machine>, string, string]>([
    ["root installs without asking", ROOT, "install", "apt-get install -y redis-server"],
    ["root in CI installs", { ...ROOT, isCi: true }, "install", "apt-get install -y redis-server"],
    ["CI installs with sudo", { isCi: true }, "install", "sudo apt-get install -y redis-server"],
    ["a person is asked", { isTty: true }, "ask", "sudo apt-get install -y redis-server"],
    [
      "CI with a terminal is not asked",
      { isTty: true, isCi: true },
      "install",
      "sudo apt-get install -y redis-server",
    ],
    ["nobody there: told", {}, "fail", "sudo apt-get install -y redis-server"],
    [
      "no sudo: told to be root",
      { isTty: true, hasSudo: false },
      "fail",
      "apt-get install -y redis-server    (as root)",
    ],
    ["CI without sudo: told", { isCi: true, hasSudo: false }, "fail", "(as root)"],
    ["a person on a Mac is asked", { ...MAC, isTty: true }, "ask", "brew install redis"],
    ["CI on a Mac installs", { ...MAC, isCi: true }, "install", "brew install redis"],
    ["nobody at the Mac: told", MAC, "fail", "brew install redis"],
    ["brew refuses root: told", { ...MAC, ...ROOT }, "fail", "set REDIS_URL"],
    [
      "the system's manager before brew",
      { managers: ["brew", "dnf"], ...ROOT },
      "install",
      "dnf install -y valkey",
    ],
    ["Alpine", { managers: ["apk"], ...ROOT }, "install", "apk add redis"],
    ["Arch", { managers: ["pacman"], isTty: true }, "ask", "sudo pacman -S valkey"],
    ["openSUSE", { managers: ["zypper"], ...ROOT }, "install", "zypper install redis"],
    ["old Red Hat", { managers: ["yum"], ...ROOT }, "install", "yum install -y redis"],
    ["no manager: told", { managers: [] }, "fail", "set REDIS_URL"],
    ["Windows: told", { platform: "win32", managers: [], isTty: true }, "fail", "WSL"],
  ])("%s", (_, machine, action, typed) => {
    const plan = planRedisInstall({ ...MACHINE, ...machine });
    expect(plan.action).toBe(action);
    expect(plan.action === "fail" ? plan.message : plan.typed).toContain(typed);
  });

  test("sudo never waits for a password in CI", () => {
    expect(planRedisInstall({ ...MACHINE, isCi: true })).toMatchObject({
      command: { file: "sudo", args: expect.arrayContaining(["-n"]) },
    });
  });

  test("sudo is not used as root or for brew", () => {
    for (const machine of [ROOT, { ...MAC, isTty: true }]) {
      expect(planRedisInstall({ ...MACHINE, ...machine })).toMatchObject({ command: { file: "sh" } });
    }
  });

  test("on Debian no service is left running", () => {
    const plan = planRedisInstall({ ...MACHINE, ...ROOT });
    const script = plan.action === "install" ? plan.command.args.join("\n") : "";
    expect(script).toContain("exit 101");
    expect(script).toContain("systemctl disable --now redis-server");
  });
});

describe("on this machine", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "find-redis-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const place = async (name: string, output: string, subfolder = ""): Promise<string> => {
    const path = join(folder, subfolder, name);
    await mkdir(join(folder, subfolder), { recursive: true });
    await writeFile(path, `#!/bin/sh\necho '${output}'\n`);
    await chmod(path, 0o755);
    return path;
  };
  const find = (options: Partial<Parameters<typeof findRedisServer>[0]> = {}) =>
    findRedisServer({ env: { PATH: folder }, usualFolders: [], ...options });

  test("a real server is found and new enough", async () => {
    await expect(findRedisServer({ env: process.env })).resolves.toMatch(/^\/.*\/(redis|valkey)-server$/);
  });

  test("the first server on PATH wins", async () => {
    const second = await place("redis-server", "Redis server v=7.2.0", "b");
    const path = ["a", "b"].map((name) => join(folder, name)).join(":");
    await expect(find({ env: { PATH: path } })).resolves.toBe(second);
    const first = await place("redis-server", "Redis server v=7.0.15", "a");
    await expect(find({ env: { PATH: path } })).resolves.toBe(first);
  });

  test("valkey-server will do", async () => {
    const valkey = await place("valkey-server", "Server v=8.0.1 sha=0:0 malloc=jemalloc");
    await expect(find()).resolves.toBe(valkey);
  });

  test("a new valkey-server is preferred to an old redis-server", async () => {
    await place("redis-server", "Redis server v=6.0.16 sha=0");
    const valkey = await place("valkey-server", "Valkey server v=8.1.0");
    await expect(find()).resolves.toBe(valkey);
  });

  test("an old server is named, with its version", async () => {
    const old = await place("redis-server", "Redis server v=6.0.16 sha=0");
    await expect(find()).rejects.toThrow(`${old} (v=6.0.16) is too old`);
  });

  test("a file that is not executable is no server", async () => {
    await chmod(await place("redis-server", "Redis server v=7.0.15"), 0o644);
    await expect(find()).rejects.toThrow("no known package manager");
  });

  test("what the installation brings is found", async () => {
    await place("brew", "");
    await place("apt-get", "");
    await place("sudo", "");
    const install = async () => void (await place("redis-server", "Redis server v=7.0.15"));
    const path = await find({ env: { PATH: folder, CI: "true" }, install });
    expect(path).toBe(join(folder, "redis-server"));
  });

  test("a failed installation says what to type and keeps the cause", async () => {
    await place("apt-get", "");
    await place("sudo", "");
    const cause = new Error("no network");
    const install = () => Promise.reject(cause);
    const error = await find({ env: { PATH: folder, CI: "true" }, install }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      message: expect.stringContaining("apt-get install -y redis-server"),
      cause,
    });
  });
});
