/** Figures as people read them: exact integers in, grouped text out. Amounts in millionths of a won are shown in won. */

import type { Cell } from "../api/shapes";

const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** A fraction value / 10^scale with so many decimals, rounded half away from zero. */
export function decimal(value: bigint, scale: number, decimals: number): string {
  const size = value < 0n ? -value : value;
  const unit = 10n ** BigInt(scale - decimals);
  const rounded = (size + unit / 2n) / unit;
  const digits = rounded.toString().padStart(decimals + 1, "0");
  const sign = value < 0n && rounded > 0n ? "−" : "";
  const cut = digits.length - decimals;
  return decimals > 0 ? `${sign}${group(digits.slice(0, cut))}.${digits.slice(cut)}` : `${sign}${group(digits)}`;
}

export function figure(value: Cell, unit: string | undefined): string {
  if (value === null) return "–";
  const exact = BigInt(value);
  if (unit === "uwon") return decimal(exact, 6, 2);
  return unit === "ms" ? hours(exact) : decimal(exact, 0, 0);
}

/** The figure with every digit, for a tooltip. */
export const exactly = (value: Cell, unit: string | undefined): string =>
  value === null ? "" : unit === "uwon" ? decimal(BigInt(value), 6, 6) : decimal(BigInt(value), 0, 0);

const hours = (milliseconds: bigint): string => decimal((milliseconds * 10n) / 36n, 6, 1);

/** For drawing alone, where digits that nobody sees may go. */
export const drawn = (value: Cell, unit: string | undefined): number =>
  Number(value ?? 0) / (unit === "uwon" ? 1e6 : unit === "ms" ? 3.6e6 : 1);

export const bytes = (count: number): string =>
  count < 1_000_000 ? `${decimal(BigInt(Math.ceil(count / 1000)), 0, 0)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
