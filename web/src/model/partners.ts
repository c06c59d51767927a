/** Whose statements there are, and of which months. */

import { askJson } from "../api/client";
import type { Month, Page } from "../api/shapes";

export const closedOf = (months: Month[]): string[] => months.filter(({ state }) => state === "closed").map(({ month }) => month);

export interface Partner {
  partner: number;
  name: string;
}

/** Partners with a statement, by their names where there are any. */
export async function partnersOf(month: string, signal: AbortSignal): Promise<Partner[]> {
  const asked = `measures=paid_krw&by=partner,partner_name&from=${month}&to=${month}&rows=10000`;
  const [{ statements }, named] = await Promise.all([
    askJson<{ statements: { partner: number }[] }>(`/v1/statements?month=${month}`, signal),
    askJson<Page>(`/v1/query?${asked}`, signal),
  ]);
  const names = new Map(named.rows.map(([partner, name]) => [Number(partner), String(name ?? "")]));
  return statements.map(({ partner }) => ({ partner, name: names.get(partner) ?? "" }));
}
