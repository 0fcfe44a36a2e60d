import { dirname, extname, join } from "node:path";
import { fileExists, readTextFile, writePrivateText } from "../../../shared/io/files/text-files.ts";
import { DOCUMENT_BYTES_MAX } from "../../../shared/reference-document/document-fields.ts";
import { faultsWithPlaces } from "../../../shared/reference-document/document-places.ts";
import { formatDocument, SCHEMA_FILE } from "../../../shared/reference-document/format-document.ts";
import { documentJsonSchema } from "../../../shared/reference-document/json-schema.ts";
import { parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { printableJson } from "../../../shared/text.ts";
import { EXIT_REFUSED, type CommandIo } from "../command-io.ts";
import { faultsText } from "./fault-text.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";
import { printPreview, refuseReplayOfEdit } from "./preview.ts";

/** `cli reference export`, `diff` and `apply`: the reference as a file. */

export interface ExportOptions {
  readonly force: boolean;
  readonly json: boolean;
}

/** Writes the reference to a file, with the JSON Schema beside it, or prints it. @throws TextFileError */
export async function exportReference(
  file: string | undefined,
  { force, json }: ExportOptions,
  io: CommandIo,
): Promise<void> {
  const { document } = await io.withEdits(async (edits) => edits.read());
  const isJson = json || extname(file ?? "").toLowerCase() === ".json";
  const text = formatDocument(document, isJson ? "json" : "yaml");
  if (file === undefined) {
    io.print(text.trimEnd());
    return;
  }
  await writePrivateText(file, text, { replace: force });
  const schema = join(dirname(file), SCHEMA_FILE);
  const isNew = !(await fileExists(schema));
  if (isNew) await writePrivateText(schema, `${schemaText()}\n`, { replace: false });
  const { tickers, signals, strategies } = document;
  io.say(
    `${file}: ${tickers.length} tickers, ${signals.length} signals, ${strategies.length} strategies. Only this user may read it: params are in it as they are`,
  );
  if (isNew) io.say(`${schema}: the JSON Schema, with which editors complete the fields`);
}

export function schemaText(): string {
  return printableJson(documentJsonSchema());
}

export interface ApplyOptions extends ChangeOptions {
  readonly prune?: boolean;
  /** How far back the edit is previewed, such as 24h. */
  readonly replay?: string;
}

/** Makes the reference what the file says. Exit code 1 when it is refused. @throws TextFileError, CliError */
export async function applyFile(file: string, options: ApplyOptions, io: CommandIo): Promise<void> {
  await withFile(file, options, io);
}

/** What applying the file would change. Exit code 3 when that is anything. @throws TextFileError */
export async function diffFile(file: string, options: ApplyOptions, io: CommandIo): Promise<void> {
  await withFile(file, { ...options, dryRun: true, isDiff: true }, io);
}

async function withFile(
  file: string,
  { prune = false, isDiff = false, ...options }: ApplyOptions & { readonly isDiff?: boolean },
  io: CommandIo,
): Promise<void> {
  refuseReplayOfEdit(options);
  const text = await readTextFile(file, { bytesMax: DOCUMENT_BYTES_MAX });
  const parsed = parseDocument(text);
  if (!parsed.ok) {
    if (options.json === true) io.print(printableJson({ status: "refused", faults: parsed.faults }));
    else io.say(faultsText(parsed.faults, file));
    io.exitWith(EXIT_REFUSED);
    return;
  }
  const { document } = parsed;
  await io.withEdits(async (edits) => {
    const { etag } = await edits.read();
    const edit = {
      run: edits.apply.bind(edits),
      etag,
      file,
      placed: (faults: Parameters<typeof faultsWithPlaces>[1]) => faultsWithPlaces(text, faults),
      isDiff,
      ...(prune ? { removes: "Remove the rows that the file does not have, as listed?" } : {}),
    };
    await makeEdit(
      { ...edit, run: async (how) => edits.apply({ ...how, document, prune, kind: "apply" }) },
      options,
      io,
    );
  });
  await printPreview(text, { ...options, prune }, io);
}
