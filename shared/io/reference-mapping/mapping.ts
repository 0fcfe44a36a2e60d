import type { Database } from "../postgres/database.ts";

/** Stand-in for the mapping of another system's tables. */

export const MAPPED_SYSTEMS = ["v4", "v2"] as const;
export type MappedSystem = (typeof MAPPED_SYSTEMS)[number];
type Query = Database["query"];

export interface MappingReport {
  readonly lines: readonly string[];
  /** Reasons why it cannot be made, each with a remedy. */
  readonly faults: readonly string[];
}

export async function readMappingReport(
  query: Query,
  of: { system: MappedSystem; source: string },
): Promise<MappingReport> {
  await query("SELECT 1");
  return { lines: [`${of.system} in schema ${of.source}`], faults: [] };
}

export async function viewsStatement(
  _query: Query,
  of: { system: MappedSystem; source: string },
): Promise<string> {
  return Promise.resolve(`
    CREATE VIEW tickers AS SELECT symbol FROM "${of.source}".tickers_bb;
    CREATE VIEW signals AS SELECT id, name, long_phrase, short_phrase FROM "${of.source}".signals_v4;
    CREATE VIEW strategies AS SELECT id, name, enabled, 'none'::text AS handler FROM "${of.source}".strategies_v4;
    CREATE VIEW strategy_signals AS SELECT id AS strategy_id, signal_id FROM "${of.source}".strategies_v4 WHERE signal_id IS NOT NULL;
    CREATE VIEW strategy_tickers AS SELECT 0 AS strategy_id, ''::text AS symbol WHERE false;`);
}
