/* Starts Swagger UI on the OpenAPI document.
 *
 * Swagger UI resolves every reference below an operation before it shows it. With R4's schemas, which are deep and
 * recursive, that takes minutes; so the page resolves references itself and stops after DEPTH nested types, where only
 * the type's name is shown. It also leaves out the `_twins` of primitives, the rules of choice elements and the examples of
 * most errors, which are all alike: for those, and for whole schemas, openapi.json is the place.
 */
"use strict";

(() => {
  const DEPTH = 2;

  const at = (document, path) => path.reduce((node, key) => (node === undefined ? node : node[key]), document);

  const isTwin = (name, properties) => name.startsWith("_") && name.slice(1) in properties;

  function resolve(document, node, depth, ancestors) {
    if (Array.isArray(node)) return node.map((item) => resolve(document, item, depth, ancestors));
    if (node === null || typeof node !== "object") return node;
    if (typeof node.$ref === "string") return follow(document, node, depth, ancestors);
    const resolved = {};
    for (const [key, value] of Object.entries(node)) {
      if (key === "not" || key === "discriminator") continue;
      const kept = key === "properties" ? withoutTwins(value) : value;
      resolved[key] = resolve(document, kept, depth, ancestors);
    }
    return resolved;
  }

  const withoutTwins = (properties) =>
    Object.fromEntries(Object.entries(properties).filter(([name]) => !isTwin(name, properties)));

  function follow(document, {$ref, ...siblings}, depth, ancestors) {
    const path = $ref.slice(2).split("/");
    const name = path[path.length - 1];
    const target = at(document, path);
    if (path[1] !== "schemas") return {...resolve(document, target, depth, ancestors), ...siblings};
    const nested = "properties" in target || "oneOf" in target;
    if (!nested) return {...resolve(document, target, depth, ancestors), ...siblings};
    if (depth === 0 || name === "Resource" || ancestors.includes(name)) return {type: "object", title: name, ...siblings};
    return {...resolve(document, target, depth - 1, [...ancestors, name]), title: name, ...siblings};
  }

  function withBriefErrors(operation) {
    for (const [status, answer] of Object.entries(operation?.responses ?? {})) {
      if (Number(status) > 400) delete answer.content;
    }
    return operation;
  }

  const Shallow = () => ({
    fn: {
      resolveSubtree: async (document, path) => ({
        spec: withBriefErrors(resolve(document, at(document, path), DEPTH, [])),
        errors: [],
      }),
      opsFilter: (tags, phrase) =>
        tags.filter((_, tag) => tag.toLowerCase().includes(phrase.toLowerCase())),
    },
  });

  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#reference",
    layout: "BaseLayout",
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [Shallow],
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    defaultModelsExpandDepth: -1,
    defaultModelExpandDepth: 2,
    displayRequestDuration: true,
    validatorUrl: null,
  });
})();
