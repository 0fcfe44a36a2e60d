import * as z from "zod";
import { webhookSourceSchema } from "../reference/webhook-source.ts";
import { AGE_MS_MAX, fieldsOf, type DocumentField, type DocumentKind } from "./document-fields.ts";

/** The JSON Schema of documents, from which editors complete and explain the fields. */
export function documentJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z
    .strictObject({
      $schema: z.string().optional().meta({ description: "Where editors find this schema." }),
      tickers: listOf("tickers", "The symbols that are traded.").default([]),
      signals: listOf("signals", "What messages mean: a signal has a phrase for each direction.").default([]),
      strategies: listOf("strategies", "What is run for which signals and tickers.").default([]),
      aliases: listOf("aliases", "Other spellings of tickers.").optional(),
      sources: listOf("sources", "How webhooks read the bodies of other senders.").optional(),
    })
    .meta({
      title: "Reference of the signal router",
      description:
        "Tickers, signals, strategies, aliases and webhook sources, which name each other. A row stands for the whole row: absent fields have their defaults.",
    });
  return { ...z.toJSONSchema(schema, { io: "input" }) };
}

function listOf(kind: DocumentKind, description: string) {
  const shape = Object.fromEntries([...fieldsOf(kind)].map(([name, field]) => [name, schemaOf(field)]));
  return z.array(z.strictObject(shape)).meta({ description });
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
  exchanges: z.union([z.null(), z.literal("*"), z.array(name)]),
  "source name": z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  format: webhookSourceSchema.shape.format,
  template: webhookSourceSchema.shape.template,
};
