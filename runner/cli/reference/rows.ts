import {
  KIND_OF_ONE,
  NAME_FIELD,
  type DocumentKind,
} from "../../../shared/reference-document/document-fields.ts";
import type { ReferenceDocument } from "../../../shared/reference-document/document.ts";
import { noRowText, rowNamed } from "../../../shared/reference-document/edit-one.ts";
import { printable } from "../../../shared/text.ts";
import type { CommandIo } from "../command-io.ts";
import { CliError } from "../connection.ts";
import type { Question } from "../router-routes.ts";
import { assignedFields } from "./field-assignments.ts";
import { makeEdit, type ChangeOptions } from "./make-edit.ts";
import { readReference, refuseForeign } from "./read-reference.ts";

/** `cli reference add`, `set` and `remove`: one row of the reference, the others as they are. */

export interface RowToEdit {
  readonly verb: "add" | "set" | "remove";
  readonly kind: DocumentKind;
  readonly name: string;
  /** `field=value` */
  readonly typed: readonly string[];
}

/** @throws CliError when there is no such row, or there is one already, or a value is not what is expected */
export async function editRow(row: RowToEdit, options: ChangeOptions, io: CommandIo): Promise<void> {
  await io.withRouter(async (router) => {
    const { document, etag, ...read } = await readReference(router);
    refuseForeign(read, row.kind);
    const what = `${KIND_OF_ONE[row.kind]} ${printable(row.name)}`;
    const removes = row.verb === "remove" ? { removes: `Remove ${what}, as listed?` } : {};
    await makeEdit(router, { question: questionFor(row, document), etag, ...removes }, options, io);
  });
}

function questionFor(
  { verb, kind, name, typed }: RowToEdit,
  document: ReferenceDocument,
): Omit<Question<never>, "answer"> {
  const path = `/reference/${kind}`;
  const own = `${path}/${encodeURIComponent(name)}`;
  const before = rowNamed(document, kind, name);
  if (verb === "add") {
    const row = { [NAME_FIELD[kind]]: name };
    return { method: "POST", path, body: { ...row, ...assignedFields(kind, row, typed) } };
  }
  if (before === undefined) throw new CliError(noRowText(document, kind, name));
  if (verb === "remove") return { method: "DELETE", path: own };
  return { method: "PATCH", path: own, body: assignedFields(kind, before, typed) };
}
