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
  name: string;
  roles: string[];
  scope: string;
  /** Whether reports and approvals can be asked for, and whether an answer needs one's own token of Airflow. */
  airflow: "unset" | "own_token" | "signed_in";
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
  /** Left out where no Airflow is set or it doesn't answer. */
  approval?: { version: number; state: "asked" | "answered"; answer: string; answered_by: string; answered_at: string };
}

export interface Approval {
  month: string;
  version: number;
  state: "asked" | "answered";
  /** Of the task that records an answer in the ledger. */
  task_state: string;
  subject: string;
  /** Markdown. */
  body: string;
  answer?: string;
  answered_by?: string;
  answered_at?: string;
}

export interface FileEntry {
  name: string;
  bytes: number;
  sha256: string;
  url: string;
}

export interface StatementFiles {
  month: string;
  version: number;
  partner: number;
  files: FileEntry[];
}

/** What is asked, as a body. */
export interface Question {
  measures: string[];
  dimensions: string[];
  period: { from: string; to: string };
  filters: { dimension: string; op: "in" | "not_in" | "at_least" | "at_most"; values: (string | number)[] }[];
  order: string[];
  limit: number | null;
}

export interface Job {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  url: string;
  question: Question;
  format: string;
  owner: string;
  rows: number;
  bytes: number;
  /** 0 to 1; left out where the engine doesn't say. */
  progress?: number;
  asked_at: string;
  expires_at?: string;
  reason?: string;
  file?: string;
  name?: string;
}

export interface Report {
  run: string;
  state: string;
  url: string;
  partner?: number;
  first_month?: string;
  last_month?: string;
  format?: string;
  asked_at?: string;
  files?: string;
}

export interface ReportFiles {
  run: string;
  files: (FileEntry & { month: string; version: number })[];
}
