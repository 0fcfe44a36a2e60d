/** An import or re-export of a source file. */
export interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
  /** Names as exported; `*` when they are not known. */
  readonly names: readonly string[];
}

/** Every import and re-export in a source text, static or dynamic. */
export function importsIn(source: string): Import[] {
  const code = withoutComments(source);
  const statements = code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^"';]*?)\s*from\s*["']([^"']+)["']/gm,
  );
  const found = [...statements].map(([, type, clause = "", from = ""]): Import => {
    const names = namesIn(clause);
    return {
      from,
      names: names.map(({ name }) => name),
      typeOnly: type !== undefined || names.every(({ type: t }) => t),
    };
  });
  const bare = code.matchAll(/^\s*import\s*["']([^"']+)["']|\b(?:import|require)\s*\(\s*["'`]([^"'`]*)/gm);
  for (const [, sideEffect, dynamic] of bare)
    found.push({ from: sideEffect ?? dynamic ?? "", typeOnly: false, names: ["*"] });
  return found;
}

function namesIn(clause: string): { name: string; type: boolean }[] {
  const [, list] = /^\{(.*)\}$/s.exec(clause.trim()) ?? [];
  if (list === undefined) return [{ name: "*", type: false }];
  const items = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return items.map((item) => ({
    name: item.replace(/^type\s+/, "").split(/\s/)[0] ?? "",
    type: item.startsWith("type "),
  }));
}

/** The code without comments; line comments only at the start of a line, so that `https://` in a string is kept. */
export function withoutComments(source: string): string {
  return source.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Groups of files that import each other in a circle: strongly connected components, by Tarjan's algorithm. */
export function circlesIn(importsOf: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  function visit(file: string): void {
    order.set(file, order.size);
    let low = order.size - 1;
    stack.push(file);
    for (const target of importsOf.get(file) ?? []) {
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low = Math.min(low, lowest.get(target) ?? order.get(target) ?? low);
    }
    lowest.set(file, low);
    if (low !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) circles.push(circle.toSorted());
  }
  for (const file of importsOf.keys()) if (!order.has(file)) visit(file);
  return circles;
}
