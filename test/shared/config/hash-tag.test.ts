import { expect, test } from "vitest";
import { hashTagOf, streamsElsewhere } from "../../../shared/config/hash-tag.ts";

test.each([
  ["{signals}:a", "signals"],
  ["a{b}{c}", "b"],
  ["{a{b}}", "a{b"],
  ["signals:", undefined],
  ["a{}b{c}", undefined],
])("the hash tag of %s is %s", (key, tag) => {
  expect(hashTagOf(key)).toBe(tag);
});

test("streams without the hash tag of KEY_PREFIX are named, with the name that would do", () => {
  const settings = {
    keyPrefix: "{signals}:",
    outcomeStreams: ["reports", "{signals}:ok"],
    referenceStreams: ["{other}:changes"],
  };
  expect(streamsElsewhere(settings)).toEqual([
    expect.stringMatching(/^OUTCOME_STREAMS names reports: .*such as \{signals\}:reports/),
    expect.stringMatching(/^REFERENCE_STREAMS names \{other\}:changes: /),
  ]);
});
