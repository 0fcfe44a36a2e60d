import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { codeIn, sectionIn } from "../../../markdown.ts";
import { freshDatabase } from "../../../servers/fixtures.ts";
import { sql } from "../../../servers/insert-reference.ts";
import { decisionOn, snapshotIn } from "./mapping-fixture.ts";

it("the mapping in the guide works as it stands there, and decides what the guide says", async () => {
  const guide = await readFile("shared/io/reference-mapping/README.md", "utf8");
  const fresh = await freshDatabase();
  const db = await openDatabase({
    url: fresh.url,
    schema: "router",
    dataDir: "/nowhere",
    onError: () => undefined,
  });
  try {
    await sql(fresh.url, codeIn(sectionIn(guide, "A mapping of your own"), "sql"));
    const snapshot = await snapshotIn(db);
    expect([...snapshot.strategies.values()].map(({ name, handler }) => `${name} ${handler}`)).toEqual([
      "Trend none",
      "Ether none",
      "Paused none",
    ]);
    expect(decisionOn(snapshot, "TREND_UP", "BTCUSDT")).toBe("dispatched 1");
    expect(decisionOn(snapshot, "TREND_UP", "ETHUSDT")).toBe("dispatched 1 2");
    expect(decisionOn(snapshot, "TREND_UP", "DOGEUSDT")).toBe("ignored ticker_disabled");
    expect(decisionOn(snapshot, "TREND_DOWN", "BTCUSDT")).toBe("ignored no_eligible_strategy");
  } finally {
    await db.close();
    await fresh.drop();
  }
});
