import { openDatabase } from "../../../../shared/io/postgres/open-database.ts";
import { referenceEditsOn } from "../../../../shared/io/reference-edits/reference-edits.ts";
import type { ReferenceDocument } from "../../../../shared/reference-document/document.ts";

/** Applies the document of its second argument to the database of its first, as a process that can be killed. */
const [url, json = ""] = process.argv.slice(2);
const db = await openDatabase({ url, dataDir: "", onError: () => undefined });
const edits = referenceEditsOn(db, { useOf: async () => new Map() });
const document = JSON.parse(json) as ReferenceDocument;
const options = {
  by: "child",
  reason: null,
  dryRun: false,
  agreed: true,
  prune: true,
  kind: "apply",
} as const;
process.stdout.write(JSON.stringify(await edits.apply({ document, ...options })));
await db.close();
