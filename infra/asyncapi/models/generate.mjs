// Makes types of an AsyncAPI document or a JSON Schema with AsyncAPI's generator of models (Modelina).
//
//   node generate.mjs LANGUAGE FILE FOLDER       LANGUAGE: python, java, typescript or csharp
//
// Writes one file a type, and prints the types' names as a JSON list.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import {
  CSHARP_JSON_SERIALIZER_PRESET,
  CSharpGenerator,
  JAVA_JACKSON_PRESET,
  JavaGenerator,
  PYTHON_PYDANTIC_PRESET,
  PythonGenerator,
  TypeScriptGenerator,
} from '@asyncapi/modelina';

const LANGUAGES = {
  python: [() => new PythonGenerator({ presets: [PYTHON_PYDANTIC_PRESET] }), '.py', {}],
  java: [() => new JavaGenerator({ presets: [JAVA_JACKSON_PRESET] }), '.java', { packageName: 'sigill.contracts' }],
  typescript: [() => new TypeScriptGenerator({ modelType: 'interface' }), '.ts', {}],
  csharp: [
    () => new CSharpGenerator({ presets: [CSHARP_JSON_SERIALIZER_PRESET] }),
    '.cs',
    { namespace: 'Sigill.Contracts' },
  ],
};

const [language, file, folder] = process.argv.slice(2);
if (!(language in LANGUAGES) || !file || !folder) {
  process.stderr.write(`usage: node generate.mjs ${Object.keys(LANGUAGES).join('|')} FILE FOLDER\n`);
  process.exit(2);
}

const [generator, ending, options] = LANGUAGES[language];
const text = await readFile(file, 'utf8');
let input = text;
if (file.endsWith('.json')) {
  // it knows no later draft than 7, which says the same of what stands in ours
  const { $schema, $id, ...schema } = JSON.parse(text);
  input = schema;
}
const models = (await generator().generateCompleteModels(input, options)).filter(({ modelName }) => modelName);
await mkdir(folder, { recursive: true });
for (const { modelName, result } of models) {
  await writeFile(path.join(folder, modelName + ending), `${result.trimEnd()}\n`);
}
process.stdout.write(`${JSON.stringify(models.map(({ modelName }) => modelName).sort())}\n`);
