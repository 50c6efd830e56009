// schema.mjs SCHEMA [SCHEMA that it refers to...]: what of the document on standard input the JSON schema (draft 7) does not
// allow, a line each.
import { readFileSync } from "node:fs";
import Ajv from "ajv";

// As they are handed out, some refer to others by the names of their files, and one to draft 7 by https.
const read = (path) => JSON.parse(readFileSync(path, "utf8").replaceAll(".SNAPSHOT.", ".")
    .replaceAll("https://json-schema.org/draft-07", "http://json-schema.org/draft-07"));
const [schema, ...others] = process.argv.slice(2).map(read);
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, schemas: others });
const validate = ajv.compile(schema);
if (!validate(JSON.parse(readFileSync(0, "utf8"))))
    for (const error of validate.errors) console.log(`${error.instancePath}: ${error.message}`);
