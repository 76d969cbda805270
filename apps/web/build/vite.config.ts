import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { InlineConfig, Plugin } from "vite";
import { en } from "../src/i18n/en.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the page says before its program runs stands in the one catalogue too: `%KEY%` in index.html. */
const words: Plugin = {
  name: "words",
  transformIndexHtml: (html) =>
    html.replace(/%(page\.[a-z-]+)%/g, (_, key: "page.description" | "page.no-script") => {
      const text = en[key];
      if (text === undefined || /[<>&"]/.test(text)) throw new TypeError(`no words for a page: ${key}`);
      return text;
    }),
};

/** The page and the SDK's worker. No file is inlined: the content security policy allows no data: addresses. */
export function pageConfig(outDir: string): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: "error",
    plugins: [react(), words],
    worker: { format: "es" },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      assetsInlineLimit: 0,
      // The polyfill would run inline; every browser that has what we need has modulepreload.
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      sourcemap: false,
      rolldownOptions: { input: { index: `${root}/index.html` } },
    },
  };
}

/** The service worker: one classic file of a fixed name, told at build time what belongs to the release. */
export function serviceWorkerConfig(outDir: string, files: Readonly<Record<string, string>>): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    define: {
      RELEASE_FILES: JSON.stringify(files),
      NEW_MESSAGE: JSON.stringify(en["notifications.new"]),
      RELEASE_ID: JSON.stringify(createHash("sha256").update(JSON.stringify(files)).digest("hex")),
    },
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2023",
      reportCompressedSize: false,
      rolldownOptions: {
        input: { sw: `${root}/src/service-worker.ts` },
        output: { format: "iife", entryFileNames: "sw.js" },
      },
    },
  };
}

/** Every state of every screen from invented data, for looking at; never part of a release. */
export function galleryConfig(outDir: string): InlineConfig {
  const config = pageConfig(outDir);
  return {
    ...config,
    build: { ...config.build, rolldownOptions: { input: { gallery: `${root}/gallery.html` } } },
  };
}
