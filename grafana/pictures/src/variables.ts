// Variables in titles and names: the dashboard's, and Grafana's own of a field (`${__field.labels.game}`).

import { getFieldDisplayName, InterpolateFunction, ScopedVars } from '@grafana/data';
import { get } from 'lodash';

const VARIABLE = /\$(\w+)|\$\{(\w+)(?:\.([^:}]+))?(?::\w+)?\}/g;

export function replacing(variables: Record<string, string>): InterpolateFunction {
  return (text, scoped) =>
    text.replace(VARIABLE, (whole, plain, name = plain, path) => value(name, path, variables, scoped) ?? whole);
}

function value(
  name: string,
  path: string | undefined,
  variables: Record<string, string>,
  scoped: ScopedVars | undefined
): string | undefined {
  if (name === '__field') {
    return ofField(path, scoped);
  }
  if (scoped && name in scoped) {
    const found = scoped[name]?.value;
    return String(path ? get(found, path) : found);
  }
  return variables[name];
}

function ofField(path: string | undefined, scoped: ScopedVars | undefined): string | undefined {
  const context = scoped?.__dataContext?.value;
  if (!context) {
    return undefined;
  }
  const { field, frame, data } = context;
  if (path === undefined || path === 'displayName') {
    return getFieldDisplayName(field, frame, data);
  }
  return String(get(field, path) ?? '');
}
