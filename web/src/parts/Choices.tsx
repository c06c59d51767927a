/** Names to choose from; those that don't go with the chosen ones come last and can't be. */

import { useWords } from "../words";
import type { Labels } from "../api/shapes";

interface Props {
  legend: string;
  all: Record<string, Labels>;
  chosen: string[];
  fits: (name: string) => boolean;
  choose: (chosen: string[]) => void;
}

export function Choices({ legend, all, chosen, fits, choose }: Props) {
  const { label } = useWords();
  const toggle = (name: string) => choose(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name]);
  const usable = Object.entries(all).filter(([name]) => fits(name));
  const others = Object.entries(all).filter(([name]) => !fits(name));
  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      <div className="chips">
        {[...usable, ...others].map(([name, labels]) => (
          <label key={name} className="chip">
            <input type="checkbox" checked={chosen.includes(name)} disabled={!fits(name)} onChange={() => toggle(name)} />
            <span>{label(labels)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
