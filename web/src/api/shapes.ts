/** The shapes of the service's JSON, as /openapi.json has them. */

export interface Labels {
  ko: string;
  en: string;
}

export interface Measure extends Labels {
  unit: string;
  sources: Record<string, { is_additive: boolean; not_over: string[]; is_distinct: boolean }>;
}

export interface Dimension extends Labels {
  type: "text" | "id";
  note?: string;
}

export interface Source extends Labels {
  time: "day" | "month";
  dimensions: string[];
}

export interface Meta {
  scope: string;
  measures: Record<string, Measure>;
  dimensions: Record<string, Dimension>;
  sources: Record<string, Source>;
  limits: { rows: number; seconds: number; queries: number };
}

export interface Column extends Labels {
  name: string;
  type: "text" | "integer" | "decimal";
  unit?: string;
  is_measure: boolean;
}

export interface Header {
  columns: Column[];
  source: string;
  scope: string;
  engine: string;
  publication: {
    id: string;
    as_of: number;
    catalogue_day: string | null;
    missing: string[];
    open_months: string[];
    is_provisional: boolean;
  };
  sql?: Statement;
}

export interface Statement {
  text: string;
  values: (string | number)[];
}

export interface Trailer {
  complete: boolean;
  rows: number;
  totals: Record<string, string>;
  sha256: string;
  publication: string;
}

export type Cell = string | number | bigint | null;

export interface Page extends Header {
  rows: (string | number | null)[][];
  trailer: Trailer;
  next: string | null;
}

export interface Version {
  version: number;
  stages: string[];
  requested_by: string;
  approved_by: string;
  approved_at: string;
  closed_at: string;
  restates?: number;
  posted_month: string;
}

export interface Month {
  month: string;
  state: "open" | "closed";
  closed_version?: number;
  days?: number;
  versions?: Version[];
}

export interface StatementFiles {
  month: string;
  version: number;
  partner: number;
  files: { name: string; bytes: number; sha256: string; url: string }[];
}
