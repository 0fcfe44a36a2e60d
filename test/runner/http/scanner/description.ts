/** Reads from an OpenAPI document what the scanner needs. */

export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Operation {
  readonly method: string;
  /** As in the document: `/signals/{uid}`. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Of its JSON body, when it has one. */
  readonly bodySchema: Schema | undefined;
  /** Of its JSON answers, by status; undefined where the answer is something else. */
  readonly answerSchemas: ReadonlyMap<number, Schema | undefined>;
}

export interface Description {
  readonly operations: readonly Operation[];
  /** The document's `components.schemas`, which `$ref` refers to. */
  readonly definitions: Readonly<Record<string, Schema>>;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface DocumentOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}
interface OpenApiDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>;
}

/** Every operation of a document. */
export function readDescription(document: OpenApiDocument): Description {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const { parameters = [], requestBody, responses } = operation;
      return {
        method: method.toUpperCase(),
        path,
        parameters,
        bodySchema: jsonSchemaOf(requestBody),
        answerSchemas: new Map(
          Object.entries(responses).map(([status, answer]) => [Number(status), jsonSchemaOf(answer)]),
        ),
      };
    }),
  );
  return { operations, definitions: document.components?.schemas ?? {} };
}

/** Without the routes whose answer does not end by itself, or takes its time on purpose while the router is busy. */
export function withoutEndless({ operations, ...rest }: Description): Description {
  return {
    ...rest,
    operations: operations.filter(({ path }) => !["/tail", "/reference/preview"].includes(path)),
  };
}

function jsonSchemaOf(part: Content | undefined): Schema | undefined {
  return part?.content?.["application/json"]?.schema;
}
