import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deadLetterEffects, discardEffects, parseDeadLetter } from "../../shared/dead-letter.ts";
import type { Fields } from "../../shared/entry.ts";
import { eventRecordSchema } from "../../shared/records.ts";

const origin = {
  stream: "signal_results",
  functionName: "persist-log",
  deliveries: 3,
  at: 1_700_000_000_000,
} as const;
const entry = { id: "17-0", fields: { data: "{", kind: "signal" } };

describe("deadLetterEffects", () => {
  test("the dead letter has everything needed to understand it and to retry it", () => {
    const { append } = deadLetterEffects(
      entry,
      { id: "17-0", status: "dead", reason: "invalid_record", error: "no JSON" },
      origin,
    );
    expect(append[0]).toEqual({
      stream: "dead_letters",
      fields: {
        stream: "signal_results",
        entry_id: "17-0",
        function: "persist-log",
        reason: "invalid_record",
        error: "no JSON",
        deliveries: "3",
        at: "2023-11-14T22:13:20.000Z",
        fields: JSON.stringify(entry.fields),
      },
    });
  });

  test.each([
    [undefined, "WARNING"],
    ["ERROR", "ERROR"],
  ] as const)("an event asks a person to act, level %s → %s, and it is counted", (level, expected) => {
    const dead = {
      id: "17-0",
      status: "dead",
      reason: "refused_row",
      error: "22003",
      ...(level && { level }),
    } as const;
    const { append, count } = deadLetterEffects(entry, dead, origin);
    expect(append[1]?.stream).toBe("system_events");
    const event = eventRecordSchema.parse(append[1]?.fields);
    expect(event).toMatchObject({ level: expected, source: "persist-log", action_flag: "true" });
    expect(event.message).toContain("entry 17-0 of signal_results");
    expect(count).toEqual(["dead_letters:persist-log"]);
  });
});

const dead = { id: "17-0", status: "dead", reason: "refused_row", error: "22003" } as const;

/** The fields of a dead letter as it is stored; undefined removes one. */
function letterFields(changes: Readonly<Record<string, string | undefined>> = {}): Fields {
  const written = { ...deadLetterEffects(entry, dead, origin).append[0]?.fields, ...changes };
  return Object.fromEntries(
    Object.entries(written).filter((field): field is [string, string] => field[1] !== undefined),
  );
}

describe("parseDeadLetter", () => {
  test("returns the entry and everything that is stored about it", () => {
    const raw = letterFields();
    expect(parseDeadLetter({ id: "99-0", fields: raw })).toEqual({
      ok: true,
      id: "99-0",
      raw,
      letter: {
        id: "99-0",
        entry,
        stream: "signal_results",
        functionName: "persist-log",
        reason: "refused_row",
        error: "22003",
        deliveries: 3,
        at: "2023-11-14T22:13:20.000Z",
      },
    });
  });

  test("returns any fields unchanged, whatever their names and values", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), (fields) => {
        const raw = deadLetterEffects({ id: "17-0", fields }, dead, origin).append[0]?.fields ?? {};
        const parsed = parseDeadLetter({ id: "99-0", fields: raw });
        expect(parsed.ok && Object.entries(parsed.letter.entry.fields)).toEqual(Object.entries(fields));
      }),
    );
  });

  test.each([
    ["no stream", { stream: undefined }, "stream"],
    ["an entry id that Redis would not take", { entry_id: "18446744073709551616-0" }, "entry_id"],
    ["no entry id", { entry_id: "last" }, "entry_id"],
    ["no function", { function: "" }, "function"],
    ["deliveries that are no number", { deliveries: "many" }, "deliveries"],
    ["a time that is none", { at: "yesterday" }, "at"],
    ["fields that are no JSON", { fields: "{" }, "fields"],
    ["fields that are no object", { fields: "[]" }, "fields"],
    ["a field that is no string", { fields: '{"n":1}' }, "fields"],
  ])("%s is a fault that is named, and the fields are kept", (_, changes, name) => {
    const raw = letterFields(changes);
    expect(parseDeadLetter({ id: "99-0", fields: raw })).toEqual({
      ok: false,
      id: "99-0",
      raw,
      fault: expect.stringContaining(`at ${name}`),
    });
  });
});

describe("discardEffects", () => {
  test("are an event that names the person, and keeps the whole dead letter", () => {
    const raw = letterFields({ at: "yesterday" });
    const { append, count } = discardEffects(parseDeadLetter({ id: "99-0", fields: raw }), "ann", 0);
    expect(append.map(({ stream }) => stream)).toEqual(["system_events"]);
    const event = eventRecordSchema.parse(append[0]?.fields);
    expect(event.message).toBe("dead letter 99-0 (entry 17-0 of signal_results) was discarded by ann");
    expect(JSON.parse(event.details)).toEqual({ dead_letter: "99-0", by: "ann", letter: raw });
    expect(count).toEqual([]);
  });
});
