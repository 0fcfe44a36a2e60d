import { expect, test } from "vitest";
import { blockListOf } from "../../../shared/config/config-values.ts";

test("a block list of ranges knows the addresses inside them", () => {
  const list = blockListOf(["10.1.2.3/8", "203.0.113.7", "fd00::/8"]);
  expect(["10.200.0.1", "203.0.113.7", "203.0.113.8"].map((address) => list.check(address))).toEqual([
    true,
    true,
    false,
  ]);
  expect(["fd12::1", "fe80::1"].map((address) => list.check(address, "ipv6"))).toEqual([true, false]);
});
