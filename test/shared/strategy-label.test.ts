import * as fc from "fast-check";
import { expect, test } from "vitest";
import { strategyLabel } from "../../shared/strategy-label.ts";

test.each([
  ["Trend follower", "Trend follower (1)"],
  ["  spaced ", "spaced (1)"],
  ["two\nlines\u001b[2J", "two\uFFFDlines\uFFFD[2J (1)"],
  ["x".repeat(200), `${"x".repeat(80)}… (1)`],
  ["", "strategy 1"],
  [null, "strategy 1"],
  [undefined, "strategy 1"],
])("the strategy 1 named %j is shown as %j", (name, label) => {
  expect(strategyLabel(1, name)).toBe(label);
});

test("any name gives a short line without control characters, with the id at its end", () => {
  fc.assert(
    fc.property(fc.nat(), fc.string({ unit: "binary", maxLength: 300 }), (id, name) => {
      const label = strategyLabel(id, name);
      expect(Buffer.byteLength(label)).toBeLessThan(120);
      expect(label).toMatch(new RegExp(`(^strategy ${id}|\\(${id}\\))$`));
      expect(label).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});
