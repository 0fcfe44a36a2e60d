import * as z from "zod";
import { AGE_MS_MAX, fieldsOf, type DocumentField, type DocumentKind } from "./document-fields.ts";

/** The JSON Schema of documents, from which editors complete and explain the fields. */
export function documentJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z
    .strictObject({
      $schema: z.string().optional().meta({ description: "Where editors find this schema." }),
      tickers: listOf("tickers", "The symbols that are traded."),
      signals: listOf("signals", "What messages mean: a signal has a phrase for each direction."),
      strategies: listOf("strategies", "What is run for which signals and tickers."),
    })
    .meta({
      title: "Reference of the signal router",
      description:
        "Tickers, signals and strategies, which name each other. A row stands for the whole row: absent fields have their defaults.",
    });
  return { ...z.toJSONSchema(schema, { io: "input" }) };
}

function listOf(kind: DocumentKind, description: string) {
  const shape = Object.fromEntries([...fieldsOf(kind)].map(([name, field]) => [name, schemaOf(field)]));
  return z.array(z.strictObject(shape)).default([]).meta({ description });
}

function schemaOf(field: DocumentField): z.ZodType {
  const meta = { description: field.about, examples: [field.example] };
  const schema = VALUE_SCHEMAS[field.kind];
  if (field.absent !== undefined) return schema.default(field.absent).meta(meta);
  return field.kind === "was" ? schema.optional().meta(meta) : schema.meta(meta);
}

const name = z.string().regex(/\S/);

const VALUE_SCHEMAS: Readonly<Record<DocumentField["kind"], z.ZodType>> = {
  symbol: name,
  name,
  was: name,
  "optional text": z.string().nullable(),
  switch: z.enum(["enabled", "disabled"]),
  flag: z.boolean(),
  age: z.int().min(0).max(AGE_MS_MAX).nullable(),
  names: z.array(name),
  tickers: z.union([z.literal("all"), z.array(name)]),
  params: z.record(z.string(), z.unknown()),
};
