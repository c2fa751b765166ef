/** How the console is built. JSX needs no plug-in: Vite's own compiler knows it. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Files are found from wherever the page is.
  base: './',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['es2024', 'chrome125', 'firefox128', 'safari18'],
    // The content security policy allows no `data:`, and nothing is loaded ahead by a script.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
});
