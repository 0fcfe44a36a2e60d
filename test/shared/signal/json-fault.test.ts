import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonFault } from "../../../shared/signal/json-fault.ts";

/** Bodies as people write them by hand, and what is said about each. */

const ALERT = '"message": "EMA_CROSS_LONG", "symbol": "BTCUSDT"';

test.each([
  ["typographic quotes", '{“message”: "EMA"}', "1:2", "the typographic quote “: expected the straight one"],
  ["a typographic quote at the end", '{"message": "EMA”}', "1:19", "before its closing quote"],
  ["single quotes", "{'message': 'EMA'}", "1:2", "expected the double one"],
  ["a comma too many", `{${ALERT},}`, "1:50", "a comma before the }: delete it"],
  ["a comma too many, on a line of its own", `{\n  ${ALERT},\n}`, "2:51", "a comma before the }: delete it"],
  ["a comma too many in a list", '{"a": [1, 2, ]}', "1:12", "a comma before the ]"],
  [
    "a missing comma",
    '{"message": "EMA" "symbol": "BTC"}',
    "1:19",
    "a comma, a colon or a quote before it is missing",
  ],
  ["a missing colon", '{"message" "EMA"}', "1:12", "a comma, a colon or a quote before it is missing"],
  [
    "no value for a placeholder",
    `{${ALERT}, "close": NaN}`,
    "1:61",
    "`NaN`, which is no value of JSON: put its placeholder in quotes",
  ],
  ["no value in Python", `{${ALERT}, "stop": None}`, "1:60", "`None`, which is no value of JSON"],
  ["a minus before no value", '{"a": -Infinity}', "1:8", "no value of JSON"],
  [
    "a price with a comma in it",
    `{"close": 1,234.5, ${ALERT}}`,
    "1:11",
    "the number `1,234.5` with a comma in it: put it in quotes",
  ],
  ["a decimal comma", '{"close": 1,5}', "1:11", "the number `1,5` with a comma in it"],
  [
    "a price that begins with a point",
    '{"close": .5}',
    "1:11",
    "a number as JSON has none (`.5`): put it in quotes",
  ],
  ["a plus", '{"close": +5}', "1:11", "a number as JSON has none (`+5`)"],
  ["leading zeros", '{"symbol": 000001}', "1:13", "a number as JSON has none (`000001`): put it in quotes"],
  ["an unfinished number", '{"close": 1.}', "1:13", "a number as JSON has none (`1.`)"],
  [
    "a placeholder without quotes",
    `{"symbol": {{ticker}}, "time": 1}`,
    "1:13",
    "the placeholder `{{ticker}}` without quotes",
  ],
  ["text without quotes", '{"message": EMA_CROSS_LONG}', "1:13", "`EMA_CROSS_LONG` without quotes"],
  ["a name without quotes", '{message: "EMA"}', "1:2", "`message` without quotes"],
  ["a symbol without quotes", '{"symbol": BTCUSDT.P, "a": 1}', "1:12", "`BTCUSDT.P` without quotes"],
  [
    "a line break inside a text",
    '{"message": "EMA\nCROSS"}',
    "1:17",
    "a line break inside a text: expected \\n there",
  ],
  ["a tab inside a text", '{"message": "EMA\tCROSS"}', "1:17", "a tab inside a text"],
  ["a path with backslashes", '{"file": "C:\\data"}', "1:13", "a backslash that begins no escape"],
  ["an end that is missing", `{${ALERT}`, "1:50", "a closing } is missing"],
  ["an end inside a text", '{"message": "EMA', "1:17", "before its closing quote"],
  ["nothing", "  ", "1:3", "the body is empty"],
  ["two alerts", `{${ALERT}}\n{${ALERT}}`, "2:1", "after the end: expected one object"],
  ["a note behind it", `{${ALERT}} -- by ann`, "1:52", "after the end: expected one object"],
  ["plain text", "EMA_CROSS_LONG BTCUSDT", "1:1", "`EMA_CROSS_LONG` without quotes"],
  ["a name twice", `{${ALERT},\n "symbol": "ETHUSDT"}`, "2:2", "`symbol` is there a second time"],
  ["a name twice with one value", '{"a": 1, "a": 1}', "1:10", "`a` is there a second time"],
  ["a name twice, in other spelling", '{"ab": 1, "\\u0061b": 2}', "1:11", "`ab` is there a second time"],
  ["a name twice, deep inside", '{"a": [{"b": 1, "b": 2}]}', "1:17", "`b` is there a second time"],
  ["too many lists", `{"a": ${"[".repeat(600)}${"]".repeat(600)}}`, "1:506", "deeper than 500 levels"],
])("%s", (_, text, place, message) => {
  const fault = jsonFault(text);
  expect(fault?.message).toContain(message);
  expect(`${fault?.line}:${fault?.column}`).toBe(place);
});

test.each([
  '{"a": 1}',
  '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}',
  '{"a": "{\\"a\\": \\"a\\":"}',
  "[]",
  "1",
])("nothing is wrong with %s", (text) => {
  expect(jsonFault(text)).toBeUndefined();
});

test("there is a fault in what JSON.parse refuses, at a place in the text, and in nothing else but repeated names", () => {
  const pieces = fc.constantFrom(..."{}[],:\"\\ \n01.-eNa“'".split(""), '"a"', '{"a":', "null", "NaN");
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
      (text) => {
        const fault = jsonFault(text);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (fault === undefined) {
          expect(isJson).toBe(true);
          return;
        }
        if (isJson) expect(fault.message).toContain("a second time");
        expect(fault.line).toBeLessThanOrEqual(text.split("\n").length);
        expect(fault.column).toBeGreaterThan(0);
      },
    ),
    { numRuns: 2_000 },
  );
});

test.each([
  ["digits", `{"a": "${"1".repeat(250_000)}", x`, "`x` without quotes"],
  ["escaped quotes", `{"${'\\"'.repeat(125_000)}\\q`, "begins no escape"],
  ["exponents", `{"a": "${"e".repeat(250_000)}" .`, "a number as JSON has none"],
  ["digits before a comma", `{"a": ${"1".repeat(250_000)},5}`, "with a comma in it"],
])("a long body of %s stops nothing: its fault is found in one pass", (_, text, message) => {
  expect(jsonFault(text)?.message).toContain(message);
});
