import { describe, expect, test, vi } from "vitest";
import type { Binding } from "../../../runner/engine/binding.ts";
import { retryDeadLetters, type RetryAttempt } from "../../../runner/on-demand/retry-dead-letters.ts";
import { eventLogOn } from "../../../runner/telemetry/event-log.ts";
import { openLogger } from "../../../runner/telemetry/logger.ts";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import { NO_EFFECTS, type Result } from "../../../shared/function.ts";
import { commitOn } from "../../../shared/io/commit/commit.ts";
import { redisClock } from "../../../shared/io/redis/clock.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import type { StreamName } from "../../../shared/keys.ts";
import { invocationRecordSchema } from "../../../shared/records.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { entriesIn, fieldsIn } from "../../servers/redis-contents.ts";
import { useRouters } from "../../servers/router-fixture.ts";

const router = useRouters();

const cli = async (...args: string[]) => router.run("cli.ts", "dead-letters", ...args);
const inStream = async (name: StreamName) => fieldsIn(router.redis, router.keys.stream(name));
const lettersLeft = async () => router.redis.xlen(router.keys.stream("dead_letters"));
const add = async (stream: StreamName, fields: Readonly<Record<string, string>>) =>
  String(await router.redis.xadd(router.keys.stream(stream), "*", ...Object.entries(fields).flat()));

/** A router with its reference; it and the log are ready when this resolves. */
async function running(): Promise<void> {
  await insertReference(router.databaseUrl, mixedReference());
  await router.start();
  await vi.waitFor(async () => expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull());
}

interface SignalLetter {
  readonly uid: string;
  readonly entryId?: string;
  readonly functionName?: string;
}

/** Puts a signal among the dead letters that was published just now; four strategies would take it. */
async function addSignalLetter({
  uid,
  entryId,
  functionName = "process-signals",
}: SignalLetter): Promise<string> {
  const fields = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z", uid };
  const [seconds] = await router.redis.time();
  const entry = { id: entryId ?? `${Number(seconds) * 1_000}-7`, fields };
  const dead = { id: entry.id, status: "dead", reason: "deliveries_exhausted", error: "it failed" } as const;
  const origin = { stream: "signals_stream", functionName, deliveries: 5, at: Date.now() } as const;
  return add("dead_letters", deadLetterEffects(entry, dead, origin).append[0]?.fields ?? {});
}

/** An outcome that the running router has given up on, since a constraint forbids its row. */
async function addRefusedOutcome(strategyId: number): Promise<string> {
  const record = {
    strategy_id: strategyId,
    status: "executed",
    reason: null,
    detail: {},
    attempt: 1,
    duration_ms: 5,
    at: "2026-01-01T00:00:00Z",
  };
  const data = JSON.stringify(record);
  const before = await lettersLeft();
  await add("signal_results", { kind: "outcome", entry_id: "17-0", invocation: "live", data });
  await vi.waitFor(async () => expect(await lettersLeft()).toBe(before + 1), { timeout: 10_000 });
  return (await entriesIn(router.redis, router.keys.stream("dead_letters"))).at(-1)?.id ?? "";
}

const forbidSeven = async () =>
  router.sql("ALTER TABLE signal_log_entries ADD CONSTRAINT no_seven CHECK (strategy_id <> 7)");
const allowSeven = async () => router.sql("ALTER TABLE signal_log_entries DROP CONSTRAINT no_seven");

describe("retrying a row that Postgres refused", () => {
  test("completes it once the cause is gone, and is recorded with who, why and what came of it", async () => {
    await running();
    await forbidSeven();
    const id = await addRefusedOutcome(7);
    await allowSeven();
    const { code, output } = await cli("retry", id, "--by", "ann", "--reason", "the constraint is gone");
    expect(output).toMatch(
      new RegExp(`^${id} {2}done\n1 done, 0 dead, 0 left, 0 gone; invocation [0-9a-f-]{36}`),
    );
    expect(code).toBe(0);
    expect(await router.sql("SELECT entry_id, strategy_id, status FROM signal_log_entries")).toEqual([
      { entry_id: "17-0", strategy_id: 7, status: "executed" },
    ]);
    expect(await lettersLeft()).toBe(0);
    await vi.waitFor(
      async () =>
        expect(await router.sql("SELECT * FROM invocations WHERE finished_at >= started_at")).toEqual([
          expect.objectContaining({
            id: output.trim().split(" ").at(-1),
            kind: "dead_letter",
            snapshot: await router.redis.get(router.keys.referenceCurrent),
            requested_by: "ann",
            reason: "the constraint is gone",
            selection: { dead_letters: [id] },
            counts: { done: 1, dead: 0, left: 0, gone: 0 },
          }),
        ]),
      { timeout: 10_000 },
    );
    await vi.waitFor(
      async () =>
        expect(await router.sql("SELECT message FROM system_log WHERE source = 'dead-letters'")).toEqual([
          { message: expect.stringMatching(new RegExp(`dead letter ${id} .* was retried by ann: done`)) },
        ]),
      { timeout: 10_000 },
    );
  }, 60_000);

  test("replaces the dead letter by a new one while the cause is still there", async () => {
    await running();
    await forbidSeven();
    const id = await addRefusedOutcome(7);
    const [before] = await inStream("dead_letters");
    const { code, output } = await cli("retry", "--all");
    expect(output).toMatch(/dead: refused_row: .*no_seven[^]*0 done, 1 dead/);
    expect(code).toBe(1);
    const [after, ...more] = await entriesIn(router.redis, router.keys.stream("dead_letters"));
    expect(more).toEqual([]);
    expect(after?.id).not.toBe(id);
    expect(after?.fields).toEqual({
      ...before,
      deliveries: "2",
      at: expect.not.stringMatching(before?.["at"] ?? ""),
    });
  }, 60_000);

  test("leaves the dead letters where they are while Postgres is away", async () => {
    await running();
    await forbidSeven();
    const ids = [await addRefusedOutcome(7), await addRefusedOutcome(7)];
    await allowSeven();
    router.env["DATABASE_URL"] = router.databaseUrl.replace(/:\d+\//, ":1/");
    const { code, output } = await cli("retry", ...ids);
    expect(code).toBe(1);
    for (const id of ids) expect(output).toMatch(new RegExp(`${id} {2}left: postgres is not available`));
    expect((await entriesIn(router.redis, router.keys.stream("dead_letters"))).map(({ id }) => id)).toEqual(
      ids,
    );
    expect(await router.sql("SELECT 1 FROM signal_log_entries")).toEqual([]);
  }, 60_000);
});

describe("retrying a signal", () => {
  test("decides it as an invocation of its own, dispatches it once, and is never published again", async () => {
    await running();
    const entryId = `${Date.now() - 20_000}-3`;
    const id = await addSignalLetter({ uid: "a", entryId });
    const { code, output } = await cli("retry", id);
    expect(output).toContain(`${id}  done: dispatched\n`);
    expect(code).toBe(0);
    expect(await lettersLeft()).toBe(0);
    const tasks = await inStream("strategy_input_stream");
    expect(tasks).toHaveLength(4);
    const invocation = output.trim().split(" ").at(-1);
    for (const task of tasks) expect(task).toMatchObject({ entry_id: entryId, invocation, log_uid: "a" });
    await vi.waitFor(
      async () =>
        expect(await router.sql("SELECT entry_id, invocation, status FROM signal_log")).toEqual([
          { entry_id: entryId, invocation, status: "dispatched" },
        ]),
      { timeout: 10_000 },
    );

    const again = await addSignalLetter({ uid: "a", entryId });
    expect((await cli("retry", again)).output).toContain(`${again}  done: it had already been dispatched`);
    const other = await addSignalLetter({ uid: "a" });
    expect((await cli("retry", other)).output).toContain(`${other}  done: duplicate: duplicate_uid`);
    expect(await lettersLeft()).toBe(0);
    expect(await inStream("strategy_input_stream")).toHaveLength(4);
    const metrics = await router.redis.hgetall(router.keys.metrics);
    expect(metrics).toMatchObject({ "signals:dispatched": "1", "signals:duplicate": "1" });
    expect(metrics).not.toHaveProperty("processing_ms:process-signals:sum");
    expect(await router.redis.xinfo("STREAM", router.keys.stream("signals_stream"))).toEqual(
      expect.arrayContaining(["entries-added", 0]),
    );
  }, 60_000);

  test("ends as stale when it has become too old", async () => {
    await running();
    const id = await addSignalLetter({ uid: "old", entryId: `${Date.now() - 400_000}-0` });
    expect(await cli("retry", id)).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${id}  done: ignored: stale`),
    });
    expect(await lettersLeft()).toBe(0);
    expect(await inStream("strategy_input_stream")).toEqual([]);
  });

  test("is left for later while there is no snapshot or everything is paused, not decided so for good", async () => {
    const id = await addSignalLetter({ uid: "a" });
    const early = await cli("retry", id);
    expect(early).toMatchObject({
      code: 1,
      output: expect.stringMatching(/left: snapshot is not available/),
    });
    await running();
    await pause(router.redis, router.keys, undefined, { by: "test", at: Date.now() });
    const paused = await cli("retry", id);
    expect(paused).toMatchObject({ code: 1, output: expect.stringContaining("every strategy is paused") });
    expect(
      (await entriesIn(router.redis, router.keys.stream("dead_letters"))).map((entry) => entry.id),
    ).toEqual([id]);
    await resume(router.redis, router.keys, undefined);
    expect((await cli("retry", id)).output).toContain("done: dispatched");
  }, 60_000);

  test("acts once for each, however many retry at once", async () => {
    await running();
    const count = 150;
    for (let n = 0; n < count; n += 1)
      await addSignalLetter({ uid: `uid ${n}`, entryId: `${Date.now()}-${n}` });
    const runs = await Promise.all([cli("retry", "--all"), cli("retry", "--all"), cli("retry", "--all")]);
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const done = runs.map(({ output }) => output.match(/done: dispatched/g)?.length ?? 0);
    expect(done.reduce((sum, some) => sum + some)).toBe(count);
    const tasks = (await inStream("strategy_input_stream")).map(
      (task) => `${task["log_uid"]} ${task["strategy_id"]}`,
    );
    expect(new Set(tasks).size).toBe(4 * count);
    expect(tasks).toHaveLength(4 * count);
    expect(await router.redis.hget(router.keys.metrics, "signals:dispatched")).toBe(String(count));
    expect(await lettersLeft()).toBe(0);
  }, 60_000);
});

describe("what cannot be retried", () => {
  test("is told line by line, and the others go on", async () => {
    await running();
    const foreign = await addSignalLetter({ uid: "a", functionName: "make-coffee" });
    const unreadable = await add("dead_letters", { stream: "signals_stream", note: "not of the router" });
    const good = await addSignalLetter({ uid: "b" });
    const { code, output } = await cli("retry", foreign, "1-1", unreadable, good);
    expect(code).toBe(1);
    expect(output).toContain(
      `${foreign}  left: this router has no function make-coffee for stream signals_stream`,
    );
    expect(output).toContain("1-1  gone: there is no dead letter with this id");
    expect(output).toContain(`${unreadable}  left: it cannot be read`);
    expect(output).toContain(`${good}  done: dispatched`);
    expect(output).toContain("1 done, 0 dead, 2 left, 1 gone");
    expect(await lettersLeft()).toBe(2);
  });

  test("is not recorded when there is nothing", async () => {
    expect(await cli("retry", "--all")).toEqual({ code: 0, output: "0 done, 0 dead, 0 left, 0 gone\n" });
    expect((await cli("retry", "1-1")).code).toBe(1);
    expect((await cli("retry")).output).toContain("expected either the ids");
    expect((await cli("retry", "--all", "1-1")).output).toContain("expected either the ids");
    expect((await cli("retry", "first")).output).toContain("an entry id such as");
    expect(await inStream("signal_results")).toEqual([]);
  });
});

describe("looking at dead letters and discarding them", () => {
  test("list, page by page, show and discard work on all there is, also on what cannot be read", async () => {
    const first = await addSignalLetter({ uid: "a" });
    const unreadable = await add("dead_letters", { stream: "signals_stream", fields: "{" });
    const last = await addSignalLetter({ uid: "b" });

    const { output } = await cli("list");
    const lines = output.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["id", last, unreadable, first, "3"]);
    expect(lines[1]).toMatch(/\d s +process-signals +signals_stream +deliveries_exhausted +5 +it failed/);
    const page = await cli("list", "--oldest", "--limit", "2");
    expect(page.output).toMatch(new RegExp(`${first}[^]*${unreadable}[^]*more with --after ${unreadable}`));
    const json = await cli("list", "--oldest", "--after", first, "--json");
    expect(JSON.parse(json.output)).toMatchObject([{ id: unreadable, raw: { fields: "{" } }, { id: last }]);

    expect((await cli("show", first)).output).toMatch(/fields\n +message +SIGNAL_1_LONG/);
    expect(await cli("show", unreadable)).toMatchObject({
      code: 0,
      output: expect.stringContaining("discarded"),
    });
    expect(await cli("show", "1-1")).toMatchObject({ code: 1, output: "there is no dead letter 1-1\n" });

    const discarded = await cli("discard", unreadable, "1-1", "--by", "ann");
    expect(discarded).toMatchObject({ code: 1, output: expect.stringContaining(`${unreadable}  discarded`) });
    expect(discarded.output).toContain("1-1  gone");
    expect(await cli("discard", "--all")).toMatchObject({
      code: 1,
      output: expect.stringContaining("--yes"),
    });
    expect(await lettersLeft()).toBe(2);
    expect((await cli("discard", "--all", "--yes")).output).toContain("2 discarded, 0 gone");
    expect(await lettersLeft()).toBe(0);
    const events = await inStream("system_events");
    expect(events.map(({ message }) => message)).toEqual([
      expect.stringContaining(`dead letter ${unreadable} (entry ? of signals_stream) was discarded by ann`),
      expect.stringContaining(first),
      expect.stringContaining(last),
    ]);
  }, 60_000);
});

describe("a function called by a retry", () => {
  /** Retries with a function that answers so, and gives what came of it. */
  async function retried(id: string, answer: () => Promise<Result[]>): Promise<RetryAttempt[]> {
    const { redis, keys } = router;
    const binding: Binding = {
      functionName: "process-signals",
      stream: "signals_stream",
      group: "signal_processor",
      async *run() {
        yield { status: "answered", results: await answer() };
      },
      invalidate: () => undefined,
    };
    const clock = redisClock(redis);
    const attempts: RetryAttempt[] = [];
    await retryDeadLetters(
      { letters: [id], requestedBy: "ann", onAttempt: (attempt) => attempts.push(attempt) },
      {
        redis,
        keys,
        clock,
        events: eventLogOn(redis, keys, clock, openLogger("silent", { forPeople: false })),
        commit: commitOn(redis, keys, { dedupTtlMs: 60_000 }),
        bindingFor: () => binding,
      },
    );
    return attempts;
  }

  test("that throws or asks for another try leaves the dead letter where it is, and says why", async () => {
    const id = await addSignalLetter({ uid: "a", entryId: "17-0" });
    const thrown = await retried(id, async () => Promise.reject(new Error("a bug")));
    expect(thrown).toEqual([{ id, status: "left", note: "a bug" }]);
    const transient = await retried(id, async () => [{ id: "17-0", status: "retry", error: "busy" }]);
    expect(transient).toEqual([{ id, status: "left", note: "busy" }]);
    expect(await lettersLeft()).toBe(1);
    const ends = (await inStream("signal_results")).map(({ data }) =>
      invocationRecordSchema.parse(JSON.parse(data ?? "")),
    );
    expect(ends.map(({ counts }) => counts?.["left"])).toEqual([undefined, 1, undefined, 1]);
  });

  test("makes nothing happen when somebody else takes the dead letter away meanwhile", async () => {
    const id = await addSignalLetter({ uid: "a", entryId: "17-0" });
    const attempts = await retried(id, async () => {
      expect(await router.redis.xdel(router.keys.stream("dead_letters"), id)).toBe(1);
      return [{ id: "17-0", status: "done", effects: { ...NO_EFFECTS, count: ["acted"] } }];
    });
    expect(attempts).toEqual([{ id, status: "gone", note: "another call has retried or discarded it" }]);
    expect(await router.redis.hget(router.keys.metrics, "acted")).toBeNull();
  });
});
