import { webhookSourceSchema } from "../reference/webhook-source.ts";
import { sourceFaults, type SourceFault } from "../source-faults.ts";
import type { DocumentSource } from "./document.ts";
import type { SourceNode } from "./source-node.ts";

/** What is wrong with a webhook source of a document or a row, with the path of the value in it. */
export function faultsOfSource({
  name,
  enabled,
  format,
  template,
  uid,
}: DocumentSource): readonly SourceFault[] {
  const source = { enabled, format, template, ...(uid === null ? {} : { uid }) };
  const parsed = webhookSourceSchema.safeParse(source);
  if (parsed.success) return sourceFaults(parsed.data, name);
  return parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
}

/** The value at the path of such a fault; undefined when the text has none there. */
export function nodeAt(nodes: ReadonlyMap<string, SourceNode>, path: string): SourceNode | undefined {
  for (const [key, node] of nodes) {
    if (path === key) return node;
    if (!path.startsWith(`${key}.`)) continue;
    const rest = path.slice(key.length + 1);
    const members = node.kind === "map" ? node.entries.map((entry) => [entry.key, entry.value] as const) : [];
    return nodeAt(new Map(members), rest) ?? node;
  }
  return undefined;
}

/** The variable with the secrets of a source. */
export function secretVariable(name: string): string {
  return `WEBHOOK_SECRET_${name.toUpperCase().replaceAll("-", "_")}`;
}
