// Postman's own import of an OpenAPI document: `node convert.mjs FILE` prints the collection. Values come from the examples, as
// the READMEs tell to choose; Postman's default makes them of the types.
import { readFileSync } from "node:fs";
import converter from "openapi-to-postmanv2";

const data = readFileSync(process.argv[2], "utf8");
converter.convertV2({ type: "string", data }, { parametersResolution: "Example" }, (error, made) => {
  if (error || !made.result) throw new Error(String(error ?? made.reason));
  process.stdout.write(JSON.stringify(made.output[0].data));
});
