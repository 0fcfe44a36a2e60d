import { expect, test } from "vitest";
import { foreignFaults } from "../../../shared/health/foreign-consumers.ts";
import { shadowFaults } from "../../../shared/health/shadow.ts";

const old = { stream: "signals_stream", group: "signal_processor", consumer: "old\n1", pending: 2 };

test("a program that reads a group of the router is named, with what to do; one that has ended is not", () => {
  expect(foreignFaults([{ ...old, idleMs: 3_000 }])).toEqual([
    {
      severity: "degraded",
      reason: expect.stringMatching(
        /^old.1, which is no router, reads group signal_processor of signals_stream .*2 pending/,
      ),
    },
  ]);
  expect(foreignFaults([{ ...old, idleMs: 700_000 }])).toEqual([]);
});

test("only a shadow without names of its own is a fault", () => {
  expect(shadowFaults({ isShadow: true, suffix: "" })).toHaveLength(1);
  expect(shadowFaults({ isShadow: true, suffix: "_new" })).toEqual([]);
  expect(shadowFaults({ isShadow: false, suffix: "" })).toEqual([]);
});
