/** Saves an answer as a file, if it came whole: half a file is not kept. */

import { ask } from "./client";

export const FORMATS = ["csv", "ndjson", "arrow", "parquet"] as const;
export type FileFormat = (typeof FORMATS)[number];
export const FORMAT_NAMES: Record<FileFormat, string> = { csv: "CSV", ndjson: "NDJSON", arrow: "Arrow", parquet: "Parquet" };

// What the last bytes of a whole file hold; see docs/query-api.md.
const ENDS: Record<FileFormat, string> = {
  csv: "#trailer,",
  ndjson: '{"$trailer"',
  arrow: "settlement.trailer",
  parquet: "settlement.trailer",
};
const TAIL = 65_536;

export class CutOff extends Error {}

/** Fetches a file.
 * @throws CutOff when it isn't whole; Refused when there is none.
 */
export async function download(query: string, format: FileFormat, progress: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  const bom = format === "csv" ? "&bom=true" : "";
  const response = await ask(`/v1/query?format=${format}${bom}&${query}`, signal);
  const blob = await collected(response, progress, signal);
  const tail = new TextDecoder("latin1").decode(await blob.slice(-TAIL).arrayBuffer());
  if (!tail.includes(ENDS[format])) throw new CutOff();
  save(blob, nameOf(response) ?? `settlement.${format}`);
}

/** Saves a file that the service keeps. One in a bucket is fetched from there by its link, as a page of its own would.
 * @throws CutOff when it isn't whole; Refused when there is none.
 */
export async function downloadFile(path: string, name: string, size: number): Promise<void> {
  const response = await ask(`${path}?link=true`);
  if (response.headers.get("Content-Type") === "application/json") {
    location.assign(((await response.json()) as { url: string }).url);
    return;
  }
  const blob = await collected(response, () => undefined, new AbortController().signal);
  if (blob.size !== size) throw new CutOff();
  save(blob, name);
}

async function collected(response: Response, progress: (bytes: number) => void, signal: AbortSignal): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      parts.push(part);
      bytes += part.byteLength;
      progress(bytes);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new CutOff();
  }
  return new Blob(parts);
}

const nameOf = (response: Response): string | undefined =>
  /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
