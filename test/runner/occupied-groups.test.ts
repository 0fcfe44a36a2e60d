import { expect, test, vi } from "vitest";
import { readForeignConsumers } from "../../shared/io/streams/foreign-consumers.ts";
import { claimMode, readShadow } from "../../shared/io/streams/router-mode.ts";
import { signalFields } from "../builders.ts";
import { mixedReference } from "../mixed-signals.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** Groups of the router that others work on: another program, or routers with another SHADOW. */

const router = useRouters();
const GROUP = "signal_processor";
const UNTIL = { timeout: 20_000, interval: 50 };

/** As a router of the system before: it reads with the very name of the router's group. */
async function readAsOld(consumer: string, count: number): Promise<void> {
  const key = router.keys.stream("signals_stream");
  await router.redis.xreadgroup("GROUP", GROUP, consumer, "COUNT", count, "STREAMS", key, ">");
}

test("a start waits for a person where another program has entries pending, and then goes on", async () => {
  const { redis, keys } = router;
  const key = keys.stream("signals_stream");
  await insertReference(router.databaseUrl, mixedReference());
  await redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM");
  const ids: string[] = [];
  for (const uid of ["a", "b", "c"]) ids.push(await router.publish(signalFields({ uid })));
  await readAsOld("worker-1", 2);
  await readAsOld("worker-2", 1);
  await redis.xack(key, GROUP, ids[2] ?? "");

  const refused = await router.run("main.ts");
  expect(refused.code).toBe(2);
  expect(refused.output).toContain(
    `worker-1 in group ${GROUP} of signals_stream: 2 pending, the oldest ${ids[0]}`,
  );
  expect(refused.output).toContain("groups adopt signal_processor acknowledge");
  expect(refused.output).not.toContain("worker-2");

  expect(await router.run("cli.ts", "groups", "adopt", GROUP, "acknowledge")).toMatchObject({ code: 0 });
  // What was said of its entries holds for those alone.
  const again = await router.publish(signalFields({ uid: "again" }));
  await readAsOld("worker-1", 1);
  expect(await readForeignConsumers(redis, keys)).toMatchObject([
    { consumer: "worker-1", pending: 1, isAdopted: false },
    { consumer: "worker-2", pending: 0 },
  ]);
  await redis.xack(key, GROUP, again);
  const later = await router.publish(signalFields({ uid: "d" }));
  await readAsOld("worker-3", 1);
  expect(await router.run("cli.ts", "groups", "adopt", GROUP, "decide")).toMatchObject({ code: 0 });
  const adopted = async () => (await readForeignConsumers(redis, keys)).find((one) => one.pending > 0);
  expect(await adopted()).toMatchObject({ consumer: "worker-3", isAdopted: true });
  const traded = await router.publish(signalFields({ uid: "traded" }));
  await readAsOld("worker-3", 1);
  expect(await adopted()).toMatchObject({ isAdopted: false });
  await redis.xack(key, GROUP, traded);
  await router.start();
  await vi.waitFor(async () => {
    expect(await router.sql("SELECT entry_id FROM signal_log")).toEqual([{ entry_id: later }]);
  }, UNTIL);
  await vi.waitFor(async () => {
    const [event] = await router.sql(
      "SELECT details FROM system_log WHERE message LIKE '%were acknowledged%'",
    );
    expect(event?.["details"]).toMatchObject({ consumer: "worker-1", entries: ids.slice(0, 2) });
  }, UNTIL);

  const status = JSON.parse((await router.run("cli.ts", "status", "--json")).output);
  expect(status.health.status).toBe("degraded");
  expect(status.health.reasons.join("\n")).toContain(
    "worker-3, which is no router, reads group signal_processor",
  );
}, 90_000);

test("a router with another SHADOW than those that live on its groups is refused, and told who they are", async () => {
  await insertReference(router.databaseUrl, mixedReference());
  router.env["CONSUMER_NAME"] = "living";
  await router.start();
  await vi.waitFor(async () => expect(await router.redis.hkeys(router.keys.loops)).not.toEqual([]), UNTIL);
  // The same environment but for SHADOW, CONSUMER_NAME included.
  router.env["SHADOW"] = "true";
  const { code, output } = await router.run("main.ts");
  expect([code, output]).toEqual([
    2,
    expect.stringMatching(/SHADOW=true, but routers with SHADOW=false .*: living/),
  ]);
}, 60_000);

test("routers of one mode go on in a Redis that was emptied, whoever asks first; later ones of the other are refused", async () => {
  const { redis, keys } = router;
  const now = Date.now();
  await redis.hset(keys.heartbeats, "signals_stream signal_processor other", `${now + 60_000} 60000`);
  const claim = async (shadow: boolean, unknownIs: boolean) =>
    claimMode(redis, keys, { shadow, unknownIs, consumer: "mine", silentMsMax: 15_000 });
  expect(await claim(true, false)).toEqual(["other"]);
  expect(await claim(true, true)).toEqual([]);
  expect(await claim(false, false)).toEqual(["other"]);
  expect(await readShadow(redis, keys)).toBe(true);
  await redis.hset(keys.heartbeats, "signals_stream signal_processor other", `${now} 0`);
  await redis.hset(keys.heartbeats, "signals_stream signal_processor mine", `${now + 60_000} 60000`);
  expect(await claim(false, false)).toEqual([]);
});
