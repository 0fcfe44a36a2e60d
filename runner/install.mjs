/**
 * Makes sure that node_modules holds what package-lock.json asks for, and runs `npm ci` if it does not. Runs before
 * everything else on a machine that may have nothing but Node, so: plain JavaScript, no dependencies. Silent and
 * quick when there is nothing to do. `--dev`: development dependencies too.
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
    `Node ${needed} or newer is needed; this is ${process.versions.node} (${process.execPath}). See https://nodejs.org`,
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

/** The first package that is not there in the version locked, or undefined. Optional ones depend on the platform. */
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
  // Another process may have done it while this one waited.
  const missing = firstMissing();
  if (missing === undefined) return;
  const args = dev ? ["ci", "--include=dev"] : ["ci"];
  const typed = `npm ${args.join(" ")}`;
  const why = existsSync(join(root, "node_modules"))
    ? `${missing} is not there as locked`
    : "there are none yet";
  console.error(`Installing dependencies (${why}): ${typed}`);

  // Inside an npm script npm says where it is; that also works where `npm` is not on PATH or is a .cmd file.
  const npm = process.env.npm_execpath ?? "";
  const [command, first] = basename(npm).startsWith("npm") ? [process.execPath, [npm]] : ["npm", []];
  const { status, error, signal } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: "inherit",
    shell: command === "npm" && process.platform === "win32",
  });
  if (error) fail(`npm could not be started (${error.message}). Install npm, then type: ${typed}`);
  if (status !== 0) fail(`${typed} failed (${signal ?? `exit code ${status}`}); the reason is above.`);
  const still = firstMissing();
  if (still !== undefined) fail(`${typed} ran, yet ${still} is not there as package-lock.json says.`);
}

/** One installer at a time: `npm ci` starts by deleting node_modules. Gives the function that lets the next one in. */
function waitForLock() {
  const path = join(root, ".data", "install.lock");
  let said = false;
  for (;;) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, String(process.pid), { flag: "wx" });
      const release = () => rmSync(path, { force: true });
      process.once("exit", release);
      return release;
    } catch (error) {
      // A folder that cannot be written to is npm's to complain about.
      if (error.code !== "EEXIST") return () => {};
    }
    if (isAbandoned(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!said) console.error("Another process is installing the dependencies; waiting for it.");
    said = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function isAbandoned(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > LOCK_AGE_MS_MAX) return true;
    const pid = Number(readFileSync(path, "utf8"));
    // Empty: just being written.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Whether the version is lower than the one needed, both as in "20.12.1". */
function isOlder(version, than) {
  const [have, need] = [version, than ?? "0"].map((text) => text.split(".").map(Number));
  for (let i = 0; i < need.length; i += 1) {
    if ((have[i] ?? 0) !== need[i]) return (have[i] ?? 0) < need[i];
  }
  return false;
}

/** A JSON file below the root, undefined when it is not there. */
function readJson(path) {
  const file = join(root, path);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // half written by an npm that was killed
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
