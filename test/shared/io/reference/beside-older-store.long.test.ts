import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { referenceStoreOn } from "../../../../shared/io/reference/reference-store.ts";
import { buildReference } from "../../../../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../../../../shared/reference/reference.ts";
import { referenceRows, signalRow, strategyRow, tickerRow } from "../../../builders.ts";
import { byPace } from "../../../long/pace.ts";
import { isInHistory, versionBefore, WITHOUT_EXITS } from "../../../long/version-before.ts";
import { emptyReferenceStore, NOW } from "./reference-store-fixture.ts";

/** What a router of the version before exits makes of references that say more than it knows. */

const fixture = emptyReferenceStore();
/** A clone without the history can run everything but the short form of this. */
const canRun = byPace({ short: await isInHistory(WITHOUT_EXITS), full: true });

let folder = "";
let olderStoreOn: typeof referenceStoreOn;
beforeAll(async () => {
  if (!canRun) return;
  folder = await versionBefore(WITHOUT_EXITS);
  const module = (await import(join(folder, "shared/io/reference/reference-store.ts"))) as {
    referenceStoreOn: typeof referenceStoreOn;
  };
  olderStoreOn = module.referenceStoreOn;
});
afterAll(async () => {
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

const source = { name: "mine", enabled: true, format: "json", template: {}, uid: null } as const;

test.runIf(canRun).each<[string, Partial<ReferenceRows>, boolean]>([
  ["an exit", { signals: [signalRow(1, { long_exit_phrase: "OUT" })] }, false],
  ["an exit that is left out", { signals: [signalRow(1, { exit_phrase: "SIGNAL_1_LONG" })] }, true],
  ["a strategy that takes exits", { strategies: [strategyRow(10, { exits: true })] }, true],
  ["an alias", { ticker_aliases: [{ alias: "XBT", symbol: "BTCUSDT" }] }, true],
  ["exchanges", { tickers: [tickerRow("BTCUSDT", { exchanges: ["*"] })] }, true],
  ["a perpetual", { tickers: [tickerRow("BTCUSDT"), tickerRow("BTCUSDT.P")] }, true],
  ["a source", { webhook_sources: [source] }, true],
])(
  "%s is not published over by it, and read unless it would trade half of it",
  async (_, changes, isRead) => {
    const built = buildReference(referenceRows(changes));
    expect(await fixture.publish(built)).toBe("published");
    const older = olderStoreOn(fixture.redis, fixture.keys);
    expect((await older.load())?.version).toBe(isRead ? built.version : undefined);
    const plain = buildReference(referenceRows());
    expect(await fixture.publish(plain, NOW, older)).toBe("newer_format");
    expect(await fixture.store.load()).toMatchObject({ version: built.version, content: built.content });
    // Without anything new both publish the same.
    expect(await fixture.publish(plain)).toBe("published");
    expect(await fixture.publish(plain, NOW, older)).toBe("unchanged");
  },
);
