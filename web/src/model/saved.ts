/** Views that somebody saved in this browser. */

const KEY = "settlement.views";

export interface Saved {
  name: string;
  link: string;
}

export function savedViews(): Saved[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Saved[];
  } catch {
    return [];
  }
}

/** Saves a view; one of the same name is replaced. */
export const saveView = (view: Saved): void => write([view, ...savedViews().filter(({ name }) => name !== view.name)]);

export const forgetView = (name: string): void => write(savedViews().filter((view) => view.name !== name));

const write = (views: Saved[]): void => localStorage.setItem(KEY, JSON.stringify(views));
