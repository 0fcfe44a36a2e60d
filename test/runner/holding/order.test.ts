import { expect, test } from "vitest";
import { overtaken } from "./order.ts";

test.each([
  ["in order", "a b c", "a b c", 0],
  ["a repeated run", "a b c", "a b a c b", 0],
  ["a neighbour that came first", "a b c", "b a c", 1],
  ["one that came last", "a b c d", "b c d a", 1],
  ["one that never ran", "a b c", "a c", 0],
])("%s", (_what, inOrder, begun, count) => {
  expect(overtaken(inOrder.split(" "), begun.split(" "))).toBe(count);
});
