import { expect, test } from "vitest";
import { directionText } from "../../shared/direction-text.ts";

test.each([
  ["long", null, "long"],
  ["short", undefined, "short"],
  ["flat", null, "exit"],
  ["flat", undefined, "exit"],
  ["flat", "long", "exit long"],
  ["flat", "short", "exit short"],
] as const)("%s of side %s is shown as %s", (direction, side, text) => {
  expect(directionText(direction, side)).toBe(text);
});
