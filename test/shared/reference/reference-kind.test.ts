import { expect, test } from "vitest";
import {
  originIn,
  originRecord,
  OWN_REFERENCE,
  REFERENCE_KINDS,
  type ReferenceOrigin,
} from "../../../shared/reference/reference-kind.ts";

test.each<ReferenceOrigin>([
  ...REFERENCE_KINDS.map((kind) => ({ kind })),
  { kind: "v4", source: "public" },
  { kind: "v2", source: "Old system, 2" },
])("what is recorded of %o is read again", (origin) => {
  expect(originIn(["001_reference", "reference none", "002_log", originRecord(origin)])).toEqual(origin);
});

test("an installation that recorded none has its own tables; a database without any has no reference yet", () => {
  expect(originIn(["001_reference", "002_log", "003_reference_checks"])).toEqual(OWN_REFERENCE);
  expect(originIn([])).toBeUndefined();
  expect(originIn(["002_log"])).toBeUndefined();
});
