import { expect, test } from "vitest";
import { pauseFaults } from "../../../shared/health/pauses.ts";

const AT = Date.UTC(2026, 0, 5, 9, 30, 59);

test.each<[string, string]>([
  [JSON.stringify({ by: "ann", at: AT }), " since 2026-01-05 09:30 UTC by ann"],
  [JSON.stringify({ by: "an\nn", at: 1e300 }), " by an\uFFFDn"],
  [JSON.stringify({ by: 7, at: "soon" }), ""],
  ["null", ""],
  ["", ""],
])("everything paused with the note %j is degraded, with since when and by whom", (note, who) => {
  expect(pauseFaults({ "*": note, "7": "{}" })).toEqual([
    {
      severity: "degraded",
      reason: `everything is paused${who}: no signal is dispatched; \`npm run cli -- resume\` ends it`,
    },
  ]);
});

test("a single paused strategy is no fault", () => {
  expect(pauseFaults({ "7": JSON.stringify({ by: "ann", at: AT }) })).toEqual([]);
});
