import { Client } from "pg";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { READ_TABLES } from "../../shared/reference/reference.ts";
import { mixedReference } from "../mixed-signals.ts";
import { insertRows } from "../servers/insert-reference.ts";
import { BEGUN_HANDLER } from "./begun.ts";
import type { Random } from "./random.ts";
import { withAnotherMeaning, withSpellings } from "./spellings.ts";

/** The reference of a run and its changes. */

/** A strategy with an age limit so low that an outage makes signals too old for it. */
const IMPATIENT = { id: 18, signal_age_ms_max: 1_500 } as const;
/** The strategy that holds the number of the revision, so that no version repeats. */
const NUMBERED_ID = 10;

/** The reference that every revision is derived from. */
function baseReference(): ReferenceRows {
  const rows = mixedReference();
  const strategies = rows.strategies.map((strategy) => {
    const row = { ...strategy, handler: BEGUN_HANDLER };
    if (row.id === IMPATIENT.id) return { ...row, ...IMPATIENT };
    return row.id === NUMBERED_ID ? { ...row, exits: true } : row;
  });
  return withSpellings({ ...rows, strategies });
}

/** The base with another meaning of a symbol alone, which the next revision takes back. */
export function respelledRevision(revision: number, random: Random): ReferenceRows {
  const base = baseReference();
  const strategies = base.strategies.map((row) =>
    row.id === NUMBERED_ID ? { ...row, params: { revision } } : row,
  );
  return withAnotherMeaning({ ...base, strategies }, random);
}

/** Revision 0 is the base; every other revision is the base with one to three changes, see also {@link respelledRevision}. */
export function referenceRevision(revision: number, random: Random): ReferenceRows {
  const base = baseReference();
  const numbered = base.strategies.map((row) =>
    row.id === NUMBERED_ID ? { ...row, params: { revision } } : row,
  );
  let rows: ReferenceRows = { ...base, strategies: numbered };
  for (let left = revision === 0 ? 0 : random.between(1, 3); left > 0; left -= 1)
    rows = flipped(rows, random);
  return rows;
}

const SWITCHES = [
  "enabled",
  "archived",
  "allow_open",
  "reverse",
  "use_all_tickers",
  "shadow",
  "exits",
] as const;

/** The rows with one change. */
function flipped(rows: ReferenceRows, random: Random): ReferenceRows {
  switch (random.below(10)) {
    case 0: {
      const at = random.below(rows.tickers.length);
      const tickers = rows.tickers.map((row, i) => (i === at ? { ...row, status: other(row.status) } : row));
      return { ...rows, tickers };
    }
    case 1: {
      const at = random.below(rows.tickers.length);
      const tickers = rows.tickers.map((row, i) =>
        i === at ? { ...row, trade_permission: other(row.trade_permission) } : row,
      );
      return { ...rows, tickers };
    }
    case 2: {
      const at = random.below(rows.signals.length);
      const signals = rows.signals.map((row, i) => (i === at ? { ...row, enabled: !row.enabled } : row));
      return { ...rows, signals };
    }
    case 3: {
      const at = random.below(rows.strategy_signals.length);
      return { ...rows, strategy_signals: rows.strategy_signals.filter((_, i) => i !== at) };
    }
    default: {
      const at = random.below(rows.strategies.length);
      const name = random.pick(SWITCHES);
      const strategies = rows.strategies.map((row, i) => (i === at ? { ...row, [name]: !row[name] } : row));
      return { ...rows, strategies };
    }
  }
}

function other(state: "enabled" | "disabled"): "enabled" | "disabled" {
  return state === "enabled" ? "disabled" : "enabled";
}

/** Replaces the content of the tables by these rows, in one transaction; it may be repeated. */
export async function writeReference(url: string, rows: ReferenceRows): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // Without a listener an error of the connection would end the process; the query rejects as well.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("BEGIN");
    for (const table of READ_TABLES.toReversed()) await client.query(`DELETE FROM ${table}`);
    await insertRows(client, rows);
    await client.query("COMMIT");
  } finally {
    await client.end().catch(() => undefined);
  }
}
