// Prometheus' answers as the data frames that Grafana's own data source makes of them.

import { DataFrame, FieldType, toDataFrame } from '@grafana/data';
import { Answer, Labels, Sample } from './picture';

interface Series {
  labels: Labels;
  samples: Sample[];
}

export function framesOf(answers: Answer[]): DataFrame[] {
  const rows = answers.filter((answer) => answer.table);
  const lines = answers.filter((answer) => !answer.table);
  return [...lines.flatMap(seriesFrames), ...tableFrames(rows)];
}

function seriesFrames(answer: Answer): DataFrame[] {
  return seriesOf(answer).map(({ labels, samples }) => {
    const name = nameOf(labels, answer);
    return toDataFrame({
      refId: answer.refId,
      name,
      fields: [
        {
          name: 'Time',
          type: FieldType.time,
          // Grafana breaks a line where more than this is missing.
          config: { interval: answer.stepSeconds * 1000 },
          values: samples.map(milliseconds),
        },
        {
          name: 'Value',
          type: FieldType.number,
          labels,
          config: name ? { displayNameFromDS: name } : {},
          values: samples.map(number),
        },
      ],
    });
  });
}

/** One table for each query, with a column for each label; with several queries, each value has its own name. */
function tableFrames(answers: Answer[]): DataFrame[] {
  if (answers.every((answer) => seriesOf(answer).length === 0)) {
    return [];
  }
  return answers.map((answer) => {
    const rows = seriesOf(answer).flatMap(({ labels, samples }) => samples.map((sample) => ({ labels, sample })));
    const names = new Set(rows.flatMap(({ labels }) => Object.keys(labels).sort()));
    return toDataFrame({
      refId: answer.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: rows.map(({ sample }) => milliseconds(sample)) },
        ...[...names].map((name) => ({
          name,
          type: FieldType.string,
          values: rows.map(({ labels }) => labels[name] ?? ''),
        })),
        {
          name: answers.length > 1 ? `Value #${answer.refId}` : 'Value',
          type: FieldType.number,
          values: rows.map(({ sample }) => number(sample)),
        },
      ],
    });
  });
}

function seriesOf({ data }: Answer): Series[] {
  switch (data.resultType) {
    case 'matrix':
      return data.result.map(({ metric, values }) => ({ labels: metric, samples: values }));
    case 'vector':
      return data.result.map(({ metric, value }) => ({ labels: metric, samples: [value] }));
    case 'scalar':
      return [{ labels: {}, samples: [data.result] }];
  }
}

function nameOf(labels: Labels, { legend, expr }: Answer): string {
  if (legend === '__auto') {
    return Object.keys(labels).length === 0 ? expr : '';
  }
  if (legend) {
    return legend.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? '');
  }
  const { __name__: metric = '', ...others } = labels;
  const pairs = Object.entries(others).map(([name, value]) => `${name}="${value}"`);
  return metric + (pairs.length ? `{${pairs.join(', ')}}` : '') || expr;
}

function milliseconds([seconds]: Sample): number {
  return seconds * 1000;
}

function number([, text]: Sample): number {
  return Number(text.replace('Inf', 'Infinity'));
}
