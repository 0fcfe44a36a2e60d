import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { compileScripts } from "../../servers/built-scripts.ts";
import { NODE_OPTIONS, startCommand, untilItRuns, type RouterProcess } from "../../servers/router-process.ts";

/** A copy of the project, since a local router keeps its data beside the code. */
const ROOT = resolve(import.meta.dirname, "../../..");
const COPIED = ["functions", "shared", "runner", "package.json", "tsconfig.json"];
let clone = "";
/** Where its scripts are compiled to, below it. With each of them loaded through tsx the test took 49 s of processor time, not 33. */
const COMPILED = "compiled";
const started: RouterProcess[] = [];

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), "router-clone-"));
  for (const name of COPIED) await cp(join(ROOT, name), join(clone, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(clone, "node_modules"));
  const folder = join(clone, COMPILED);
  await compileScripts(["runner/main.ts", "runner/cli.ts"], { root: clone, folder });
});

afterAll(async () => {
  for (const child of started) child.signal("SIGKILL");
  await rm(clone, { recursive: true, force: true });
});

/** Runs a command in the clone. */
function inClone(...command: string[]): RouterProcess {
  return inCloneWith({}, ...command);
}

function inCloneWith(more: Readonly<Record<string, string>>, ...command: string[]): RouterProcess {
  const env = { CI: "true", HTTP_PORT: "0", ...more };
  const child = startCommand("sh", ["-c", 'cd "$0" && exec "$@"', clone, ...command], env);
  started.push(child);
  return child;
}

/** `npm start` without npm, on a free port. */
async function startRouter(): Promise<RouterProcess> {
  return untilItRuns(inClone(process.execPath, ...NODE_OPTIONS, "runner/main.ts"));
}

function startCompiled(): RouterProcess {
  return inClone(process.execPath, join(COMPILED, "runner/main.mjs"));
}

async function inShell(command: string): Promise<string> {
  const shell = inClone("sh", "-c", command);
  await shell.ended();
  return shell.output();
}

/** A command, with this in its environment. */
async function cliWith(env: Readonly<Record<string, string>>, ...args: string[]) {
  const command = inCloneWith(env, process.execPath, join(COMPILED, "runner/cli.mjs"), ...args);
  return { code: await command.ended(), output: command.output() };
}

const cli = async (...args: string[]) => cliWith({}, ...args);

async function stopped(router: RouterProcess): Promise<unknown> {
  router.signal("SIGTERM");
  return router.ended();
}

const SECRETS = ["http-token", "webhook-secret"];

async function modeOf(name: string): Promise<string> {
  return ((await stat(join(clone, ".data", name))).mode & 0o777).toString(8);
}

/** The lines of the output that begin so, without their indentation. */
const pasted = (output: string, begin: string) =>
  output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith(begin));

const MINE = `strategies:
  - name: Mine
    signals: [EMA cross]
    tickers: all
    handler: log
`;

test("a local router generates its secrets, prints lines that work as pasted, answers commands, and keeps its secrets over a restart", async () => {
  const first = await startRouter();
  const curls = pasted(first.output(), "curl ");
  expect(curls).toHaveLength(3);
  const [ready = "", metrics = "", webhook = ""] = curls;

  await vi.waitFor(async () => expect(await inShell(`${ready} -s`)).toMatch(/"status": ?"ready"/), {
    timeout: 20_000,
  });
  expect(await inShell(`${metrics} -s`)).toContain("# TYPE ");
  expect(await inShell(`${webhook} -s`)).toContain('"entry_id"');
  await vi.waitFor(() => expect(first.output()).toMatch(/DISPATCHED.*EMA_CROSS_LONG on ETHUSDT/));

  const kept = async () =>
    Promise.all(SECRETS.map(async (name) => readFile(join(clone, ".data", name), "utf8")));
  const secrets = await kept();
  expect(metrics).toContain("Bearer $(cat .data/http-token)");
  for (const name of ["", "postgres", "redis", "redis/appendonlydir"]) expect(await modeOf(name)).toBe("700");
  for (const name of [...SECRETS, "redis/server.json", "redis/redis.log"])
    expect(await modeOf(name)).toBe("600");

  // Commands go to the router that runs, which alone has the embedded database, and take its settings.
  expect(await modeOf("router.sock")).toBe("600");
  const file = join(clone, "mine.yaml");
  expect(await cli("reference", "export", file)).toMatchObject({ code: 0 });
  const mine = (await readFile(file, "utf8")).replace(/^strategies:[^]*/m, MINE);
  await writeFile(file, mine);
  expect(await cli("reference", "apply", file, "--prune", "--yes")).toMatchObject({
    code: 0,
    output: expect.stringMatching(/Done as change \d+; .*signals are decided on it/),
  });
  expect((await cli("send", "--symbol", "BTCUSDT", "--message", "EMA_CROSS_LONG")).output).toMatch(
    /DISPATCHED.*\n +Mine +dispatched\n$/,
  );
  await vi.waitFor(() => expect(first.output()).toMatch(/Mine \(8\) executed/));
  expect(await cli("dead-letters", "retry", "--all")).toEqual({
    code: 0,
    output: "0 done, 0 dead, 0 left, 0 gone\n",
  });
  expect(await cliWith({ KEY_PREFIX: "other:" }, "pause")).toMatchObject({
    code: 2,
    output: expect.stringContaining("KEY_PREFIX is other: for this command, and not set for that router"),
  });
  expect(await stopped(first)).toBe(0);
  expect(existsSync(join(clone, ".data", "router.sock"))).toBe(false);

  for (const name of ["", ...SECRETS]) await chmod(join(clone, ".data", name), 0o755);
  const second = await untilItRuns(startCompiled());
  expect(await kept()).toEqual(secrets);
  for (const name of SECRETS) expect(await modeOf(name)).toBe("600");
  expect(await modeOf("")).toBe("700");
  // What goes to a file, or through a pipe as here, stays there.
  for (const secret of secrets) expect(first.output() + second.output()).not.toContain(secret.trim());
  expect(await stopped(second)).toBe(0);

  await rm(join(clone, ".data", "postgres", "PG_VERSION"));
  const third = startCompiled();
  expect(await third.ended()).toBe(2);
  expect(third.output()).toMatch(/no PG_VERSION.*move it away/);
}, 300_000);
