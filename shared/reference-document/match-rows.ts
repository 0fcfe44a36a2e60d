import type { DocumentFault } from "./document.ts";

/**
 * Finds the stored row that each entry of a document stands for: the one of its name, or, with `was`, the one that is renamed. A
 * document with `was` may be applied again: once the row has its new name, `was` says nothing.
 */
export function matchRows<Row>({ what, path, entries, rows }: Matching<Row>): Matched<Row> {
  const faults: DocumentFault[] = [];
  const fault = (at: number, key: string, message: string): void => {
    faults.push({ path: `${path}[${at}].${key}`, message });
  };
  const byName = new Map(rows.map((row) => [row.name, row]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const claimed = new Set<Named<Row>>();
  const found: (Named<Row> | undefined)[] = entries.map(() => undefined);
  const free = (name: string | undefined): Named<Row> | undefined => {
    const row = name === undefined ? undefined : byName.get(name);
    return row === undefined || claimed.has(row) ? undefined : row;
  };
  const claim = (at: number, row: Named<Row> | undefined): void => {
    found[at] = row;
    if (row !== undefined) claimed.add(row);
  };

  const seen = new Map<string, number>();
  let open: number[] = [];
  for (const [at, { name, was, id, key }] of entries.entries()) {
    const first = seen.get(name);
    if (first !== undefined) {
      fault(at, key, `${what} ${name} is in the document twice (see ${path}[${first}]): remove one of them`);
      continue;
    }
    seen.set(name, at);
    if (id !== undefined) claim(at, byId.get(id));
    else if (was === undefined || was === name) claim(at, free(name));
    else open.push(at);
  }

  // One that is renamed may make room for the next.
  for (let left = -1; left !== open.length;) {
    left = open.length;
    open = open.filter((at) => {
      const { name = "", was = "" } = entries[at] ?? {};
      const [old, current] = [free(was), free(name)];
      if (old !== undefined && current !== undefined) return true;
      if (old === undefined && current === undefined) return true;
      claim(at, old ?? current);
      return false;
    });
  }
  for (const at of open) {
    const { name = "", was = "" } = entries[at] ?? {};
    const both = byName.has(was) && byName.has(name);
    fault(
      at,
      "was",
      both
        ? `there is a ${what} ${was} and a ${what} ${name}: remove one of them first, or rename in two steps`
        : `there is no ${what} ${was} that could be renamed: correct \`was\`, or remove it to make a new ${what}`,
    );
  }
  return { found: found.map((one) => one?.row), faults };
}

interface Named<Row> {
  readonly name: string;
  readonly id?: number;
  readonly row: Row;
}

export interface Matching<Row> {
  /** What a row is called in messages. */
  readonly what: string;
  /** Where the entries stand in the document. */
  readonly path: string;
  readonly entries: readonly {
    readonly name: string;
    readonly was?: string | undefined;
    /** The row's id, when it is known: then names do not matter. */
    readonly id?: number | undefined;
    /** What the document calls the name. */
    readonly key: "name" | "symbol" | "alias";
  }[];
  readonly rows: readonly Named<Row>[];
}

export interface Matched<Row> {
  /** For each entry; undefined: there is no row yet. */
  readonly found: readonly (Row | undefined)[];
  readonly faults: readonly DocumentFault[];
}
