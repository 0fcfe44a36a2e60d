import { expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";

/** Edits and rollbacks beside signals that are being decided. */

const http = useHttpApp({ settings: { SIGNAL_AGE_MS_MAX: "0", BATCH_COUNT_MAX: "16" } });
const ROUNDS = 6;
const PER_ROUND = 60;

test("each decision names the version it was made on, and is right by it, whatever is rolled back meanwhile", async () => {
  const read = await http.call("GET", "/reference/document");
  const [first] = read.body.strategies;
  const document = {
    ...read.body,
    strategies: [
      { ...first, allow_open: false },
      { name: "second", signals: ["signal 1"], handler: "log" },
    ],
  };
  const headers = { "if-match": read.headers.get("etag") ?? "" };
  const put = await http.call("PUT", "/reference/document?agree=true&by=ann", document, headers);
  expect(put).toMatchObject({ status: 200, body: { change: 2 } });

  for (let round = 0; round < ROUNDS; round += 1) {
    await http.publishMany(PER_ROUND, (n) => signalFields({ uid: `${round}-${n}` }));
    const change = round % 2 === 0 ? 1 : 2;
    const [polled, back] = await Promise.all([
      http.call("POST", "/functions/process-signals/poll?budgetMs=20000"),
      http.call("POST", `/reference/rollback?agree=true&by=ann&change=${change}`),
    ]);
    expect([polled.status, back.status]).toEqual([200, 200]);
  }
  await http.call("POST", "/functions/process-signals/poll?budgetMs=20000");
  await http.call("POST", "/functions/persist-log/poll?budgetMs=20000");

  const rows = await http.sql("SELECT snapshot, count(*)::int AS n FROM signal_log GROUP BY snapshot");
  expect(rows).toHaveLength(2);
  expect(rows.reduce((sum, { n }) => sum + Number(n), 0)).toBe(ROUNDS * PER_ROUND);
  const again = await http.call("POST", "/replays", { from: "0-1", snapshot: "logged" });
  expect(again.body.replay.counts).toMatchObject({
    selected: ROUNDS * PER_ROUND,
    dispatched: ROUNDS * PER_ROUND,
    changed: 0,
  });
});
