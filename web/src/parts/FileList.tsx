/** Files to download, with their sizes. */

import { useState } from "react";

import { downloadFile } from "../api/download";
import type { FileEntry } from "../api/shapes";
import { bytes } from "../model/figures";
import { useWords } from "../words";
import { FileProblem } from "./Problem";

/** `prefix` goes before the names under which files are saved. */
export function FileList({ files, prefix }: { files: FileEntry[]; prefix: string }) {
  const { t } = useWords();
  const [failed, setFailed] = useState<unknown>(null);
  const get = ({ url, name, bytes: size }: FileEntry) => {
    setFailed(null);
    downloadFile(url, `${prefix}-${name}`, size).catch(setFailed);
  };
  return (
    <>
      {failed !== null && <FileProblem error={failed} />}
      <ul className="files">
        {files.map((file) => (
          <li key={file.url}>
            <button type="button" className="link" aria-label={t("statements.get", { name: file.name })} onClick={() => get(file)}>
              {file.name}
            </button>
            <span className="hint">{bytes(file.bytes)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
