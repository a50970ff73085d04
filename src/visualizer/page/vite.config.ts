/** Builds the page into `dist/`: files of its own origin only, nothing inline, as its content security policy wants. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    outDir: 'dist',
    emptyOutDir: true,
    // A data: URL is no file of ours.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
