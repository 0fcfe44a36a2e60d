import type { DocumentFault } from "./document.ts";
import type { SourceNode } from "./source-node.ts";
import { readYaml } from "./yaml-nodes.ts";

/** Adds lines and columns to faults that were found after the text was read: those of the nearest value that the text has. */
export function faultsWithPlaces(text: string, faults: readonly DocumentFault[]): readonly DocumentFault[] {
  const root = readYaml(text, []);
  if (root === undefined) return faults;
  const places = new Map<string, SourceNode>();
  collect(root, places);
  return faults.map((fault) => {
    const { line, column } = placeOf(fault.path, places) ?? root;
    if (fault.line !== undefined || line === undefined || column === undefined) return fault;
    return { ...fault, line, column };
  });
}

function collect(node: SourceNode, places: Map<string, SourceNode>): void {
  if (!places.has(node.path)) places.set(node.path, node);
  if (node.kind === "list") for (const item of node.items) collect(item, places);
  if (node.kind === "map") for (const { value } of node.entries) collect(value, places);
}

function placeOf(path: string, places: ReadonlyMap<string, SourceNode>): SourceNode | undefined {
  for (let known = path; known !== ""; known = known.replace(/(?:\[[^[\]]*\]|\.?[^.[\]]*)$/, "")) {
    const place = places.get(known);
    if (place !== undefined) return place;
  }
  return undefined;
}
