// What draw.py passes to the page.

import { DataTransformerConfig, FieldConfigSource } from '@grafana/data';

export type Labels = Record<string, string>;

/** A sample as Prometheus writes it: UNIX seconds and a number as text. */
export type Sample = [number, string];

export type Data =
  | { resultType: 'matrix'; result: Array<{ metric: Labels; values: Sample[] }> }
  | { resultType: 'vector'; result: Array<{ metric: Labels; value: Sample }> }
  | { resultType: 'scalar'; result: Sample };

export interface Answer {
  refId: string;
  expr: string;
  legend: string;
  table: boolean;
  stepSeconds: number;
  data: Data;
}

export interface Panel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  transparent?: boolean;
  /** The panel's own range, such as 30d. */
  timeFrom?: string;
  collapsed?: boolean;
  panels?: unknown[];
  gridPos: { x: number; y: number; w: number; h: number };
  // The options of each panel type have types of their own inside Grafana, not in its packages.
  options?: Record<string, any>;
  fieldConfig?: FieldConfigSource;
  transformations?: DataTransformerConfig[];
  answers: Answer[];
}

export interface Picture {
  width: number;
  /** UNIX milliseconds. */
  from: number;
  to: number;
  variables: Record<string, string>;
  panels: Panel[];
}
