import { PARAMS_NESTING_MAX, VALUE_COUNT_MAX } from "./document-fields.ts";
import type { DocumentFault } from "./document.ts";
import { faultAt, itemPath, keyPath, type SourceContent, type SourceNode } from "./source-node.ts";

/** Values of JSON that was parsed already, with their paths. */
export function readJson(root: unknown, faults: DocumentFault[]): SourceNode {
  let count = 0;

  function content(value: unknown, path: string, depth: number): SourceContent {
    count += 1;
    if (count > VALUE_COUNT_MAX || depth > PARAMS_NESTING_MAX + 5) {
      const why = count > VALUE_COUNT_MAX ? `more than ${VALUE_COUNT_MAX} values` : "nested too deeply";
      if (count <= VALUE_COUNT_MAX + 1) faults.push(faultAt({ path }, why));
      return { kind: "refused" };
    }
    if (value === null) return { kind: "null", written: "null" };
    if (typeof value === "string") return { kind: "text", text: value };
    if (typeof value === "number") return { kind: "number", number: value, written: String(value) };
    if (typeof value === "boolean") return { kind: "boolean", boolean: value, written: String(value) };
    if (Array.isArray(value)) {
      const items = value.map((item: unknown, at) => read(item, itemPath(path, at), depth + 1));
      return { kind: "list", items };
    }
    if (typeof value === "object") {
      const entries = Object.entries(value).flatMap(([key, one]: [string, unknown]) => {
        if (one === undefined) return [];
        const at = { path: keyPath(path, key) };
        return [{ key, at, value: read(one, at.path, depth + 1) }];
      });
      return { kind: "map", entries };
    }
    faults.push(faultAt({ path }, `found a ${typeof value}, which JSON does not have`));
    return { kind: "refused" };
  }

  function read(value: unknown, path: string, depth: number): SourceNode {
    return { path, ...content(value, path, depth) };
  }

  return read(root, "", 0);
}
