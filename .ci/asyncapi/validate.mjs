// Reads a document with the official parser: `node validate.mjs FILE`. Says what is wrong, and ends with 1 where anything is.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const NEWER = "asyncapi-latest-version"; // that there is a newer AsyncAPI is no fault of the document
const WORDS = ["error", "warning", "remark", "hint"];

const file = process.argv[2];
const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
const found = diagnostics.filter((each) => each.code !== NEWER);
for (const { severity, path, message } of found) console.error(`${file}: ${WORDS[severity]}: ${path.join(".")}: ${message}`);
if (!document || found.length > 0) process.exit(1);
console.log(`${file}: AsyncAPI ${document.version()}, ${document.channels().all().length} channels, ${document.operations().all().length} operations`);
