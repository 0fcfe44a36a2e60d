import * as z from "zod";
import { paramUses, type ParamUse } from "./strategy.ts";

/**
 * The secrets and addresses in the params of a strategy, as the schema of its handler marks them (see `paramUses`).
 * The params must fit the schema. Nothing more is found once the schema's own code throws.
 */
export function markedParams(schema: z.ZodType, params: unknown): MarkedParam[] {
  const found: MarkedParam[] = [];
  try {
    visit(schema, params, found);
  } catch {
    // It is the handler author's code: what is wrong with it becomes known when the params are parsed.
  }
  // A value may be reached twice: through a union, or through both sides of an intersection.
  return found.filter(
    ({ use, value }, at) => found.findIndex((other) => other.use === use && other.value === value) === at,
  );
}

export interface MarkedParam {
  readonly use: ParamUse;
  readonly value: string;
}

function visit(schema: z.core.$ZodType, value: unknown, found: MarkedParam[]): void {
  const use = paramUses.get(schema as z.ZodType<string>)?.use;
  if (use !== undefined && typeof value === "string") found.push({ use, value });
  for (const [inner, part] of partsOf(schema, value)) visit(inner, part, found);
}

type Part = readonly [schema: z.core.$ZodType, value: unknown];
type Definition = z.core.$ZodTypes["_zod"]["def"];

/** The schemas inside this one, each with its part of the value; with defaults and transforms, what the handler gets. */
function partsOf(schema: z.core.$ZodType, value: unknown): Part[] {
  const { def } = schema as unknown as { readonly def: Definition };
  if (def.type === "object") return objectParts(def, value);
  if (def.type === "record")
    return entriesOf(value).flatMap(([key, one]): Part[] => [
      [def.keyType, key],
      [def.valueType, one],
    ]);
  if (def.type === "array") return listOf(value).map((one): Part => [def.element, one]);
  if (def.type === "tuple")
    return listOf(value).flatMap((one, at): Part[] => {
      const inner = def.items[at] ?? def.rest;
      return inner === null ? [] : [[inner, one]];
    });
  if (def.type === "union") {
    const fitting = def.options.find((option) => z.safeParse(option, value).success);
    return fitting === undefined ? [] : [[fitting, value]];
  }
  if (def.type === "intersection")
    return [
      [def.left, value],
      [def.right, value],
    ];
  if (def.type === "lazy") return [[def.getter(), value]];
  if (def.type === "pipe") {
    const parsed = z.safeParse(def.in, value);
    return parsed.success
      ? [
          [def.in, value],
          [def.out, parsed.data],
        ]
      : [];
  }
  return wrappedPart(schema, def, value);
}

function objectParts({ shape, catchall }: Extract<Definition, { type: "object" }>, value: unknown): Part[] {
  if (typeof value !== "object" || value === null) return [];
  // Also keys that are absent: a default may stand for them.
  const keys = new Set([...Object.keys(shape), ...Object.keys(value)]);
  return [...keys].flatMap((key): Part[] => {
    const inner = Object.hasOwn(shape, key) ? shape[key] : catchall;
    return inner === undefined ? [] : [[inner, Reflect.get(value, key)]];
  });
}

/** Of a schema that wraps one other. */
function wrappedPart(schema: z.core.$ZodType, def: Definition, value: unknown): Part[] {
  if (def.type === "default" || def.type === "prefault")
    return [[def.innerType, value === undefined ? def.defaultValue : value]];
  if (def.type === "catch") {
    const fits = z.safeParse(def.innerType, value).success;
    return [[def.innerType, fits ? value : z.safeParse(schema, value).data]];
  }
  if (def.type === "optional") {
    // Absent, unless a default inside stands for it.
    const isAbsent = value === undefined && z.safeParse(schema, value).data === undefined;
    return isAbsent ? [] : [[def.innerType, value]];
  }
  if (def.type === "nullable" || def.type === "nonoptional" || def.type === "readonly")
    return [[def.innerType, value]];
  return [];
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
