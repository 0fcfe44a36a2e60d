import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { oldSystemSettings } from "../../../runner/setup/old-system-settings.ts";
import { byPace } from "../../long/pace.ts";
import { OLD_CONSUMER, type OldRouter } from "../../old-systems/old-router.ts";
import { freePort } from "../../servers/process.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { walkGuide, type GuideWalk } from "./guide-walk.ts";
import { UNTIL, useSwitchingStage, type SignalFields, type System } from "./switching-stage.ts";
import { CTRL_C, type Terminal } from "./terminal.ts";

/** The guide for switching from v4 or v2, typed command by command beside an old router that trades. */

const GUIDE = "runner/migrate/README.md";
const RUNS = /The router is running/;
const ALL: readonly System[] = ["v4", "v2"];
const SYSTEMS = byPace({ short: ALL.slice(0, 1), full: ALL });

const stage = useSwitchingStage();
let walk: GuideWalk | undefined;
afterEach(async () => walk?.stop());

/** The walk of a reader of this system; one has a role of its own, and signals that the old router left. */
async function readerOf(system: System): Promise<GuideWalk & { readonly instead: Map<string, string> }> {
  const [port, { host, pathname }] = [await freePort(), new URL(stage.databaseUrl)];
  const instead = new Map([
    ["redis://localhost:6379", stage.redisUrl],
    ["postgres://trading:password@localhost:5432/trading", stage.databaseUrl],
    [
      "postgres://signal_router:change-me@localhost:5432/trading",
      `postgres://signal_router:change-me@${host}${pathname}`,
    ],
    ["localhost:8080", `localhost:${port}`],
  ]);
  // FAKETTY: redis-cli prints as on a terminal.
  const env = {
    HOME: stage.home,
    HTTP_PORT: String(port),
    CLAIM_IDLE_MS: "1000",
    FAKETTY: "1",
    PAGER: "cat",
  };
  const tags = system === "v2" ? ["v2", "role", "left"] : ["v4"];
  walk = await walkGuide(GUIDE, { tags, env, instead });
  return { ...walk, instead };
}

async function prepare(guide: GuideWalk, system: System): Promise<void> {
  await guide.next("export DATABASE_SCHEMA");
  await guide.next("REFERENCE_STREAMS");
  const settings = await readFile(join(stage.home, "router.env"), "utf8");
  for (const line of oldSystemSettings(system)) expect(settings).toContain(`export ${line}\n`);
  await guide.next(". ~/router.env");
  await guide.next("XINFO GROUPS signals_stream");
  if (system === "v2") {
    await guide.next("CREATE ROLE");
    await guide.next("GRANT SELECT");
    await guide.next("signal_router:change-me");
  }
  await guide.next(`--reference ${system}`);
  await guide.next("cli -- check");
}

/** What an old router beside a shadow sees: signals that both decide alike, and some of the known differences. */
function dayOf(system: System): readonly SignalFields[] {
  const repeated = { message: "EMA_SHORT", bar_time: "2026-01-05T23:00:00" };
  return [
    repeated,
    { message: "EMA_SHORT", symbol: "ETHUSDT" },
    { message: "UNKNOWN_PHRASE" },
    { message: "EMA_SHORT", symbol: "OFFUSDT" },
    repeated,
    { message: "ema_short" },
    ...(system === "v4" ? [{ message: "EMA_LONG" }] : []),
  ];
}

/** Starts the shadow, lets a day pass, compares. */
async function besideTheOldRouter(guide: GuideWalk, system: System): Promise<Terminal> {
  const shadow = await guide.nextUntil("SHADOW=true npm start", RUNS);
  await vi.waitFor(async () => {
    expect(await stage.redis.hexists("groups_shadow", "signals_stream:signal_processor")).toBe(1);
    expect(await stage.redis.exists("reference_shadow:current")).toBe(1);
  }, UNTIL);
  await guide.next("cli -- status");
  const [ours, theirs] = ["signal_router.signal_log WHERE shard = '_shadow'", `signals_${system}_log`];
  const [day, before] = [dayOf(system), await stage.count(theirs)];
  await stage.send({ message: "EMA_SHORT" });
  await stage.untilCounted({ [ours]: 1, [theirs]: before + 1 });
  for (const fields of day) await stage.send(fields);
  // The old router has no row of three of them.
  await stage.untilCounted({ [ours]: day.length + 1, [theirs]: before + day.length - 2 });
  await stage.send({ message: "EMA_SHORT" });
  await stage.untilCounted({ [ours]: day.length + 2, [theirs]: before + day.length - 1 });
  expect(await stage.count("signal_router.signal_log WHERE status = 'dispatched'")).toBe(0);
  // v2's own router makes its tasks elsewhere.
  await vi.waitFor(async () => expect(await tasks()).toBe(system === "v4" ? await tradedInV4() : 0), UNTIL);
  await shadow.printed(/IGNORED  EMA_SHORT on BTCUSDT.* shadow/);
  await guide.next("cli -- compare");
  return shadow;
}

async function tasks(): Promise<number> {
  return stage.redis.xlen("strategy_input_stream");
}

async function tradedInV4(): Promise<number> {
  return stage.count(
    "(SELECT json_array_elements(raw_message::json -> 'strategies') FROM signals_v4_log WHERE id > 2) AS traded",
  );
}

/** Two signals come between the old router and the new one; the new one trades both. */
async function switchOver(
  guide: Awaited<ReturnType<typeof readerOf>>,
  { old, shadow, system }: { readonly old: OldRouter; readonly shadow: Terminal; readonly system: System },
): Promise<Terminal> {
  await guide.next("unset GROUP_SUFFIX");
  await old.stopReading();
  await guide.next("XINFO GROUPS signals_log_stream");
  await guide.next("XPENDING");
  const first = await stage.send({ message: "EMA_SHORT" });
  if (system === "v2") {
    const read = ["GROUP", "signal_processor", OLD_CONSUMER, "STREAMS", "signals_stream", ">"] as const;
    await stage.redis.xreadgroup(...read);
    guide.instead.set("1796034141049-0", first);
    await guide.next("- + 100");
    await guide.next("groups adopt");
  }
  const second = await stage.send({ message: "EMA_SHORT", symbol: "ETHUSDT" });
  shadow.type(CTRL_C);
  expect(await shadow.ended()).toBe(0);
  expect(shadow.output()).toContain("router stopped");
  const before = await tasks();
  const router = await guide.nextUntil("npm start", RUNS);
  await vi.waitFor(async () => {
    const decided =
      "SELECT entry_id FROM signal_router.signal_log WHERE shard = '' AND status = 'dispatched'";
    const ids = (await stage.sql(decided)).map(({ entry_id: id }) => String(id));
    expect(ids.toSorted()).toEqual([first, second]);
  }, UNTIL);
  expect(await tasks()).toBeGreaterThan(before);
  return router;
}

/** A worker of v4 reports on the newest task. */
async function report(): Promise<void> {
  const task = (await fieldsIn(stage.redis, "strategy_input_stream")).at(-1);
  const fields = {
    log_uid: task?.["log_uid"] ?? "",
    strategy_id: task?.["strategy_id"] ?? "",
    status: "opened",
  };
  await stage.redis.xadd("signal_log_queue", "*", ...Object.entries(fields).flat());
  await stage.untilCounted({ "signal_router.signal_log_entries WHERE stage = 'report'": 1 });
}

test.each(SYSTEMS)(
  "from %s: each command does what the guide says, and back",
  async (system) => {
    const old = await stage.begin(system);
    const guide = await readerOf(system);
    await prepare(guide, system);
    const shadow = await besideTheOldRouter(guide, system);
    const router = await switchOver(guide, { old, shadow, system });

    await guide.next("readyz");
    await guide.next("SWITCH_TEST");
    if (system === "v4") await report();
    await guide.next("XREVRANGE");
    await guide.next("XINFO CONSUMERS");
    await guide.next("DELCONSUMER");
    if (system === "v4") await guide.next("--compat on");
    await guide.next("XGROUP DESTROY");
    expect((await stage.redis.keys("*")).filter((key) => key.includes("_shadow"))).toEqual([]);
    expect(await stage.redis.exists("signal_log_queue")).toBe(system === "v4" ? 1 : 0);
    expect(await stage.count("signal_router.signal_log WHERE shard <> ''")).toBe(0);

    router.type(CTRL_C);
    expect(await router.ended()).toBe(0);
    await guide.next("groups list");
    if (system === "v4") await guide.next("--compat off");
    const logged = await stage.count(`signals_${system}_log`);
    await stage.send({ message: "EMA_SHORT", symbol: "ETHUSDT" });
    await stage.startOldRouter(system);
    await stage.untilCounted({ [`signals_${system}_log`]: logged + 1 });

    await guide.next("kept_tickers");
    await guide.next("--reference own");
    await guide.next("INSERT INTO tickers");
    expect(await stage.count("signal_router.strategies")).toBe(await stage.count(`strategies_${system}`));
    expect(guide.left()).toEqual([]);
  },
  480_000,
);
