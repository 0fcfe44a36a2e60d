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
    ["without a terminal it fails", {}, "fail", "sudo apt-get install -y redis-server"],
    [
      "without sudo it fails: root is needed",
      { isTty: true, hasSudo: false },
      "fail",
      "apt-get install -y redis-server    (as root)",
    ],
    ["CI without sudo fails", { isCi: true, hasSudo: false }, "fail", "(as root)"],
    ["a person on a Mac is asked", { ...MAC, isTty: true }, "ask", "brew install redis"],
    ["CI on a Mac installs", { ...MAC, isCi: true }, "install", "brew install redis"],
    ["a Mac without a terminal fails", MAC, "fail", "brew install redis"],
    ["a Mac as root fails: brew refuses root", { ...MAC, ...ROOT }, "fail", "set REDIS_URL"],
    [
      "the system's manager comes before brew",
      { managers: ["brew", "dnf"], ...ROOT },
      "install",
      "dnf install -y valkey",
    ],
    ["Alpine", { managers: ["apk"], ...ROOT }, "install", "apk add redis"],
    ["Arch", { managers: ["pacman"], isTty: true }, "ask", "sudo pacman -S valkey"],
    ["openSUSE", { managers: ["zypper"], ...ROOT }, "install", "zypper install redis"],
    ["old Red Hat", { managers: ["yum"], ...ROOT }, "install", "yum install -y redis"],
    ["without a package manager it fails", { managers: [] }, "fail", "set REDIS_URL"],
    ["Windows fails", { platform: "win32", managers: [], isTty: true }, "fail", "WSL"],
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

  test("on Debian no service is running afterwards", () => {
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

  const addProgram = async (name: string, output: string, subfolder = ""): Promise<string> => {
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
    const second = await addProgram("redis-server", "Redis server v=7.2.0", "b");
    const path = ["a", "b"].map((name) => join(folder, name)).join(":");
    await expect(find({ env: { PATH: path } })).resolves.toBe(second);
    const first = await addProgram("redis-server", "Redis server v=7.0.15", "a");
    await expect(find({ env: { PATH: path } })).resolves.toBe(first);
  });

  test("valkey-server is accepted", async () => {
    const valkey = await addProgram("valkey-server", "Server v=8.0.1 sha=0:0 malloc=jemalloc");
    await expect(find()).resolves.toBe(valkey);
  });

  test("a new valkey-server is used rather than an old redis-server", async () => {
    await addProgram("redis-server", "Redis server v=6.0.16 sha=0");
    const valkey = await addProgram("valkey-server", "Valkey server v=8.1.0");
    await expect(find()).resolves.toBe(valkey);
  });

  test("an old server is refused with its path and version", async () => {
    const old = await addProgram("redis-server", "Redis server v=6.0.16 sha=0");
    await expect(find()).rejects.toThrow(`${old} (v=6.0.16) is too old`);
  });

  test("a file that is not executable is ignored", async () => {
    await chmod(await addProgram("redis-server", "Redis server v=7.0.15"), 0o644);
    await expect(find()).rejects.toThrow("no known package manager");
  });

  test("an installed server is found", async () => {
    await addProgram("brew", "");
    await addProgram("apt-get", "");
    await addProgram("sudo", "");
    const install = async () => void (await addProgram("redis-server", "Redis server v=7.0.15"));
    const path = await find({ env: { PATH: folder, CI: "true" }, install });
    expect(path).toBe(join(folder, "redis-server"));
  });

  test("a failed installation says what to type and has the cause", async () => {
    await addProgram("apt-get", "");
    await addProgram("sudo", "");
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
