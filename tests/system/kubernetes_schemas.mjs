// Holds Kubernetes objects (JSON on stdin) against the schemas that npm's kubernetes-models brings. Its validators know types,
// patterns and what is required, but let unknown fields pass; the TypeScript compiler, over the same models, does not.
// Answers with [index of the object, what is wrong] pairs.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import ts from "typescript";

const MODULES = dirname(dirname(createRequire(import.meta.url).resolve("typescript/package.json")));
const PACKAGES = { "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/", "cert-manager.io": "@kubernetes-models/cert-manager/" };

function modelPath({ apiVersion, kind }) {
  return `${PACKAGES[apiVersion.split("/")[0]] ?? "kubernetes-models/"}${apiVersion}/${kind}`;
}

async function invalid(object) {
  try {
    const model = await import(modelPath(object));
    new model[object.kind](object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// One line an object, so that a diagnostic's line says whose it is.
function mistyped(objects) {
  const directory = mkdtempSync(join(tmpdir(), "obol-schemas-"));
  try {
    symlinkSync(MODULES, join(directory, "node_modules"));
    writeFileSync(join(directory, "package.json"), '{"type": "module"}');
    const file = join(directory, "objects.ts");
    writeFileSync(file, objects.map((o, n) => `export const o${n}: import("${modelPath(o)}").I${o.kind} = ${JSON.stringify(o)};`).join("\n"));
    const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ["lib.es2022.d.ts"],
      module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022 };
    const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options));
    return found.map((d) => [d.file ? d.file.getLineAndCharacterOfPosition(d.start).line : -1,
      ts.flattenDiagnosticMessageText(d.messageText, " ")]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const objects = JSON.parse(await text(process.stdin));
const faults = mistyped(objects);
for (const [n, object] of objects.entries()) for (const message of await invalid(object)) faults.push([n, message]);
console.log(JSON.stringify(faults));
