import { expect, test } from "vitest";
import { strategySchema } from "../../../runner/http/named-strategy.ts";

test.each([
  ["7", 7],
  [" 2147483647 ", 2_147_483_647],
  ["7 of 9", "7 of 9"],
  // Names, as the command line takes them: `007` is not the strategy with the id 7.
  ["007", "007"],
  ["0", "0"],
])("%j in a request is an id or a name", (given, strategy) => {
  expect(strategySchema.parse(given)).toBe(strategy);
});

test("a number that is too large to be an id is refused", () => {
  expect(strategySchema.safeParse("2147483648").success).toBe(false);
});
