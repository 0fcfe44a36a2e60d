/** Whose tables the reference is read from; kept in the history of migrations. */
export interface ReferenceOrigin {
  readonly kind: ReferenceKind;
  /** Schema of the system whose tables the views are over; absent for `own` and `none`. */
  readonly source?: string;
}

/**
 * `own`: the five tables that the router's migrations make. `v4`, `v2`: five views over that system's tables. `none`: five
 * relations that another program has made.
 */
export const REFERENCE_KINDS = ["own", "v4", "v2", "none"] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

export const OWN_REFERENCE: ReferenceOrigin = { kind: "own" };

/** The origin for people, as a clause. */
export function originText({ kind, source }: ReferenceOrigin): string {
  switch (kind) {
    case "own":
      return "the router's own tables";
    case "none":
      return "tables or views that another program has made";
    case "v4":
    case "v2":
      return `views over the tables of ${kind} in schema ${source}`;
  }
}

/** The name under which a change to this origin is recorded in the history of migrations. */
export function originRecord({ kind, source }: ReferenceOrigin): string {
  return source === undefined ? `reference ${kind}` : `reference ${kind} ${source}`;
}

/** The origin recorded last; undefined when none is recorded and the router has no tables of its own. */
export function originIn(history: readonly string[]): ReferenceOrigin | undefined {
  const recorded = history.map(recordedOrigin).findLast((origin) => origin !== undefined);
  // Installations from before recorded none: all of them have their own tables.
  return recorded ?? (history.some((name) => name.startsWith("001_")) ? OWN_REFERENCE : undefined);
}

export function isSameOrigin(one: ReferenceOrigin, other: ReferenceOrigin): boolean {
  return one.kind === other.kind && one.source === other.source;
}

function recordedOrigin(name: string): ReferenceOrigin | undefined {
  const [, word, source] = /^reference (\w+)(?: (.+))?$/su.exec(name) ?? [];
  const kind = REFERENCE_KINDS.find((known) => known === word);
  if (kind === undefined) return undefined;
  return source === undefined ? { kind } : { kind, source };
}
