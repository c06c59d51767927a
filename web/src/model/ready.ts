/** The ready-made views of the start screen, for whoever asks. */

import type { Meta } from "../api/shapes";
import { emptyView, type View } from "./view";

export interface Ready {
  /** Key of its words. */
  name: "albums" | "tracks" | "labels" | "centric" | "services" | "excluded";
  view: View;
}

/** Those whose measures somebody may ask for; the first is the one that most people want. */
export function readyViews(meta: Meta, month: string): Ready[] {
  const start = emptyView(month);
  const played = "plays" in meta.measures ? "plays" : "provisional_uwon";
  const all: Ready[] = [
    {
      name: "albums",
      view: { ...start, measures: [played], by: ["day", "album", "album_title"], where: ["album!:0"], order: ["day", `-${played}`], top: { count: 10, of: "album" } },
    },
    { name: "tracks", view: { ...start, measures: ["amount_uwon"], by: ["track", "track_title", "artist"], order: ["-amount_uwon"] } },
    { name: "labels", view: { ...start, measures: ["amount_uwon"], by: ["label"], order: ["-amount_uwon"] } },
    { name: "centric", view: { ...start, measures: ["amount_uwon", "shadow_uwon"], by: ["partner", "partner_name"], order: ["-amount_uwon"] } },
    { name: "services", view: { ...start, measures: ["plays", "listening_ms"], by: ["day", "service"], order: ["day", "service"] } },
    { name: "excluded", view: { ...start, measures: ["landed_lines"], by: ["day", "bucket"], order: ["day", "bucket"] } },
  ];
  return all.filter(({ view }) => view.measures.every((measure) => measure in meta.measures));
}
