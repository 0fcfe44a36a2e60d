import { describe, expect, it } from "vitest";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import { addEntries, scriptAccess } from "../../../servers/redis-contents.ts";
import { DEAD_LETTER, GROUP, ONCE, useCommit } from "./commit-fixture.ts";
import { dispatch } from "./sample-effects.ts";

const fixture = useCommit();
const { outcomesOf, deliver, labelled } = fixture;

describe("the commit script", () => {
  it("touches no key it has not declared, on any of its paths", async () => {
    const ids = await deliver(4);
    const letters = await addEntries(fixture.redis, fixture.keys.stream("dead_letters"), 2);
    await fixture.redis.set(fixture.keys.referenceCurrent, "v1");
    const decidedOn = { version: "v1", epoch: "0" };
    const seen = new Set<string>();
    const access = await scriptAccess(fixture.redis, fixture.keys.prefix, async () => {
      const uids = ids.map((id, n) => ({ id, effects: dispatch(`u${n % 3}`) }));
      const commits: readonly (readonly [CommitItem[], CommitOptions])[] = [
        [uids, { ...ONCE, timing: "f" }],
        [uids, { ...GROUP, timing: "f", decidedOn }],
        [uids, GROUP],
        [uids.slice(0, 2).map((item, n) => ({ ...item, deadLetterId: letters[n] ?? "" })), DEAD_LETTER],
        [uids, { ...GROUP, decidedOn: { ...decidedOn, epoch: "1" } }],
        [uids, labelled(["1"])],
        [uids, labelled(["3"], "2")],
      ];
      for (const [items, options] of commits) {
        for (const outcome of await outcomesOf(items, options)) seen.add(outcome);
      }
    });
    expect(seen).toStrictEqual(new Set(["applied", "duplicate", "held", "fenced", "stale", "early"]));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThan(50);
  });

  it("would be caught touching a key it has not declared", async () => {
    const script = `return redis.call('SET', KEYS[1] .. 'x', 1)`;
    const access = await scriptAccess(fixture.redis, fixture.keys.prefix, () =>
      fixture.redis.eval(script, 1, fixture.keys.metrics),
    );
    expect(access).toStrictEqual({ touched: 1, undeclared: [`SET ${fixture.keys.metrics}x`] });
  });
});
