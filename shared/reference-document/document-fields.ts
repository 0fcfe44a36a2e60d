/** The fields of each kind of row: what is expected in them, what an absent one means, and what editors show. */
export const DOCUMENT_FIELDS = {
  tickers: {
    symbol: {
      kind: "symbol",
      about:
        "Symbol as signals name it, in any case. With or without TradingView's .P is the same, unless both are listed: then they are two tickers. In quotes when it has digits only.",
      example: "BTCUSDT",
    },
    status: {
      kind: "switch",
      absent: "enabled",
      about: "disabled: signals for it are ignored as ticker_disabled.",
      example: "enabled",
    },
    trade_permission: {
      kind: "switch",
      absent: "enabled",
      about: "disabled: signals for it are ignored as trade_not_permitted.",
      example: "enabled",
    },
    exchanges: {
      kind: "exchanges",
      absent: null,
      about:
        'Exchanges whose prefix is dropped, such as BINANCE in BINANCE:BTCUSDT; "*": that of any exchange. Without it a symbol with a prefix is unknown.',
      example: ["BINANCE"],
    },
    was: { kind: "was", about: "The symbol it had before: it is renamed.", example: "XBTUSDT" },
  },
  signals: {
    name: { kind: "name", about: "Unique name; strategies list it.", example: "EMA cross" },
    long_phrase: {
      kind: "optional text",
      absent: null,
      about: "The message that means this signal in the direction long; compared without regard to case.",
      example: "EMA_CROSS_LONG",
    },
    short_phrase: {
      kind: "optional text",
      absent: null,
      about: "The message that means this signal in the direction short.",
      example: "EMA_CROSS_SHORT",
    },
    exit_phrase: {
      kind: "optional text",
      absent: null,
      about: "The message that closes positions of both sides, for strategies with exits: true.",
      example: "EMA_EXIT",
    },
    long_exit_phrase: {
      kind: "optional text",
      absent: null,
      about: "The message that closes long positions only.",
      example: "EMA_EXIT_LONG",
    },
    short_exit_phrase: {
      kind: "optional text",
      absent: null,
      about: "The message that closes short positions only.",
      example: "EMA_EXIT_SHORT",
    },
    source: {
      kind: "optional text",
      absent: null,
      about: "For people: who sends it. No decision needs it.",
      example: "tradingview",
    },
    enabled: {
      kind: "flag",
      absent: true,
      about: "false: its phrases are ignored as signal_disabled.",
      example: true,
    },
    was: { kind: "was", about: "The name it had before: it is renamed and keeps its id.", example: "EMA" },
  },
  strategies: {
    name: { kind: "name", about: "Unique name.", example: "Trend follower" },
    signals: {
      kind: "names",
      absent: [],
      about: "Names of the signals it subscribes to.",
      example: ["EMA cross"],
    },
    tickers: {
      kind: "tickers",
      absent: "all",
      about: "all, or the list of symbols it is limited to; an empty list trades none.",
      example: ["BTCUSDT"],
    },
    handler: {
      kind: "name",
      absent: "log",
      about: "The handler that runs it: log, none, stream, webhook, or one of your own.",
      example: "webhook",
    },
    params: {
      kind: "params",
      absent: {},
      about: "What the handler needs; names of secrets, never their values.",
      example: { url: "https://bot.example.com/orders", secret: "BROKER_A" },
    },
    enabled: { kind: "flag", absent: true, about: "false: it gets no tasks.", example: true },
    archived: { kind: "flag", absent: false, about: "true: retired; it gets no tasks.", example: false },
    allow_open: {
      kind: "flag",
      absent: true,
      about: "Whether it may open positions. With neither this nor reverse it gets no tasks that open.",
      example: true,
    },
    reverse: { kind: "flag", absent: false, about: "Whether it may reverse positions.", example: false },
    signal_age_ms_max: {
      kind: "age",
      absent: null,
      about:
        "Signals older than this many milliseconds are ignored as stale; null or 0: only the router's own limit.",
      example: 60_000,
    },
    exits: {
      kind: "flag",
      absent: false,
      about: "true: it takes exits, which its handler gets with direction flat.",
      example: true,
    },
    exit_age_ms_max: {
      kind: "age",
      absent: null,
      about: "The only limit of the age of exits, in milliseconds; 0: of any age; null: as for openings.",
      example: 0,
    },
    shadow: { kind: "flag", absent: false, about: "true: it is decided, but gets no tasks.", example: false },
    was: { kind: "was", about: "The name it had before: it is renamed and keeps its id.", example: "Trend" },
  },
  aliases: {
    alias: {
      kind: "symbol",
      about: "Another spelling of a ticker's symbol, in any case.",
      example: "BTC/USDT",
    },
    symbol: { kind: "symbol", about: "The ticker that it means.", example: "BTCUSDT" },
    was: { kind: "was", about: "The alias it was before: it is renamed.", example: "XBTUSD" },
  },
  sources: {
    name: {
      kind: "source name",
      about: "In the path of its webhook, /webhooks/<name>/<secret>: lower case letters, digits and hyphens.",
      example: "my-screener",
    },
    enabled: { kind: "flag", absent: true, about: "false: its alerts are refused.", example: true },
    format: {
      kind: "format",
      absent: "json",
      about: "How its bodies are written: json, text, or form (name=value&name=value).",
      example: "json",
    },
    template: {
      kind: "template",
      about:
        "The fields of the signal, made from the body by {{path}}; with a map, such as buy to a phrase, or a default: { from, map, default }.",
      example: { symbol: "{{ticker}}", message: { from: "{{side}}", map: { buy: "EMA_CROSS_LONG" } } },
    },
    uid: {
      kind: "optional text",
      absent: null,
      about: "What tells its signals apart, by {{path}}; null: symbol, phrase and bar time.",
      example: "{{order.id}}",
    },
    was: { kind: "was", about: "The name it had before: it is renamed.", example: "screener" },
  },
} as const satisfies Record<DocumentKind, Record<string, DocumentField>>;

/** In the order in which they are written: what one adds to most often comes last. */
export const DOCUMENT_KINDS = ["tickers", "aliases", "sources", "signals", "strategies"] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export interface DocumentField {
  readonly kind:
    | "symbol"
    | "name"
    | "was"
    | "optional text"
    | "switch"
    | "flag"
    | "age"
    | "names"
    | "tickers"
    | "params"
    | "exchanges"
    | "source name"
    | "format"
    | "template";
  /** What an absent field means; a field without it must be there, except `was`. */
  readonly absent?: unknown;
  readonly about: string;
  readonly example: unknown;
}

/** The field that names a row of each kind. */
export const NAME_FIELD = {
  tickers: "symbol",
  signals: "name",
  strategies: "name",
  aliases: "alias",
  sources: "name",
} as const satisfies Record<DocumentKind, string>;

/** What one row of each kind is called. */
export const KIND_OF_ONE = {
  tickers: "ticker",
  signals: "signal",
  strategies: "strategy",
  aliases: "alias",
  sources: "source",
} as const satisfies Record<DocumentKind, string>;

/** A kind with its article, for messages. */
export function oneOf(kind: DocumentKind): string {
  return `${kind === "aliases" ? "an" : "a"} ${KIND_OF_ONE[kind]}`;
}

/** The fields of a kind by name. */
export function fieldsOf(kind: DocumentKind): ReadonlyMap<string, DocumentField> {
  return new Map(Object.entries<DocumentField>(DOCUMENT_FIELDS[kind]));
}

/** An example of what belongs at a path, as JSON: of its field, else of a row. */
export function exampleAt(path: string): string {
  const [, written = "", within = path] = /^([a-z]+)\[\d+\](.*)$/.exec(path) ?? [];
  const given = DOCUMENT_KINDS.filter((kind) => kind === written);
  const rest = given.length > 0 ? within : path;
  const kinds = given.length > 0 ? given : EXAMPLE_ORDER;
  const [name = ""] = /[a-z_]+/.exec(rest) ?? [];
  const field = kinds.map((kind) => fieldsOf(kind).get(name)).find((one) => one !== undefined);
  return JSON.stringify(field?.example ?? { name: "Mine", handler: "log", signals: ["EMA cross"] });
}

const EXAMPLE_ORDER: readonly DocumentKind[] = ["strategies", "signals", "tickers", "sources", "aliases"];

/** Longest name or symbol in bytes of UTF-8: Postgres keeps them in an index, whose entries have a limit. */
export const NAME_BYTES_MAX = 1_000;
/** Deepest nesting of params, as in rows that are read. */
export const PARAMS_NESTING_MAX = 99;
/** The column is an integer. */
export const AGE_MS_MAX = 2_147_483_647;
/** Largest document, some 600 strategies: reading one blocks the process, about 270 ms of CPU measured on a busy machine. */
export const DOCUMENT_BYTES_MAX = 200_000;
/** Values of a document, counted once for each place where an alias repeats them. */
export const VALUE_COUNT_MAX = 100_000;
