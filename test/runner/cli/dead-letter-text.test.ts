import { describe, expect, test } from "vitest";
import { deadLetterJson, deadLetterTable, deadLetterText } from "../../../runner/cli/dead-letter-text.ts";
import { parseDeadLetter, type StoredDeadLetter } from "../../../shared/dead-letter.ts";

const NOW = 1_700_000_000_000;

function letter(ageMs: number, changes: Readonly<Record<string, string>> = {}): StoredDeadLetter {
  const fields = {
    stream: "signal_results",
    entry_id: "17-0",
    function: "persist-log",
    reason: "refused_row",
    error: "Postgres refused the row (22003)",
    deliveries: "3",
    at: "2023-11-14T22:13:20.000Z",
    fields: JSON.stringify({ kind: "signal", data: '{"uid":"a"}' }),
    ...changes,
  };
  return parseDeadLetter({ id: `${NOW - ageMs}-0`, fields });
}

describe("the table of dead letters", () => {
  test("has one line each, in columns", () => {
    const table = deadLetterTable([letter(30_000), letter(7_200_000, { stream: "signals_stream" })], {
      now: NOW,
      width: undefined,
    });
    expect(table.split("\n")).toEqual([
      "id               age   function     stream          reason       deliveries  error",
      "1699999970000-0  30 s  persist-log  signal_results  refused_row  3           Postgres refused the row (22003)",
      "1699992800000-0  2 h   persist-log  signals_stream  refused_row  3           Postgres refused the row (22003)",
    ]);
  });

  test("is not wider than the terminal: the error is cut", () => {
    const [, line] = deadLetterTable([letter(0)], { now: NOW, width: 90 }).split("\n");
    expect(line).toHaveLength(90);
    expect(line).toMatch(/Postgres.*…$/);
  });

  test("contains no control characters, and one line each, whatever a producer wrote", () => {
    const table = deadLetterTable([letter(0, { error: "a\u001B[2Jb\r\n  c", reason: "x\u009By" })], {
      now: NOW,
      width: undefined,
    });
    expect(table.split("\n")[1]).toMatch(/x\uFFFDy .* a\uFFFD\[2Jb c$/);
  });

  test("names the strategy that a task is for", () => {
    const task = letter(0, {
      stream: "strategy_input_stream",
      fields: JSON.stringify({ strategy_id: "1", strategy: "Trend follower" }),
    });
    const [, line] = deadLetterTable([task], { now: NOW, width: undefined }).split("\n");
    expect(line).toMatch(/ {2}for Trend follower \(1\): Postgres refused/);
    expect(deadLetterText(task, NOW)).toMatch(/^dead letter \S+ for Trend follower \(1\), 0 s old/);
  });

  test("has a line for a malformed one as well", () => {
    const [, line] = deadLetterTable([letter(0, { fields: "{" })], { now: NOW, width: undefined }).split(
      "\n",
    );
    expect(line).toMatch(/persist-log +signal_results +refused_row +3 +\(malformed\).*expected JSON/);
  });

  test.each([
    [-5_000, "0 s"],
    [119_999, "119 s"],
    [120_000, "2 min"],
    [172_800_000, "2 d"],
  ])("an age of %i ms is %s", (ageMs, text) => {
    const [, line] = deadLetterTable([letter(ageMs)], { now: NOW, width: undefined }).split("\n");
    expect(line).toContain(`-0  ${text} `);
  });
});

describe("one dead letter", () => {
  test("is shown completely, with JSON fields on several lines", () => {
    expect(deadLetterText(letter(30_000), NOW)).toBe(
      `dead letter 1699999970000-0, 30 s old
  stream      signal_results
  entry_id    17-0
  function    persist-log
  reason      refused_row
  error       Postgres refused the row (22003)
  deliveries  3
  at          2023-11-14T22:13:20.000Z
  fields
    kind  signal
    data
      {
        "uid": "a"
      }`,
    );
  });

  test("that is malformed is shown with its fault and its raw fields", () => {
    const text = deadLetterText(letter(0, { fields: '["a"]', deliveries: "many" }), NOW);
    expect(text).toMatch(/can only be discarded[^]*at deliveries[^]*deliveries +many[^]*fields[^]*"a"/);
  });

  test("is JSON with its entry, or with its fault", () => {
    expect(deadLetterJson(letter(0))).toMatchObject({
      function: "persist-log",
      entry_id: "17-0",
      deliveries: 3,
      fields: { kind: "signal" },
    });
    expect(deadLetterJson(letter(0, { fields: "{" }))).toMatchObject({
      fault: expect.stringContaining("JSON"),
      raw: { fields: "{" },
    });
  });
});
