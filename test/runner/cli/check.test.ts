import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, onTestFinished, test } from "vitest";
import type { CheckLine } from "../../../runner/cli/check/check-line.ts";
import { preflight } from "../../../runner/cli/check/preflight.ts";
import { lockFolder } from "../../../shared/io/postgres/folder-lock.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { embeddedFolder } from "../../servers/embedded-folder.ts";
import { freshDatabase } from "../../servers/fixtures.ts";
import { insertReference, sql } from "../../servers/insert-reference.ts";
import { useRouters } from "../../servers/router-fixture.ts";

/** `cli check` on real servers. */

const router = useRouters();
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "check-"));
  router.env["BLOCK_MS"] = "100";
  router.env["FUNCTIONS"] = "process-signals,execute-strategies,persist-log,refresh-reference";
  await insertReference(router.databaseUrl, mixedReference());
});

/** The lines with this status, as `Subject: message`. */
const withStatus = (lines: readonly CheckLine[], status: CheckLine["status"]): string[] =>
  lines.filter((line) => line.status === status).map(({ subject, message }) => `${subject}: ${message}`);
const faultsIn = (lines: readonly CheckLine[]) => withStatus(lines, "fault");

/** A user of the shared Redis with these rules; the URL to connect as it. */
async function redisUser(...rules: string[]): Promise<string> {
  const name = `u${router.keys.prefix.replace(":", "")}`;
  await router.redis.acl("SETUSER", name, "reset", "on", ">pw", "~*", "&*", "+@all", ...rules);
  users.push(name);
  const url = new URL(router.env["REDIS_URL"] ?? "");
  Object.assign(url, { username: name, password: "pw" });
  return url.href;
}
const users: string[] = [];
afterEach(async () => {
  for (const name of users.splice(0)) await router.redis.acl("DELUSER", name);
});

test("when everything is right, each check says so, nothing is written, and the exit code is 0", async () => {
  const { code, output } = await router.run("cli.ts", "check");
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/\nNo fault/) });
  for (const part of [
    /^✓ Environment all variables are valid/m,
    /^✓ Redis +answers at redis:.*, database \d/m,
    /^✓ Redis +Redis 7|^✓ Redis +Valkey/m,
    /^✓ Redis +.*primary/m,
    /^✓ Redis +scripts work/m,
    /^✓ Redis +it takes writes/m,
    /^✓ Redis +blocking reads work \(waited 100 ms\)/m,
    /^✓ Redis +a round trip takes/m,
    /^✓ Postgres +Postgres \d+/m,
    /^✓ Postgres +its schema is up to date/m,
    /^✓ Postgres +its user may read the reference and write the log/m,
    /^✓ Reference +\d+ tickers, \d+ strategies, \d+ phrases/m,
    /^✓ Strategies +\d+ of \d+ enabled strategies can be run/m,
    /^✓ Clocks +this machine's clock and Redis' differ by/m,
    /^✓ Clocks +Postgres' clock and Redis' differ by/m,
  ])
    expect(output).toMatch(part);
  expect(await router.redis.keys(`${router.keys.prefix}*`)).toEqual([]);
  expect(await router.sql("SELECT * FROM reference_snapshots")).toEqual([]);
});

test("all faults are found at once: variables, a Redis that refuses scripts, an old schema", async () => {
  const empty = await freshDatabase();
  onTestFinished(async () => empty.drop());
  Object.assign(router.env, {
    CLAIM_IDLE_MS: "1",
    REDIS_URL: await redisUser("-@scripting"),
    DATABASE_URL: empty.url,
  });
  const { code, output } = await router.run("cli.ts", "check", "--json");
  const { ok, faults, checks } = JSON.parse(output) as { ok: boolean; faults: number; checks: CheckLine[] };
  expect({ code, ok, faults }).toEqual({ code: 2, ok: false, faults: 3 });
  expect(faultsIn(checks)).toEqual([
    expect.stringMatching(/^Environment: CLAIM_IDLE_MS is "1": expected/),
    expect.stringMatching(/^Redis: Redis refuses scripts \(NOPERM/),
    expect.stringMatching(/^Postgres: .*lacks migrations \(001_reference.*npm run migrate/),
  ]);
  expect(withStatus(checks, "not_checked")).toEqual([
    expect.stringContaining("Redis: blocking reads"),
    expect.stringContaining("Reference: "),
    expect.stringContaining("Strategies: "),
  ]);
});

test("a user of Redis that may not run a command, or reach the keys, is a fault that names the commands", async () => {
  const url = await redisUser("-xadd", "-hset");
  const lines = await preflight({ ...router.env, REDIS_URL: url }, dataDir);
  expect(faultsIn(lines)).toEqual([expect.stringMatching(/may not run XADD, HSET on the keys.*ACL SETUSER/)]);
  await redisUser("resetkeys", "~other:*");
  const others = await preflight({ ...router.env, REDIS_URL: url }, dataDir);
  expect(faultsIn(others)).toEqual([expect.stringMatching(/may not use the keys of KEY_PREFIX/)]);
});

test("a user without INFO, or a stream that is none, is no fault: what that hides is said", async () => {
  const REDIS_URL = await redisUser("-info");
  // A key that is no stream; the other does not exist yet.
  await router.redis.set(`${router.keys.prefix}text`, "x");
  const REFERENCE_STREAMS = `${router.keys.prefix}later,${router.keys.prefix}text`;
  const lines = await preflight({ ...router.env, REDIS_URL, REFERENCE_STREAMS }, dataDir);
  expect(faultsIn(lines)).toEqual([]);
  expect(withStatus(lines, "warning")).toEqual([
    expect.stringMatching(
      /^Redis: INFO is not permitted: version, role, persistence and eviction were not checked/,
    ),
    expect.stringMatching(/^Redis: t\w+:text of REFERENCE_STREAMS cannot be read as a stream \(WRONGTYPE/),
  ]);
});

test("a database of REDIS_URL that cannot be selected is a fault of the environment", async () => {
  const lines = await preflight({ ...router.env, REDIS_URL: `${router.env["REDIS_URL"]}/99` }, dataDir);
  expect(faultsIn(lines)).toEqual([expect.stringMatching(/^Environment: REDIS_URL names database 99/)]);
  expect(withStatus(lines, "not_checked")).toEqual([
    expect.stringMatching(/^Redis: .*REDIS_URL has to be corrected first/),
    expect.stringContaining("Clocks: "),
  ]);
});

test("servers that do not answer are one fault each, and the rest is not checked", async () => {
  const nowhere = {
    REDIS_URL: "redis://:t0ken@127.0.0.1:1",
    DATABASE_URL: "postgres://u:t0ken@127.0.0.1:1/d",
  };
  const lines = await preflight({ ...router.env, ...nowhere }, dataDir);
  expect(faultsIn(lines)).toEqual([
    expect.stringMatching(/^Redis: .*ECONNREFUSED/),
    expect.stringMatching(/^Postgres: .*ECONNREFUSED/),
  ]);
  expect(withStatus(lines, "not_checked").map((line) => line.split(":")[0])).toEqual([
    "Redis",
    "Postgres",
    "Reference",
    "Strategies",
    "Clocks",
  ]);
  expect(JSON.stringify(lines)).not.toContain("t0ken");
});

test("a user of Postgres that may not write the log is a fault that names tables and permissions", async () => {
  const role = `r${router.keys.prefix.replace(":", "")}`;
  await router.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'`);
  // By then its database is gone.
  onTestFinished(async () => void (await sql(inject("postgresUrl"), `DROP ROLE ${role}`)));
  await router.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  await router.sql(`GRANT INSERT ON signal_log TO ${role}`);
  const url = new URL(router.databaseUrl);
  Object.assign(url, { username: role, password: "pw" });
  const lines = await preflight({ ...router.env, DATABASE_URL: url.href, LOG_RETENTION_DAYS: "7" }, dataDir);
  expect(faultsIn(lines)).toEqual([
    expect.stringMatching(
      /^Postgres: .*may not INSERT on reference_snapshots, .*UPDATE on invocations.*GRANT/,
    ),
  ]);
  expect(faultsIn(lines)[0]).toMatch(/DELETE on signal_log,/);
  expect(faultsIn(lines)[0]).not.toContain("INSERT on signal_log,");
});

test("every strategy is checked with the secrets of this environment, and named", async () => {
  const params = { url: "http://127.0.0.1/t0ken", secret: "BROKER" };
  await router.sql("UPDATE strategies SET name = 'Trend', handler = 'webhook', params = $1 WHERE id = 10", [
    JSON.stringify(params),
  ]);
  await router.sql("UPDATE strategies SET name = 'Typo', handler = 'webhok' WHERE id = 11");
  const lines = await preflight(router.env, dataDir);
  expect(faultsIn(lines)).toEqual([
    expect.stringMatching(/^Strategies: Trend \(10\) cannot be run: 127\.0\.0\.1 is not a public address/),
    "Strategies: Trend (10) cannot be run: the variable STRATEGY_SECRET_BROKER is not set",
    expect.stringMatching(/^Strategies: Typo \(11\) cannot be run: there is no handler "webhok"/),
  ]);
  expect(JSON.stringify(lines)).not.toContain("t0ken");
  const right = { STRATEGY_SECRET_BROKER: "key", STRATEGY_PRIVATE_ADDRESSES: "true" };
  expect(faultsIn(await preflight({ ...router.env, ...right }, dataDir))).toHaveLength(1);
  const elsewhere = { ...router.env, FUNCTIONS: "process-signals" };
  expect(withStatus(await preflight(elsewhere, dataDir), "not_checked")).toEqual([
    expect.stringContaining("another process runs them"),
  ]);
});

test("every row of the reference that cannot be used is named, and its strategy does not count as one that can be run", async () => {
  const runnable = async () => {
    const lines = await preflight(router.env, dataDir);
    const line = withStatus(lines, "ok").find((text) => text.startsWith("Strategies: ")) ?? "";
    return { lines, count: Number(/\d+/.exec(line)?.[0]) };
  };
  const before = await runnable();
  await router.sql("ALTER TABLE strategies DROP CONSTRAINT strategies_params_check");
  await router.sql("UPDATE strategies SET params = '[]', exits = true WHERE id IN (10, 11)");
  await router.sql("INSERT INTO tickers (symbol) VALUES ('BTCUSDT.P')");
  const { lines, count } = await runnable();
  expect(faultsIn(lines)).toEqual([
    expect.stringMatching(
      /^Reference: table strategies, row .*\(10\), column params: a list.*correct the row/,
    ),
    expect.stringMatching(/^Reference: table strategies, row .*\(11\), column params/),
  ]);
  expect(count).toBe(before.count - 2);
  const said = expect.arrayContaining([
    expect.stringMatching(/^Reference: BTCUSDT and BTCUSDT.P are both listed, so they are two tickers/),
    expect.stringMatching(
      /^Reference: exits are taken by .* \(10\), .* \(11\).*: every router and worker must know/,
    ),
  ]);
  expect([...withStatus(lines, "ok"), ...withStatus(lines, "warning")]).toEqual(said);
});

test("an embedded database that a router has open is left alone", async () => {
  const lock = await lockFolder(join(dataDir, "postgres"), () => undefined);
  onTestFinished(async () => lock.release());
  const { DATABASE_URL: _, ...env } = router.env;
  const lines = await preflight(env, dataDir);
  expect(faultsIn(lines)).toEqual([]);
  expect(withStatus(lines, "ok")).toContain(
    `Postgres: the embedded database is open in the router that runs (process ${process.pid}); only one process can use it`,
  );
});

test("an embedded database that is free is read, and one that is not there is not made", async () => {
  const { DATABASE_URL: _, ...env } = router.env;
  const alone = await preflight(env, await embeddedFolder());
  expect(faultsIn(alone)).toEqual([]);
  expect(withStatus(alone, "ok").join()).toMatch(
    /the next start applies its missing migrations \(001_reference/,
  );
  expect(withStatus(await preflight(env, dataDir), "ok").join()).toMatch(
    /the first start creates an embedded/,
  );
  expect(await readdir(dataDir)).toEqual([]);
}, 60_000);
