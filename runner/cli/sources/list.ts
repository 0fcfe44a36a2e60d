import { printableJson } from "../../../shared/text.ts";
import { sourcesSchema, type SourceView } from "../../http/webhook/source-schemas.ts";
import { titled, type CommandIo } from "../command-io.ts";
import { textTable } from "../text-table.ts";

/** Prints the webhook sources. */
export async function listSources({ json }: { readonly json: boolean }, io: CommandIo): Promise<void> {
  const answer = await io.withRouter(async (router) =>
    router.ask({ path: "/sources", answer: sourcesSchema }),
  );
  if (json) {
    io.print(printableJson(answer));
    return;
  }
  const rows = answer.sources.map((source) => [
    source.name,
    kindOf(source),
    stateOf(source),
    secretOf(source),
  ]);
  io.print(textTable(["source", "format", "state", "secret"], rows, { columns: io.columns }));
  for (const { name, faults } of answer.sources)
    for (const line of titled(`${name} cannot be used:`, faults)) io.say(line);
}

function kindOf({ built_in: isBuiltIn, format }: SourceView): string {
  return isBuiltIn ? "built-in" : (format ?? "");
}

function stateOf({ enabled, secrets, faults }: SourceView): string {
  if (faults.length > 0) return "cannot be used";
  if (!enabled) return "disabled";
  return secrets === 0 ? "no secret: answers 401" : "enabled";
}

function secretOf({ secrets, variable }: SourceView): string {
  if (secrets === 0) return `set ${variable}`;
  return secrets === 1 ? "1" : `${secrets}, all of them valid`;
}
