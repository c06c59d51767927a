/** Which measures and dimensions go together: those that one source has. */

import type { Meta } from "../api/shapes";

/** The sources that have all the measures and all the dimensions. */
export function sourcesOf(meta: Meta, measures: string[], by: string[]): string[] {
  return Object.entries(meta.sources)
    .filter(([name]) => measures.every((measure) => meta.measures[measure]?.sources[name] !== undefined))
    .filter(([, source]) => by.every((dimension) => source.dimensions.includes(dimension)))
    .map(([name]) => name);
}

export const fitsMeasure = (meta: Meta, measures: string[], by: string[], more: string): boolean =>
  measures.includes(more) || sourcesOf(meta, [...measures, more], by).length > 0;

export const fitsDimension = (meta: Meta, measures: string[], by: string[], more: string): boolean =>
  by.includes(more) || sourcesOf(meta, measures, [...by, more]).length > 0;

/** Whether what is asked for is kept by month alone, so that the period has to be months. */
export const isByMonth = (meta: Meta, measures: string[], by: string[]): boolean =>
  measures.length > 0 && sourcesOf(meta, measures, by).every((name) => meta.sources[name]?.time === "month");
