/** Korean first; English is one switch away, and remembered. */

import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";

import type { Labels } from "../api/shapes";
import { en } from "./en";
import { ko, type Words } from "./ko";

const KEY = "settlement.language";
export type Language = "ko" | "en";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: Words };
  }
}

export const language = (): Language => (i18next.language === "en" ? "en" : "ko");

export async function startWords(): Promise<void> {
  i18next.on("languageChanged", (now) => {
    document.documentElement.lang = now;
    document.title = i18next.t("title");
    localStorage.setItem(KEY, now);
  });
  await i18next.use(initReactI18next).init({
    resources: { ko: { translation: ko }, en: { translation: en } },
    lng: localStorage.getItem(KEY) === "en" ? "en" : "ko",
    fallbackLng: "ko",
    interpolation: { escapeValue: false }, // React escapes
  });
}

export const switchLanguage = (): Promise<unknown> => i18next.changeLanguage(language() === "ko" ? "en" : "ko");

/** The words, the label of anything that has both languages, and a moment as people in Seoul write it. */
export function useWords() {
  const { t } = useTranslation();
  const now = language();
  const moment = (text: string): string => new Date(text).toLocaleString(now, { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Seoul" });
  return { t, language: now, moment, label: (labels: Labels | undefined): string => labels?.[now] ?? "" };
}
