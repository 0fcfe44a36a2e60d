import type { Entry, Fields } from "../../shared/entry.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import type { StreamName } from "../../shared/keys.ts";
import { bindingTo } from "../bindings/all-bindings.ts";
import type { Binding, BindingOptions } from "../engine/binding.ts";
import type { Services } from "../setup/services.ts";

/** Entries that a client posts for a function, instead of adding them to a stream. */
export interface PostedEntries {
  readonly functionName: FunctionName;
  /** The stream whose entries these stand for. */
  readonly stream: StreamName;
  /** No id is given twice. */
  readonly entries: readonly PostedEntry[];
  /** Default: a new one. What was committed under it is not committed again. */
  readonly invocation?: string | undefined;
}

/** An entry without an id is given one. */
export interface PostedEntry {
  readonly id?: string | undefined;
  readonly fields: Fields;
}

/** The entries with an id each: those without one count as added now, one after the other. */
export function withIds(posted: readonly PostedEntry[], now: number): Entry[] {
  const given = new Set(posted.map(({ id }) => id));
  let sequence = 0;
  const next = (): string => {
    const id = `${now}-${sequence}`;
    sequence += 1;
    return given.has(id) ? next() : id;
  };
  return posted.map(({ id = next(), fields }) => ({ id, fields }));
}

/** The function's binding to the stream, for an invocation. @throws Error when it has none to that stream */
export function functionBinding(
  { functionName, stream }: Pick<PostedEntries, "functionName" | "stream">,
  services: Services,
  options: BindingOptions,
): Binding {
  const found = bindingTo({ functionName, stream }, services, options);
  if (found === undefined) throw new Error(`${functionName} does not work on ${stream}`);
  return found;
}
