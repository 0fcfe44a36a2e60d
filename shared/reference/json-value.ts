import { storable } from "../text.ts";

/** Checks of JSON values that stand in rows. */

const NESTING_MAX = 100;

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the version can be stored with it: jsonb refuses some texts that a column of type json can hold. */
export function isStorable(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return storable(value) === value;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return (
    depth < NESTING_MAX &&
    Object.entries(value).every(([name, part]) => storable(name) === name && isStorable(part, depth + 1))
  );
}
