import type { ReferenceTable } from "../../reference/reference.ts";

/** The old systems that have a mapping, and the tables and columns that it reads. */
export const MAPPED_SYSTEMS = ["v4", "v2"] as const;
export type MappedSystem = (typeof MAPPED_SYSTEMS)[number];

/** An old system in the database, and the schema of its tables. */
export interface OldSystem {
  readonly system: MappedSystem;
  readonly source: string;
}

export interface OldColumn {
  readonly holds: "numbers" | "text" | "true or false";
  /** What a missing column means, as a clause for people; absent: the mapping cannot do without it. */
  readonly ifMissing?: string;
}

export interface OldTableForm {
  /** Names it may have: the first that is there is used. */
  readonly names: readonly string[];
  readonly columns: Readonly<Record<string, OldColumn>>;
}

/** What takes the place of each reference table; undefined where a column of another table does. */
export type OldSystemForm = Readonly<Record<Exclude<ReferenceTable, "strategy_signals">, OldTableForm>> & {
  readonly strategy_signals?: OldTableForm;
};

const number: OldColumn = { holds: "numbers" };
const text: OldColumn = { holds: "text" };
const flag: OldColumn = { holds: "true or false" };

const tickers = {
  id: number,
  symbol: text,
  status: text,
  tradepermission: text,
  is_active: { ...flag, ifMissing: "nothing depends on it" },
};
const signals = {
  id: number,
  name: text,
  long_phrase: text,
  short_phrase: text,
  source: { ...text, ifMissing: "nothing depends on it" },
  enabled: flag,
};
const switches = {
  enabled: flag,
  archived: { ...flag, ifMissing: "no strategy counts as archived" },
  allow_open: { ...flag, ifMissing: "every strategy may open positions" },
};
const listing = { strategy_id: number, ticker_id: number, enabled: flag };

export const OLD_SYSTEMS: Readonly<Record<MappedSystem, OldSystemForm>> = {
  v4: {
    tickers: { names: ["tickers_bb", "tickers_v4"], columns: tickers },
    signals: { names: ["signals_v4"], columns: signals },
    strategies: {
      names: ["strategies_v4"],
      columns: {
        id: number,
        name: text,
        human_name: { ...text, ifMissing: "strategies are named `name #id`" },
        signal_id: number,
        ...switches,
        reverse: { ...flag, ifMissing: "no strategy reverses positions" },
        use_all_tickers: { ...flag, ifMissing: "every strategy gets all tickers" },
      },
    },
    strategy_tickers: { names: ["strategy_tickers_v4"], columns: listing },
  },
  v2: {
    tickers: { names: ["tickers"], columns: tickers },
    signals: { names: ["signals_v2"], columns: signals },
    strategies: {
      names: ["strategies_v2"],
      columns: {
        id: number,
        name: text,
        ...switches,
        reverse: { ...flag, ifMissing: "nothing depends on it" },
        use_all_tickers: { ...flag, ifMissing: "nothing depends on it" },
      },
    },
    strategy_signals: {
      names: ["strategy_signals_v2"],
      columns: {
        strategy_id: number,
        signal_id: number,
        role: { ...text, ifMissing: "this check cannot name what is for exits" },
      },
    },
    strategy_tickers: { names: ["strategy_tickers_v2"], columns: listing },
  },
};
