import { describe, expect, test } from "vitest";
import { pause } from "../../../shared/io/reference/control-store.ts";
import { parseTask, idempotencyKeyOf } from "../../../shared/task.ts";
import { rowsWithStrategies, signalFields, strategyRow } from "../../builders.ts";
import { callWithoutPostgres } from "../http/without-postgres.ts";
import { useForcedReplays } from "./force-fixture.ts";
import { everything } from "./replay-fixture.ts";
import { logAll, routeAll } from "./route-in-process.ts";

const { http, tasks, add, recordedRuns } = useForcedReplays();

const FORCE = { mode: "force", by: "ann", reason: "the broker lost them" };
const forced = async (body: object) => http.call("POST", "/replays", { ...FORCE, ...body });

/** [entry, strategy, key] of each task that an answer lists. */
function listedIn(answer: { readonly body: unknown }): unknown[] {
  const { signals } = answer.body as {
    signals: { entry_id: string; tasks: { strategy_id: number; idempotency_key: string }[] }[];
  };
  return signals.flatMap(({ entry_id, tasks: listed }) =>
    listed.map((task) => [entry_id, task.strategy_id, task.idempotency_key]),
  );
}

async function addedBy(invocation: string): Promise<unknown[]> {
  return (await tasks()).flatMap((fields) => {
    if (fields["invocation"] !== invocation) return [];
    const parsed = parseTask({ id: "1-1", fields });
    if (!parsed.ok) throw new Error(parsed.error);
    return [[parsed.task.entryId, parsed.task.strategyId, idempotencyKeyOf(parsed.task)]];
  });
}

describe("a forced replay for chosen strategies", () => {
  test("adds the very tasks that its dry run shows, and says why each other strategy did not act", async () => {
    await http.setReference(rowsWithStrategies([10, 11, 12, 13].map((id) => strategyRow(id))));
    await add("a", "a", "b");
    await http.publish(signalFields({ uid: "c", sent_at: "2025-01-15T11:59:59Z" }));
    await routeAll(http.services);
    await pause(http.services.redis, http.services.keys, 12, { by: "test", at: 1 });
    const body = { from: "2000-01-01", strategies: [11, "strategy 12", "strategy 13"] };
    const before = await everything(http);
    const dry = await forced({ ...body, dryRun: true });
    expect(await everything(http)).toEqual(before);
    expect(dry.body.replay).toMatchObject({
      dry_run: true,
      strategies: [11, 12, 13],
      counts: { tasks: 6, dispatched: 3, duplicate: 1 },
    });
    const { invocation } = dry.body.replay;
    const done = await forced({ ...body, invocation });
    expect(done.body.replay).toMatchObject({ dry_run: false, invocation, counts: dry.body.replay.counts });
    const added = await addedBy(invocation);
    expect(added).toHaveLength(6);
    expect([listedIn(dry), listedIn(done)]).toEqual([added, added]);
    await logAll(http.services);
    const outcomes = await http.sql(
      "SELECT DISTINCT strategy_id, status, reason FROM signal_log_entries WHERE invocation = $1 AND stage = 'routing' ORDER BY 1, 2",
      [invocation],
    );
    expect(outcomes.map(({ strategy_id, reason }) => [strategy_id, reason])).toEqual([
      [10, "not_chosen"],
      [11, null],
      [11, "duplicate_uid"],
      [12, "paused"],
      [13, null],
      [13, "duplicate_uid"],
    ]);
    expect(await recordedRuns()).toMatchObject([{ selection: { strategies: [11, 12, 13] } }]);
  });

  test("is refused for strategies that there are not, with the closest name", async () => {
    const [id] = await add("a");
    await routeAll(http.services);
    const refused = await forced({ ids: [id], strategies: ["stratgy 10", 99, 10] });
    expect(refused).toMatchObject({ status: 422, body: { code: "unknown_strategy" } });
    expect(refused.body.detail).toBe(
      'no strategy has the name "stratgy 10": the closest is "strategy 10"; no strategy has the id 99',
    );
  });
});

describe("a forced replay with an invocation of the caller's", () => {
  const MINE = { invocation: "lost-orders_1" };

  test("goes on where it was broken off, for the same signals, and is refused for anything else", async () => {
    const ids = await add("a", "b");
    await routeAll(http.services);
    const first = await forced({ ids: [ids[0]], ...MINE });
    expect(first.body.replay.counts).toMatchObject({ tasks: 1 });
    for (const [other, differs] of [
      [{ ids }, "it is for other signals"],
      [{ ids: [ids[0]], strategies: [10] }, "it is for all strategies, not for strategy 10 (10)"],
    ] as const)
      expect(await forced({ ...other, ...MINE })).toMatchObject({
        status: 409,
        body: {
          code: "invocation_taken",
          detail: expect.stringContaining(differs),
          hint: expect.any(String),
        },
      });
    const again = await forced({ ids: [ids[0]], ...MINE, dryRun: true });
    expect(again.body.signals).toMatchObject([{ outcome: "fenced", tasks: [] }]);
    const repeated = await forced({ ids: [ids[0], ids[0]], ...MINE, by: "bob" });
    expect(repeated.body.replay.counts).toMatchObject({ tasks: 0, fenced: 1 });
    expect(await addedBy(MINE.invocation)).toHaveLength(1);
  });

  test("keeps the end that was shown, so that neither it nor a repetition takes a later signal", async () => {
    await add("a");
    await routeAll(http.services);
    const shown = await forced({ since: "1h", dryRun: true });
    await add("b");
    await routeAll(http.services);
    const { to } = shown.body.replay.range;
    expect((await forced({ since: "1h", to, ...MINE })).body.replay.counts).toMatchObject({
      selected: 1,
      tasks: 1,
    });
    expect((await forced({ since: "1h", ...MINE })).body.replay.counts).toMatchObject({
      selected: 1,
      tasks: 0,
    });
    expect(await forced({ since: "2h", ...MINE })).toMatchObject({ status: 409 });
    expect(await forced({ to, ...MINE })).toMatchObject({
      status: 422,
      body: { issues: [{ path: "from" }] },
    });
  });

  test("is refused when its fences are gone, or the id belongs to posted entries; these refuse its id", async () => {
    const [id = ""] = await add("a");
    await routeAll(http.services);
    await forced({ ids: [id], ...MINE });
    await logAll(http.services);
    const post = async (invocation: string) =>
      http.call("POST", "/functions/process-signals", {
        invocation,
        entries: [{ id: "1-1", fields: signalFields() }],
      });
    expect(await post(MINE.invocation)).toMatchObject({ status: 409, body: { code: "invocation_taken" } });
    await http.services.redis.del(http.services.keys.invocation(MINE.invocation));
    expect(await forced({ ids: [id], ...MINE })).toMatchObject({
      status: 409,
      body: { code: "invocation_expired", detail: expect.stringContaining("by ann") },
    });
    // Its tasks would be retried with keys of that replay.
    expect(await post(MINE.invocation)).toMatchObject({ status: 409, body: { code: "invocation_taken" } });
    await post("posted-by-bob");
    const taken = await forced({ ids: [id], invocation: "posted-by-bob" });
    expect(taken).toMatchObject({ status: 409, body: { code: "invocation_taken" } });
    expect(taken.body.detail).toContain("it is posted entries, not a replay");
    expect(await addedBy(MINE.invocation)).toHaveLength(1);
  });

  test("belongs to one of two calls that come at once with different strategies", async () => {
    await http.setReference(rowsWithStrategies([10, 11].map((id) => strategyRow(id))));
    const ids = await add("a");
    await routeAll(http.services);
    const answers = await Promise.all([10, 11].map(async (id) => forced({ ids, strategies: [id], ...MINE })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    expect(await addedBy(MINE.invocation)).toHaveLength(1);
  });

  test("does nothing while Postgres is unavailable", async () => {
    const ids = await add("a");
    await routeAll(http.services);
    const body = { ...FORCE, ids, ...MINE };
    const answer = await callWithoutPostgres(http, "POST", "/replays", body);
    expect(answer).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
    expect(await addedBy(MINE.invocation)).toEqual([]);
  });
});
