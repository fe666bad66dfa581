// Makes C# types of the form in an order and of receipts: node csharp.mjs [FOLDER]
//
// Writes SignedForm.cs and Receipt.cs. Words of a closed list are strings: a receipt may bear one that is new.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CSharpGenerator, ConstrainedDictionaryModel } from '@asyncapi/modelina';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, '../../..');
const MESSAGES = { 'order.v1.json': 'SignedForm', 'receipt.v1.json': 'Receipt' };
const HEADER = `// Written by \`node infra/asyncapi/models/csharp.mjs\` from contracts/schemas/SCHEMA. Do not edit by hand.
// Neither compiled nor run by Sigill's own checks.
// Leave null out when you write: JsonSerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull.
#nullable enable annotations
using System.Collections.Generic;
using System.Text.Json.Serialization;
`;

// What C# cannot say is said otherwise: null beside a type as a property that may be missing, closed lists and days without
// a time as strings.
const orNull = (node) => node.anyOf?.some(({ type }) => type === 'null');
const simplified = (node) => {
  if (Array.isArray(node)) return node.map(simplified);
  if (node === null || typeof node !== 'object') return node;
  if (node.$ref) return { $ref: node.$ref };
  const choices = node.anyOf?.filter(({ type }) => type !== 'null');
  if (choices?.length === 1) return simplified(choices[0]);
  if (node.enum || node.const !== undefined || node.format === 'date') return { type: 'string' };
  const found = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, simplified(value)]));
  if (node.properties && node.required) {
    found.required = node.required.filter((name) => !orNull(node.properties[name]));
  }
  return found;
};

const preset = {
  class: {
    property({ content, property }) {
      const rest = property.property instanceof ConstrainedDictionaryModel && property.property.serializationType === 'unwrap';
      const attribute = rest ? '[JsonExtensionData]' : `[JsonPropertyName("${property.unconstrainedPropertyName}")]`;
      return `${attribute}\n${content}`;
    },
  },
};

const folder = process.argv[2] ?? path.join(ROOT, 'docs/examples/csharp');
await mkdir(folder, { recursive: true });
for (const [file, name] of Object.entries(MESSAGES)) {
  const { $schema, $id, ...schema } = JSON.parse(await readFile(path.join(ROOT, 'contracts/schemas', file), 'utf8'));
  const generator = new CSharpGenerator({
    presets: [preset],
    autoImplementedProperties: true,
  });
  const models = await generator.generate(simplified(schema));
  const types = models.map(({ result }) => result.trim()).sort();
  const body = types.map((type) => type.replaceAll('dynamic', 'object')).join('\n\n').replace(/^(?=.)/gm, '  ').replace(/[ \t]+$/gm, '');
  const text = `${HEADER.replace('SCHEMA', file)}\nnamespace Sigill.Contracts.${name}Message\n{\n${body}\n}\n`;
  await writeFile(path.join(folder, `${name}.cs`), text);
  process.stdout.write(`${name}.cs: ${models.map(({ modelName }) => modelName).sort().join(', ')}\n`);
}
