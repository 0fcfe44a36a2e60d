import { describe, expect, test, vi } from "vitest";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import { entriesIn } from "../../servers/redis-contents.ts";
import { useDeadLetters } from "./dead-letters-fixture.ts";

const {
  router,
  cli,
  inStream,
  lettersLeft,
  running,
  addSignalLetter,
  addRefusedOutcome,
  forbidSeven,
  allowSeven,
} = useDeadLetters();

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
