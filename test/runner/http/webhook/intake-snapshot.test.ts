import { expect, it, vi } from "vitest";
import type { RoutingContext } from "../../../../runner/bindings/routing-context.ts";
import { intakeSnapshots } from "../../../../runner/http/webhook/intake-snapshot.ts";
import { SNAPSHOT } from "../../../shared/webhook-source/source-fixture.ts";

it("an alert that is added waits a moment for the newest snapshot, and long only for the first", async () => {
  vi.useFakeTimers();
  try {
    // Of its context only the snapshot is read.
    const first = { snapshot: SNAPSHOT } as RoutingContext;
    let answer: (context: RoutingContext) => void = () => undefined;
    const snapshots = intakeSnapshots({
      latest: async () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const asked = snapshots.current({ msMax: 1_000 });
    const got: unknown[] = [];
    const wait = (): void => void snapshots.soon(asked).then((snapshot) => got.push(snapshot));
    wait();
    await vi.advanceTimersByTimeAsync(900);
    expect(got).toEqual([]);
    answer(first);
    await vi.advanceTimersByTimeAsync(60);
    expect(got).toEqual([SNAPSHOT]);
    // The next question is not answered.
    wait();
    await vi.advanceTimersByTimeAsync(100);
    expect(got).toEqual([SNAPSHOT, SNAPSHOT]);
  } finally {
    vi.useRealTimers();
  }
});
