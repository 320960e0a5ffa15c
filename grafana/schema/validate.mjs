// Check dashboards against the JSON schema of types.ts: node validate.mjs FILE...
// One line for each mistake (file, panel, path, what is wrong); exit 1 if there is any.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

function schema() {
  return createGenerator({
    path: beside('types.ts'),
    tsconfig: beside('tsconfig.json'),
    type: 'Documents',
    additionalProperties: false,
    expose: 'none', // two of Grafana's types share the name DataQuery
    jsDoc: 'none',
  }).createSchema('Documents');
}

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
ajv.addSchema(schema(), 'grafana');

function validator(...path) {
  return ajv.getSchema(`grafana#/definitions/Documents/${path.flatMap((key) => ['properties', key]).join('/')}`);
}

function mistakes(validate, document) {
  return validate(document) ? [] : validate.errors;
}

function told({ instancePath, message, params }) {
  const more = params.additionalProperty ?? params.allowedValue ?? params.allowedValues?.join(', ');
  return `${instancePath || '/'} ${message}${more === undefined ? '' : `: ${more}`}`;
}

// The property that an override sets, as the defaults would hold it: custom.lineWidth as { custom: { lineWidth } }.
function nested(id, value) {
  return id.split('.').reduceRight((inner, key) => ({ [key]: inner }), value);
}

// An override sets single properties, so those beside it are not required here.
function overrideMistakes(validate, panel) {
  return (panel.fieldConfig?.overrides ?? []).flatMap((override, place) =>
    (override.properties ?? []).flatMap(({ id, value }, property) => {
      const fieldConfig = { defaults: nested(id, value), overrides: [] };
      const prefix = '/fieldConfig/defaults';
      return mistakes(validate, { ...panel, fieldConfig })
        .filter(({ instancePath, keyword }) => instancePath.startsWith(prefix) && keyword !== 'required')
        .map((mistake) => ({
          ...mistake,
          instancePath: `/fieldConfig/overrides/${place}/properties/${property} (${id})`,
        }));
    }),
  );
}

function panelMistakes(panel) {
  const validate = validator('panels', panel.type);
  if (validate === undefined) return ['/type is none of the panel types in types.ts'];
  return [...mistakes(validate, panel), ...overrideMistakes(validate, panel)].map(told);
}

function boardMistakes(board) {
  const panels = (board.panels ?? []).flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  return [
    ...mistakes(validator('dashboard'), board).map(told),
    ...panels.flatMap((panel) =>
      panelMistakes(panel).map((mistake) => `panel "${panel.title}" (${panel.type}): ${mistake}`),
    ),
  ];
}

for (const file of process.argv.slice(2)) {
  for (const mistake of boardMistakes(JSON.parse(readFileSync(file, 'utf8')))) {
    console.log(`${basename(file)}: ${mistake}`);
    process.exitCode = 1;
  }
}
