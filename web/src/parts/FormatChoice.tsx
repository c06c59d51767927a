/** Formats of a file behind one name: choosing one begins. */

import { FORMAT_NAMES, FORMATS, type FileFormat } from "../api/download";

interface Props {
  name: string;
  isDisabled: boolean;
  choose: (format: FileFormat) => void;
}

export function FormatChoice({ name, isDisabled, choose }: Props) {
  return (
    <label>
      <span className="visually-hidden">{name}</span>
      <select value="" disabled={isDisabled} onChange={(event) => choose(event.target.value as FileFormat)}>
        <option value="" disabled>
          {name}
        </option>
        {FORMATS.map((format) => (
          <option key={format} value={format}>
            {FORMAT_NAMES[format]}
          </option>
        ))}
      </select>
    </label>
  );
}
