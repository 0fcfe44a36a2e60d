import { describe, expect, test } from "vitest";
import { pause } from "../../shared/io/reference/control-store.ts";
import { mixedReference, PAUSED_STRATEGY } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { expectExactly, publishMixture } from "./whole-path-fixture.ts";

const router = useRouters();

describe("the whole path, through real processes", () => {
  test("1,000 mixed signals through two routers: one row each with the right status, one task per dispatched pair", async () => {
    await insertReference(router.databaseUrl, mixedReference());
    await pause(router.redis, router.keys, PAUSED_STRATEGY, { by: "test", at: Date.now() });
    await Promise.all([router.start(), router.start()]);
    const entries = await publishMixture(router, 0, 1_000);
    await router.settled();
    await expectExactly(router, entries);
    expect(
      await router.sql(
        "SELECT DISTINCT octet_length(raw->>'note') AS kept FROM signal_log WHERE detail ? 'cut_fields'",
      ),
    ).toEqual([{ kept: 16_384 }]);
  }, 120_000);
});
