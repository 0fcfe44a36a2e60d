/**
 * Runs `npm ci` when node_modules does not match package-lock.json (`--dev`: with development dependencies). It runs
 * before everything else on a machine that may have only Node, so it is plain JavaScript without dependencies.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dev = process.argv.includes("--dev");
const LOCK_AGE_MS_MAX = 600_000;

const needed = readJson("package.json")?.engines.node.replace(/^>=/, "");
if (isOlder(process.versions.node, needed)) {
  fail(
    `Node ${needed} or newer is needed, and ${process.execPath} is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
}
if (firstMissing() !== undefined) {
  const release = waitForLock();
  try {
    install();
  } finally {
    release();
  }
}

/** The first package that is missing or not of the locked version; optional ones depend on the platform. */
function firstMissing() {
  const packages = readJson("package-lock.json")?.packages ?? {};
  const wanted = readJson("package.json");
  const groups = dev ? ["dependencies", "devDependencies"] : ["dependencies"];
  for (const group of groups) {
    for (const [name, range] of Object.entries(wanted[group] ?? {})) {
      if (packages[""]?.[group]?.[name] !== range) return name;
    }
  }
  return Object.keys(packages).find((path) => {
    const locked = packages[path];
    if (path === "" || locked.optional || locked.link) return false;
    if (!dev && (locked.dev || locked.devOptional)) return false;
    return readJson(join(path, "package.json"))?.version !== locked.version;
  });
}

function install() {
  // Another process may have installed it while this one waited.
  const missing = firstMissing();
  if (missing === undefined) return;
  const args = dev ? ["ci", "--include=dev"] : ["ci"];
  const typed = `npm ${args.join(" ")}`;
  const why = existsSync(join(root, "node_modules"))
    ? `${missing} is not installed in the locked version`
    : "none are installed yet";
  console.error(`Installing dependencies (${why}): ${typed}`);

  // An npm script knows the path of npm, also where `npm` is not on PATH or is a .cmd file.
  const npm = process.env.npm_execpath ?? "";
  const [command, first] = basename(npm).startsWith("npm") ? [process.execPath, [npm]] : ["npm", []];
  const { status, error, signal } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: "inherit",
    shell: command === "npm" && process.platform === "win32",
  });
  if (error) fail(`npm could not be started (${error.message}). Install npm, then type: ${typed}`);
  if (status !== 0)
    fail(`${typed} failed (${signal ?? `exit code ${status}`}): see the output of npm above.`);
  const still = firstMissing();
  if (still !== undefined)
    fail(
      `${typed} succeeded, but ${still} is not installed in the version of package-lock.json: delete node_modules and start again.`,
    );
}

/** Waits until no other process installs, since `npm ci` first deletes node_modules. Returns the release of the lock. */
function waitForLock() {
  const path = join(root, ".data", "install.lock");
  let reported = false;
  for (;;) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
      const release = () => rmSync(path, { force: true });
      process.once("exit", release);
      return release;
    } catch (error) {
      // npm reports a folder that cannot be written.
      if (error.code !== "EEXIST") return () => {};
    }
    if (isStale(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!reported) console.error("Another process is installing the dependencies; waiting for it.");
    reported = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

/** Whether the process that holds the lock has ended, or holds it for too long. */
function isStale(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > LOCK_AGE_MS_MAX) return true;
    const pid = Number(readFileSync(path, "utf8"));
    // An empty file is just being written.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Whether a version such as "20.12.1" is lower than the needed one. */
function isOlder(version, than) {
  const [have, need] = [version, than ?? "0"].map((text) => text.split(".").map(Number));
  for (let i = 0; i < need.length; i += 1) {
    if ((have[i] ?? 0) !== need[i]) return (have[i] ?? 0) < need[i];
  }
  return false;
}

/** A JSON file below the root; undefined when it is missing or incomplete. */
function readJson(path) {
  const file = join(root, path);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // incomplete, since npm was killed
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
