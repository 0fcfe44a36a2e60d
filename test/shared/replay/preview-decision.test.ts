import { expect, test } from "vitest";
import { asDuplicate, previewDecision } from "../../../shared/replay/preview-decision.ts";
import { PreviewTotals, tradedDifference } from "../../../shared/replay/preview-totals.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import {
  contextFrom,
  entryFrom,
  NOW,
  rowsWithStrategies,
  signalFields,
  snapshotFrom,
  strategyRow,
} from "../../builders.ts";

const { control, signalAgeMsMax } = contextFrom();
const is = snapshotFrom(rowsWithStrategies([strategyRow(10), strategyRow(11)]));
const draft = snapshotFrom(rowsWithStrategies([strategyRow(10, { enabled: false }), strategyRow(12)]));
const decided = (snapshot: typeof is, fields = signalFields()) =>
  previewDecision(parseSignal(entryFrom(fields), NOW), snapshot, { control, now: NOW, signalAgeMsMax });

test("dispatches are counted by strategy: as it is, by the draft, and what only one of them dispatches", () => {
  const totals = new PreviewTotals();
  const pairs = [
    [decided(is), decided(draft)],
    [decided(is), asDuplicate(decided(draft))],
    [decided(is, signalFields({ message: "unknown" })), decided(draft, signalFields({ message: "unknown" }))],
    [decided(is, signalFields({ symbol: undefined })), decided(draft, signalFields({ symbol: undefined }))],
  ] as const;
  for (const [before, after] of pairs) totals.add(before, after, tradedDifference(before, after));
  expect(totals.differing).toBe(2);
  const row = (id: number, was: number, now: number, more: number, fewer: number) => {
    return { strategy_id: id, strategy: `strategy ${id}`, was, now, more, fewer };
  };
  expect(totals.strategies()).toEqual([row(10, 2, 0, 0, 2), row(11, 2, 0, 0, 2), row(12, 0, 1, 1, 0)]);
});

test("a strategy that only one has differs when it would act, not when it would be ignored", () => {
  const outcome = { strategy_id: 1, strategy: "one" };
  const ignored = { status: "ignored", reason: "no_eligible_strategy" } as const;
  const without = { ...ignored, outcomes: [] };
  const idle = { ...ignored, outcomes: [{ ...outcome, status: "ignored", reason: "paused" } as const] };
  expect(tradedDifference(without, idle).strategies).toEqual([]);
  expect(tradedDifference(idle, without).strategies).toEqual([]);
  const acting = { ...ignored, outcomes: [{ ...outcome, status: "dispatched", reason: null } as const] };
  expect(tradedDifference(without, acting).strategies).toHaveLength(1);
});

test("a duplicate is dispatched to nobody, and a forced decision minds no age", () => {
  expect(asDuplicate(decided(is)).outcomes.map(({ status, reason }) => [status, reason])).toEqual([
    ["ignored", "duplicate_uid"],
    ["ignored", "duplicate_uid"],
  ]);
  const old = parseSignal(entryFrom(signalFields(), { at: NOW - 3_600_000 }), NOW);
  const circumstances = { control, now: NOW, signalAgeMsMax };
  expect(previewDecision(old, is, circumstances)).toMatchObject({ reason: "stale" });
  expect(previewDecision(old, is, { ...circumstances, forcedAt: NOW })).toMatchObject({
    status: "dispatched",
  });
});
