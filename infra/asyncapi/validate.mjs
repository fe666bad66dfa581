// Validates an AsyncAPI document with the AsyncAPI project's own parser.
//
//   node infra/asyncapi/validate.mjs contracts/asyncapi.yaml [--json]
//
// Prints each finding with its place, and one closing line. Exit status: 0 valid, 1 not valid, 2 wrong use.
// Warnings count as failures too: the document is generated, so that each of them can be mended.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Parser } from '@asyncapi/parser';

const SEVERITY = ['error', 'warning', 'information', 'hint'];
const FAILS = new Set(['error', 'warning']);

const [path, option] = process.argv.slice(2);
if (!path || (option && option !== '--json')) {
  process.stderr.write('usage: node validate.mjs FILE [--json]\n');
  process.exit(2);
}

let text;
try {
  text = await readFile(path, 'utf8');
} catch (error) {
  process.stderr.write(`${path}: cannot be read (${error.code})\n`);
  process.exit(2);
}

const { document, diagnostics } = await new Parser().parse(text, { source: path });
const findings = diagnostics.map(({ severity, code, path: place, message, range }) => ({
  severity: SEVERITY[severity],
  code,
  place: place.join('.'),
  line: range.start.line + 1,
  message,
}));
const valid = document !== undefined && !findings.some(({ severity }) => FAILS.has(severity));

const summary = {
  valid,
  version: document?.version() ?? null,
  channels: document?.channels().all().map((channel) => channel.address()) ?? [],
  operations: document?.operations().all().map((operation) => operation.id()) ?? [],
  messages: document?.messages().all().length ?? 0,
};

if (option === '--json') {
  process.stdout.write(`${JSON.stringify({ ...summary, findings })}\n`);
} else {
  for (const { severity, code, place, line, message } of findings) {
    process.stdout.write(`${path}:${line}: ${severity} ${code} at ${place}: ${message}\n`);
  }
  const verdict = valid ? 'valid' : 'NOT valid';
  process.stdout.write(
    `${path}: ${verdict}, AsyncAPI ${summary.version ?? 'unreadable'}, ${summary.channels.length} channels, ` +
      `${summary.operations.length} operations\n`,
  );
}
process.exit(valid ? 0 : 1);
