import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DOCUMENT_KINDS, NAME_FIELD } from "../../../shared/reference-document/document-fields.ts";
import { withChanges, withRow } from "../../../shared/reference-document/edit-one.ts";
import { documentFromJson } from "../../../shared/reference-document/parse-document.ts";
import { anyDocument } from "./any-document.ts";

const member = fc.oneof(fc.constantFrom("toString", "name", "symbol", "valueOf"), fc.string());
const anyRow = fc.dictionary(
  member,
  fc.oneof(
    fc.json().map((text): unknown => JSON.parse(text)),
    fc.dictionary(member, fc.boolean()),
  ),
  {
    noNullPrototype: true,
  },
);

test("whatever a row is, the edited document is read or has faults", () => {
  fc.assert(
    fc.property(anyDocument, fc.constantFrom(...DOCUMENT_KINDS), anyRow, (document, kind, row) => {
      const [first] = document[kind] ?? [];
      const name = first === undefined ? "?" : String(Reflect.get(first, NAME_FIELD[kind]));
      const edits = [withRow(document, kind, row), withChanges(document, { kind, name, changes: row })];
      for (const edited of edits)
        if (edited !== undefined) expect(documentFromJson(edited.json).ok).toBeTypeOf("boolean");
    }),
    {
      examples: [[{ tickers: [], signals: [], strategies: [] }, "strategies", { name: { toString: false } }]],
    },
  );
});
