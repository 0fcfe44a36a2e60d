import { dirname, extname, join } from "node:path";
import { fileExists, readTextFile, writePrivateText } from "../../../shared/io/files/text-files.ts";
import { DOCUMENT_BYTES_MAX, KIND_OF_ONE } from "../../../shared/reference-document/document-fields.ts";
import { SCHEMA_FILE } from "../../../shared/reference-document/format-document.ts";
import { documentJsonSchema } from "../../../shared/reference-document/json-schema.ts";
import { printableJson } from "../../../shared/text.ts";
import type { CommandIo } from "../command-io.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";
import { askPreview, previewText, refuseReplayOfEdit } from "./preview.ts";
import { DOCUMENT_PATH, readReference, readReferenceText } from "./read-reference.ts";

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
  const isJson = json || extname(file ?? "").toLowerCase() === ".json";
  const { text, read } = await io.withRouter(async (router) => ({
    text: await readReferenceText(router, isJson ? "json" : "yaml"),
    read: file === undefined ? undefined : await readReference(router),
  }));
  if (file === undefined || read === undefined) {
    io.print(text.trimEnd());
    return;
  }
  await writePrivateText(file, text, { replace: force });
  const schema = join(dirname(file), SCHEMA_FILE);
  const isNew = !(await fileExists(schema));
  if (isNew) await writePrivateText(schema, `${schemaText()}\n`, { replace: false });
  const counts = read.kinds.map((kind) => {
    const count = read.document[kind]?.length ?? 0;
    return `${count} ${count === 1 ? KIND_OF_ONE[kind] : kind}`;
  });
  io.say(`${file}: ${counts.join(", ")}. Only this user may read it: params are in it as they are`);
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
  const body = await readTextFile(file, { bytesMax: DOCUMENT_BYTES_MAX });
  await io.withRouter(async (router) => {
    const { etag } = await readReference(router);
    const headers = { "content-type": "application/yaml" };
    const question = { method: "PUT", path: DOCUMENT_PATH, query: { prune }, body, headers } as const;
    const removes = prune ? { removes: "Remove the rows that the file does not have, as listed?" } : {};
    const { replay } = options;
    const preview = async (since: string) => {
      const json = await askPreview(router, body, { replay: since, prune });
      return { json, text: previewText(json, io.columns) };
    };
    const previewed = replay === undefined ? {} : { preview: async () => preview(replay) };
    await makeEdit(router, { question, etag, file, isDiff, ...removes, ...previewed }, options, io);
  });
}
