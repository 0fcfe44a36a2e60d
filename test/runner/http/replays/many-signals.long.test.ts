import { describe, expect, test } from "vitest";
import { byPace } from "../../../long/pace.ts";
import { asRead, mixedReference, mixedSignal, MIXTURE } from "../../../mixed-signals.ts";
import { everything } from "../../replay/replay-fixture.ts";
import { routeAll } from "../../replay/route-in-process.ts";
import { useHttpApp } from "../http-fixture.ts";
import { ALL, linesOf } from "./replay-requests.ts";

const http = useHttpApp();
const COUNT = byPace({ short: 2_000, full: 10_000 });

describe("in lines", () => {
  test(`a dry run over ${COUNT} signals changes no key and no row, and on the logged snapshots nothing differs`, async () => {
    const now = Date.now();
    await http.setReference(mixedReference());
    await http.publishMany(COUNT, (n) => asRead(mixedSignal(n % MIXTURE === 16 ? n + 1 : n, now)));
    await routeAll(http.services);
    const before = await everything(http);
    for (const snapshot of ["logged", "current"]) {
      const lines = linesOf(await http.call("POST", "/replays", { ...ALL, snapshot }));
      expect(lines).toHaveLength(COUNT + 1);
      expect(lines.at(-1)).toMatchObject({
        replay: { counts: { selected: COUNT, unchanged: COUNT, changed: 0 } },
      });
      for (const { decided, logged } of lines.slice(0, -1)) expect(decided).toEqual(logged);
    }
    expect(await everything(http)).toEqual(before);
  }, 120_000);
});
