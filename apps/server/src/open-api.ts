import { refusalBody } from "@porchlight/wire";
import { z } from "zod";
import type { Route } from "./http.ts";
import { STATUS } from "./refusal.ts";

type Schema = Record<string, unknown>;

const WHO: Readonly<Record<Route["access"], string>> = {
  open: "Anybody.",
  signed: "Anybody; what the body brings is taken only with the signature of whom it is from.",
  capability: "Whoever knows the order's id.",
  member: "A logged-in device.",
};

/** The JSON form: what a codec reads, whichever side sends it. */
function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...found } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return found;
}

function content(body: z.ZodType | "bytes"): Schema {
  return body === "bytes"
    ? { "application/octet-stream": { schema: { type: "string", format: "binary" } } }
    : { "application/json": { schema: schemaOf(body) } };
}

function parameters(place: "path" | "query", schema: z.ZodType | undefined): Schema[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: one,
  }));
}

/** OpenAPI 3.1 of these routes, made from the schemas that requests and answers are parsed with (DEL-3). */
function openApi(routes: readonly Route[]): Schema {
  const paths: Record<string, Schema> = {};
  for (const { method, url, access, roles, contract } of routes) {
    const { params, query, request, answer } = contract;
    const path = url.replace(/:(\w+)/g, "{$1}").replace("*", "{path}");
    const rest = url.includes("*")
      ? [{ name: "path", in: "path", required: true, schema: { type: "string" } }]
      : [];
    const asked = [...parameters("path", params), ...parameters("query", query), ...rest];
    const ofRoles = roles === undefined ? "" : ` Roles: ${roles.join(", ")}.`;
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
        description: `${WHO[access]}${ofRoles}`,
        ...(access === "member" ? { security: [{ session: [] }] } : {}),
        ...(asked.length === 0 ? {} : { parameters: asked }),
        ...(request === undefined ? {} : { requestBody: { required: true, content: content(request) } }),
        responses: {
          ...(answer === null
            ? { 204: { description: "Done." } }
            : { "2XX": { description: "Done.", content: content(answer) } }),
          default: { $ref: "#/components/responses/Refusal" },
        },
      },
    };
  }
  paths["/v1/stream"] = {
    get: {
      operationId: "getV1Stream",
      description: "Upgrade to a WebSocket of binary frames: spec/delivery.md, DEL-80 to DEL-89.",
      responses: { 101: { description: "Switching protocols." } },
    },
  };
  return {
    openapi: "3.1.0",
    info: { title: "Porchlight", version: "1", description: "A provider's server: spec/delivery.md." },
    paths,
    components: {
      securitySchemes: { session: { type: "http", scheme: "bearer" } },
      responses: {
        Refusal: {
          description: `A refusal: 400 to 503. Codes and statuses: ${Object.entries(STATUS)
            .map(([code, status]) => `${code} ${status}`)
            .join(", ")}.`,
          content: content(refusalBody),
        },
      },
    },
  };
}

/** Serves what the other routes are, and says how to speak to the stream. */
export function openApiRoutes(routes: readonly Route[]): Route[] {
  const contract = { answer: z.looseObject({ openapi: z.string() }) };
  const own: Route = {
    method: "GET",
    url: "/openapi.json",
    access: "open",
    contract,
    handle: () => Promise.resolve({ json: document }),
  };
  const document = openApi([...routes, own]);
  return [own];
}
