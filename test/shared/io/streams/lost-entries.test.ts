import { beforeEach, describe, expect, test } from "vitest";
import type { Branch } from "../../../../shared/function.ts";
import { lostEntriesOn, type LostEntries } from "../../../../shared/io/streams/lost-entries.ts";
import { GroupMissingError } from "../../../../shared/io/streams/pending-entries.ts";
import { fieldsIn } from "../../../servers/redis-contents.ts";
import { freshGroup, GROUP, STREAM } from "./stream-group-fixture.ts";

const group = freshGroup();
let lost: LostEntries;
beforeEach(() => {
  lost = lostEntriesOn(group.redis, group.keys, { stream: STREAM, group: GROUP });
});

const letterOf = (id: string): Branch => ({
  append: [
    { stream: "dead_letters", fields: { stream: STREAM, entry_id: id, fields: '{"n":"0"}' } },
    { stream: "system_events", common: { level: "ERROR" }, fields: { message: id } },
  ],
  count: ["dead_letters:process-signals"],
  sum: { amounts: 7 },
});
const settle = async (...ids: string[]): Promise<void> =>
  lost.settleLost(ids.map((id) => ({ entry: { id, fields: {} }, effects: () => letterOf(id) })));
const add = async (stream: "signal_results" | "dead_letters", fields: Record<string, string>, id = "*") =>
  group.redis.xadd(group.keys.stream(stream), id, ...Object.entries(fields).flat());
const letters = async (): Promise<(string | undefined)[]> =>
  (await fieldsIn(group.redis, group.keys.stream("dead_letters"))).map((fields) => fields["entry_id"]);
/** Delivers entries and takes them out of the pending list as an operator's slip would. */
async function dropped(count = 1): Promise<string[]> {
  const ids = await group.deliver(count);
  await group.redis.xgroup("DELCONSUMER", group.key, GROUP, "mine");
  return ids;
}

describe("an entry that its group dropped", () => {
  test("gets its effects, once, however often it is settled", async () => {
    const [id = ""] = await dropped();
    await Promise.all([settle(id), settle(id)]);
    await settle(id);
    expect(await letters()).toEqual([id]);
    expect(await fieldsIn(group.redis, group.keys.stream("system_events"))).toEqual([
      { level: "ERROR", message: id },
    ]);
    expect(await group.redis.hgetall(group.keys.metrics)).toEqual({
      "dead_letters:process-signals": "1",
      amounts: "7",
    });
  });

  test("is found among others that were decided, also behind many records", async () => {
    const ids = await dropped(3);
    const [first = "", second = "", third = ""] = ids;
    const record = { kind: "signal", invocation: "live", data: "{}" };
    for (let i = 0; i < 1_200; i += 1) await add("signal_results", { ...record, entry_id: `${i}-1` });
    await add("signal_results", { ...record, entry_id: second });
    await settle(...ids);
    expect(await letters()).toEqual([first, third]);
  });

  test("is not found by a record of another invocation", async () => {
    const [id = ""] = await dropped();
    await add("signal_results", { kind: "signal", entry_id: id, invocation: "replay-1", data: "{}" });
    await settle(id);
    expect(await letters()).toEqual([id]);
  });

  test("is told apart when records of its time may have been deleted", async () => {
    const [id = ""] = await dropped();
    const seen: boolean[] = [];
    const look = async () =>
      lost.settleLost([
        {
          entry: { id, fields: {} },
          effects({ allRecordsKept }) {
            seen.push(allRecordsKept);
            return { append: [], count: [] };
          },
        },
      ]);
    const recordId = (await add("signal_results", { kind: "signal", entry_id: "1-1" })) ?? "";
    await look();
    await group.redis.xdel(group.keys.stream("signal_results"), recordId);
    await look();
    expect(seen).toEqual([true, false]);
  });

  test("is settled also when its own id lies in the future", async () => {
    const id = "99999999999999-0";
    await group.redis.xadd(group.key, id, "n", "0");
    await group.mine.read(group.blocking, { countMax: 1, blockMs: 0 });
    await group.redis.xack(group.key, GROUP, id);
    await add("signal_results", { kind: "signal", entry_id: id, invocation: "live", data: "{}" });
    await settle(id);
    expect(await letters()).toEqual([]);
  });
});

test.each(["deleted", "trimmed"])(
  "an entry that its group dropped may also have been %s since",
  async (how) => {
    const [id = ""] = await dropped();
    await group.deliver(1);
    if (how === "deleted") await group.redis.xdel(group.key, id);
    else await group.redis.xtrim(group.key, "MAXLEN", 1);
    await settle(id);
    expect(await letters()).toEqual([id]);
  },
);

describe("an entry is not lost", () => {
  test("while it is pending for any consumer", async () => {
    const ids = await group.deliver(2);
    await group.age(ids, 60_000);
    await group.claim("other", ids.slice(0, 1), 10);
    await settle(...ids);
    expect(await letters()).toEqual([]);
  });

  test("when its group was made again and delivers it once more", async () => {
    const [id = ""] = await dropped();
    await group.redis.xgroup("DESTROY", group.key, GROUP);
    await expect(settle(id)).rejects.toThrow(GroupMissingError);
    await group.redis.xgroup("CREATE", group.key, GROUP, "0");
    await settle(id);
    expect(await letters()).toEqual([]);
  });

  test("when a fail-over has taken it back, so that this stream has never had it", async () => {
    for (const id of ["5-0", "9-0"]) await group.redis.xadd(group.key, id, "n", "0");
    await settle("7-0", "12-0");
    expect(await letters()).toEqual([]);
  });

  test("when a neighbour has decided it, or made it a dead letter", async () => {
    const [decided = "", buried = ""] = await dropped(2);
    await add("signal_results", { kind: "signal", entry_id: decided, invocation: "live", data: "{}" });
    await add("dead_letters", { stream: STREAM, entry_id: buried, reason: "deliveries_exhausted" });
    await settle(decided, buried);
    expect(await letters()).toEqual([buried]);
  });
});

test("a task is told from the other tasks of its signal by its strategy and its invocation", async () => {
  const stream = "strategy_input_stream";
  const executor = "strategy_executor";
  const key = group.keys.stream(stream);
  await group.redis.xgroup("CREATE", key, executor, "0", "MKSTREAM");
  const tasks = lostEntriesOn(group.redis, group.keys, { stream, group: executor });
  const task = { entry_id: "5-5", invocation: "live" };
  const fields = [
    { ...task, strategy_id: "7" },
    { ...task, strategy_id: "71" },
    { ...task, invocation: "replay-1", strategy_id: "7" },
  ];
  const ids: string[] = [];
  for (const one of fields) ids.push((await group.redis.xadd(key, "*", ...Object.entries(one).flat())) ?? "");
  await group.redis.xreadgroup("GROUP", executor, "mine", "STREAMS", key, ">");
  await group.redis.xack(key, executor, ...ids);
  const data = JSON.stringify({ uid: 'a "strategy_id":71, of a uid', strategy_id: 7, status: "executed" });
  await add("signal_results", { kind: "outcome", ...task, data });
  await tasks.settleLost(
    ids.map((id, i) => ({ entry: { id, fields: fields[i] ?? {} }, effects: () => letterOf(id) })),
  );
  expect(await letters()).toEqual([ids[1], ids[2]]);
});

test("nothing is written when a stream it would be written to is something else", async () => {
  const [id = ""] = await dropped();
  await group.redis.set(group.keys.stream("system_events"), "text");
  await expect(settle(id)).rejects.toThrow(/system_events is a string, expected a stream/);
  expect(await letters()).toEqual([]);
  await group.redis.del(group.keys.stream("system_events"));
  await settle(id);
  expect(await letters()).toEqual([id]);
});
