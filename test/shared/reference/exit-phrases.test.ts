import { describe, expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { SignalRow } from "../../../shared/reference/reference.ts";
import { faultsFrom, faultsText, rowFaultText } from "../../../shared/reference/row-faults.ts";
import { referenceRows, signalRow, strategyRow } from "../../builders.ts";

/** What the phrase GO means, with the rows that are at fault. */
function meaningOf(...signals: readonly SignalRow[]) {
  const links = signals.map(({ id }) => ({ strategy_id: id * 10, signal_id: id }));
  const strategies = signals.map(({ id }) => strategyRow(id * 10));
  const rows = referenceRows({ signals: [...signals], strategies, strategy_signals: links });
  const { content, faults, warnings } = buildReference(rows);
  const phrase = content.phrases.get("go");
  return { phrase, faults, texts: faults.map(rowFaultText), levels: warnings.map(({ level }) => level) };
}

const none = { long_phrase: null, short_phrase: null };
const exit = (id: number, phrases: Partial<SignalRow>) =>
  signalRow(id, { ...none, name: `Out ${id}`, ...phrases });

describe("a phrase that closes", () => {
  test.each([
    ["exit_phrase", undefined],
    ["long_exit_phrase", "long"],
    ["short_exit_phrase", "short"],
  ] as const)("in %s is an exit of that side", (column, side) => {
    const { phrase, faults } = meaningOf(exit(1, { [column]: " Go " }));
    expect(phrase).toEqual({
      phrase: "Go",
      state: "enabled",
      signal_id: 1,
      signal_ids: [1],
      direction: "flat",
      ...(side === undefined ? {} : { side }),
      strategy_ids: [10],
    });
    expect(faults).toEqual([]);
  });

  test("in several signals reaches the strategies of all of them, as one that opens does", () => {
    const { phrase, faults, levels } = meaningOf(
      exit(1, { exit_phrase: "GO" }),
      exit(2, { exit_phrase: "go" }),
    );
    expect(phrase).toMatchObject({ state: "enabled", signal_ids: [1, 2], strategy_ids: [10, 20] });
    expect({ faults, levels }).toEqual({ faults: [], levels: ["WARNING"] });
  });

  test("and opens, only opens, for the strategies of the signal that opens; the exit is named", () => {
    const opening = signalRow(2, { name: "Cross", long_phrase: "go" });
    const { phrase, texts, levels } = meaningOf(exit(1, { long_exit_phrase: "GO" }), opening);
    expect(phrase).toEqual({
      phrase: "go",
      state: "enabled",
      signal_id: 2,
      signal_ids: [2],
      direction: "long",
      strategy_ids: [20],
    });
    expect(texts).toEqual([
      'table signals, row Out 1 (1), column long_exit_phrase: "GO" (signal Cross (2) opens long by it) instead of a phrase by which no enabled signal opens; the phrase only opens: no position is closed by it',
    ]);
    expect(levels).toEqual([]);
  });

  test("closes nothing while a row that cannot be read opens by it: what was meant to open must not close", () => {
    const closing = exit(1, { exit_phrase: "GO" });
    const rowsWith = (opening: object) => ({
      ...referenceRows({ signals: [closing] }),
      signals: [closing, opening],
    });
    const unread = { id: "2", name: "Cross", long_phrase: " go", short_phrase: null, enabled: "yes" };
    const { content, faults } = buildReference(rowsWith(unread));
    expect(content.phrases.get("go")).toBeUndefined();
    expect(faults.map(({ row, rule }) => [row, rule])).toContainEqual(["Out 1 (1)", "opens"]);
    expect(faults.map(rowFaultText).join()).toContain('"GO" (signal Cross (2) opens long by it)');
    for (const other of [
      { ...unread, enabled: false, id: "x" },
      { ...unread, long_phrase: "OTHER" },
    ])
      expect(buildReference(rowsWith(other)).content.phrases.get("go")).toMatchObject({ direction: "flat" });
  });

  test("and opens in one signal only opens, too", () => {
    const { phrase, faults } = meaningOf(signalRow(1, { short_phrase: "GO", exit_phrase: "GO" }));
    expect(phrase).toMatchObject({ state: "enabled", direction: "short", strategy_ids: [10] });
    expect(faults).toMatchObject([{ rule: "opens", row: "signal 1 (1)", column: "exit_phrase" }]);
  });

  test("and opens long and short stays ambiguous", () => {
    const signals = [signalRow(1, { long_phrase: "GO", short_phrase: "GO" }), exit(2, { exit_phrase: "GO" })];
    const { phrase, faults, levels } = meaningOf(...signals);
    expect(phrase).toMatchObject({ state: "ambiguous", direction: null, signal_ids: [1] });
    expect(faults).toMatchObject([{ rule: "opens", row: "Out 2 (2)" }]);
    expect(levels).toEqual(["ERROR"]);
  });

  test.each([
    ["long_exit_phrase", "short_exit_phrase", "closes short only"],
    ["long_exit_phrase", "exit_phrase", "closes both sides"],
  ] as const)("different sides, in %s and %s, is not used, and both are named", (one, other, does) => {
    const { phrase, faults, texts } = meaningOf(exit(1, { [one]: "GO" }), exit(2, { [other]: "GO" }));
    expect(phrase).toMatchObject({ state: "ambiguous", direction: null, signal_ids: [1, 2] });
    expect(phrase).not.toHaveProperty("side");
    expect(faults.map(({ row, rule }) => [row, rule])).toEqual([
      ["Out 1 (1)", "sides"],
      ["Out 2 (2)", "sides"],
    ]);
    expect(texts[0]).toContain(`"GO" (signal Out 2 (2) ${does} by it) instead of a phrase that closes`);
  });

  test.each([
    ["opens", signalRow(2, { long_phrase: "GO", enabled: false })],
    ["closes another side", exit(2, { short_exit_phrase: "GO", enabled: false })],
  ])("counts as before while the signal that %s is disabled", (_, disabled) => {
    const { phrase, faults } = meaningOf(exit(1, { long_exit_phrase: "GO" }), disabled);
    expect(phrase).toMatchObject({ state: "enabled", direction: "flat", side: "long", signal_ids: [1] });
    expect(faults).toEqual([]);
  });

  test("is disabled, and no fault, when all of its signals are", () => {
    const disabled = { exit_phrase: "GO", enabled: false };
    const { phrase, faults } = meaningOf(
      exit(1, disabled),
      signalRow(2, { long_phrase: "GO", enabled: false }),
    );
    expect(phrase).toMatchObject({ state: "disabled", direction: "long", signal_ids: [2] });
    expect(faults).toEqual([]);
  });
});

test("what rows may not say together is read back from the version as it was", () => {
  const { faults } = meaningOf(exit(1, { exit_phrase: "GO" }), signalRow(2, { long_phrase: "go" }));
  expect(faultsFrom(faultsText(faults))).toEqual({ count: 1, named: faults });
});

test("a strategy that takes exits says so, with the age they may have", () => {
  const strategies = [strategyRow(10, { exits: true, exit_age_ms_max: 0 }), strategyRow(20)];
  const { content } = buildReference(referenceRows({ strategies }));
  expect(content.strategies.get(10)).toMatchObject({ exits: true, exit_age_ms_max: 0 });
  expect(content.strategies.get(20)).not.toHaveProperty("exits");
  expect(content.strategies.get(20)).not.toHaveProperty("exit_age_ms_max");
});
