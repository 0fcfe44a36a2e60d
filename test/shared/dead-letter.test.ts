import { describe, expect, test } from "vitest";
import { deadLetterEffects } from "../../shared/dead-letter.ts";
import { eventRecordSchema } from "../../shared/records.ts";

const origin = {
  stream: "signal_results",
  functionName: "persist-log",
  deliveries: 3,
  at: 1_700_000_000_000,
} as const;
const entry = { id: "17-0", fields: { data: "{", kind: "signal" } };

describe("deadLetterEffects", () => {
  test("the dead letter has everything needed to understand it and to try it again", () => {
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
  ] as const)("an event asks a person to look, level %s → %s, and it is counted", (level, expected) => {
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
