import { expect, test } from "vitest";
import { MEASURE_IDS } from "../measure.ts";
import { incompletenessOf, replaceResults } from "./readme.ts";
import { SAMPLE } from "./report-sample.ts";

const GUIDE = "# Bench\n\n<!-- results:begin -->\nold\n\nrows\n<!-- results:end -->\n\nMore.\n";

test("results replace the text between the marker lines, and nothing else", () => {
  const written = replaceResults(GUIDE, "| new |\n");
  expect(written).toBe("# Bench\n\n<!-- results:begin -->\n\n| new |\n\n<!-- results:end -->\n\nMore.\n");
  expect(replaceResults(written, "| new |\n")).toBe(written);
});

test("the first results go between marker lines with nothing between them", () => {
  const empty = "<!-- results:begin -->\n<!-- results:end -->\n";
  expect(replaceResults(empty, "rows")).toBe("<!-- results:begin -->\n\nrows\n\n<!-- results:end -->\n");
});

test.each([
  ["no begin", GUIDE.replace("<!-- results:begin -->", "")],
  ["no end", GUIDE.replace("<!-- results:end -->", "")],
  ["the end before the begin", "<!-- results:end -->\n<!-- results:begin -->\n"],
  [
    "a begin that is not a line of its own",
    GUIDE.replace("<!-- results:begin -->", "- <!-- results:begin -->"),
  ],
])("a guide with %s is refused with the expected lines", (_, guide) => {
  expect(() => replaceResults(guide, "rows")).toThrow(/results:begin.*below it.*results:end.*add them/);
});

const [sample] = SAMPLE.results;
const COMPLETE = {
  ...SAMPLE,
  results: MEASURE_IDS.flatMap((id) => (sample === undefined ? [] : [{ ...sample, id }])),
};

test("only a full run without failures is complete", () => {
  expect(incompletenessOf(COMPLETE)).toBeUndefined();
  expect(incompletenessOf({ ...COMPLETE, scale: 0.2 })).toBe("the scale of the run was 0.2, not 1");
  const results = COMPLETE.results.filter(({ id }) => id !== "growth" && id !== "log");
  expect(incompletenessOf({ ...COMPLETE, results })).toBe("the run was without log, growth");
  const failed = COMPLETE.results.map((each) => (each.id === "log" ? { ...each, error: "99 rows" } : each));
  expect(incompletenessOf({ ...COMPLETE, results: failed })).toBe("these measures failed: log");
});
