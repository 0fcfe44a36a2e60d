import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { compareEntryIds } from "../../../../shared/entry-range.ts";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { signalHistoryOn } from "../../../../shared/io/log/signal-history.ts";
import {
  loadReferenceVersion,
  saveReferenceVersion,
} from "../../../../shared/io/reference/reference-source.ts";
import type { SignalRow } from "../../../../shared/log-rows.ts";
import { buildReference, contentJson } from "../../../../shared/reference/build-reference.ts";
import { anyId } from "../../../arbitraries.ts";
import { mixedReference } from "../../../mixed-signals.ts";
import { databaseKinds, migratedDatabase } from "../postgres/databases.ts";
import { at, logged, NO_ROWS, type SignalChanges } from "./logged.ts";

const row = (entryId: string, changes: SignalChanges = {}): SignalRow =>
  logged(entryId, { uid: "a", ...changes });

describe.each(databaseKinds)("the history of signals in a database of kind $kind", (database) => {
  const db = migratedDatabase(database);
  beforeEach(async () => {
    await db.query("TRUNCATE signal_log, signal_log_entries, invocations, reference_snapshots");
  });
  const log = async (signals: readonly SignalRow[], shard = "s"): Promise<void> => {
    expect(await logStoreOn(db, shard).write({ ...NO_ROWS, signals })).toMatchObject({ status: "stored" });
  };

  it("gives a decision as it was made, with the outcomes of its routing by strategy", async () => {
    const outcome = { strategy: "x", status: "dispatched", reason: null, detail: { k: "v" } } as const;
    const outcomes = [
      { ...outcome, strategy_id: 10 },
      { ...outcome, strategy_id: 9, reason: "stale", status: "ignored" as const },
    ];
    const fields = JSON.parse('{"message": "GO", "": "", "__proto__": "x"}') as Record<string, string>;
    const given = row("17-0", { outcomes, duplicate_of: "16-0", detail: { n: 1 }, raw: fields });
    await log([given, row("18-0", { uid: null })]);
    await log([row("17-0", { uid: "of another shard" })], "other");
    await db.query(
      `INSERT INTO signal_log_entries (shard, entry_id, invocation, strategy_id, stage, status, at)
       VALUES ('s', '17-0', 'live', 10, 'execution', 'executed', now())`,
    );
    const found = await signalHistoryOn(db, "s").signals(["17-0", "18-0", "19-0"]);
    expect([...found.keys()].toSorted()).toEqual(["17-0", "18-0"]);
    const { status, reason, detail, snapshot, decided_at, raw } = given.record;
    expect(found.get("17-0")).toStrictEqual({
      entryId: "17-0",
      uid: "a",
      forced: false,
      direction: "long",
      side: null,
      raw,
      decision: {
        status,
        reason,
        detail,
        snapshot,
        decided_at,
        duplicate_of: "16-0",
        outcomes: outcomes.toReversed().map((each) => ({ ...each, strategy: null })),
      },
    });
    expect(found.get("18-0")).toMatchObject({ uid: null, decision: { outcomes: [] } });
  });

  it("prefers the live decision, then the first, and says which are forced", async () => {
    const later = { decided_at: at("13:00:00.000") };
    await log([
      row("1-0", { uid: "forced", invocation: "f" }),
      row("1-0", { uid: "live", ...later }),
      row("2-0", { uid: "late", ...later, invocation: "a" }),
      row("2-0", { uid: "early", invocation: "f" }),
    ]);
    await db.query("INSERT INTO invocations (id, kind, mode) VALUES ('f', 'replay', 'force')");
    const found = await signalHistoryOn(db, "s").signals(["1-0", "2-0"]);
    expect([found.get("1-0"), found.get("2-0")]).toMatchObject([
      { uid: "live", forced: false },
      { uid: "early", forced: true },
    ]);
  });

  it("finds entries by range exactly, as numbers and not as text", async () => {
    const edges = ["9-9", "10-0", "99-1", "100-9", "100-10", "1700000000000-9", "1700000000000-10"];
    const anyIds = fc.uniqueArray(fc.oneof(anyId, fc.constantFrom(...edges)), {
      minLength: 2,
      maxLength: 12,
    });
    const history = signalHistoryOn(db, "s");
    await fc.assert(
      fc.asyncProperty(anyIds, fc.nat(), fc.nat(), async (ids, n, m) => {
        await db.query("TRUNCATE signal_log");
        await log(ids.map((id) => row(id)));
        await log([row(ids[0] ?? "", { invocation: "again" })]);
        await log([row("5-5")], "other");
        const sorted = ids.toSorted(compareEntryIds);
        const [low, high] = [n % ids.length, m % ids.length].toSorted((a, b) => a - b);
        const range = { from: sorted[low ?? 0] ?? "", to: sorted[high ?? 0] ?? "" };
        const found = await history.idsBetween(range, 100);
        expect(found.toSorted(compareEntryIds)).toEqual(sorted.slice(low, (high ?? 0) + 1));
        expect(await history.idsBetween({ from: "0-0", to: sorted.at(-1) ?? "" }, 1)).toHaveLength(1);
      }),
      { numRuns: 25 },
    );
  });

  it("finds entries by uid, and those that have any row", async () => {
    await log([row("1-0"), row("2-0"), row("2-0", { invocation: "again" }), row("3-0", { uid: "b" })]);
    await log([row("4-0")], "other");
    const history = signalHistoryOn(db, "s");
    const ofA = await history.idsOfUids(["a", "c"], 10);
    expect(ofA.map(({ entryId, uid }) => `${uid} ${entryId}`).toSorted()).toEqual(["a 1-0", "a 2-0"]);
    expect(await history.idsOfUids(["a", "b"], 2)).toHaveLength(2);
    expect(await history.decidedAmong(["1-0", "3-0", "4-0", "5-0"])).toEqual(new Set(["1-0", "3-0"]));
  });

  it("loads the content of a version unchanged", async () => {
    const { version, content } = buildReference(mixedReference());
    await saveReferenceVersion(db, version, contentJson(content), new Date());
    expect(await loadReferenceVersion(db, version)).toStrictEqual(content);
    expect(await loadReferenceVersion(db, "another")).toBeUndefined();
    await saveReferenceVersion(db, "odd", { tickers: {}, strategies: { 7: { id: "7" } } }, new Date());
    await expect(loadReferenceVersion(db, "odd")).rejects.toThrow(
      "table reference_snapshots, row with version odd, column content: strategies.0.1.id does not have the expected form",
    );
  });
});
