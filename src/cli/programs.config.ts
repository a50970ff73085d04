/**
 * The programs that are started again and again, each in few files: a command is there in half the time when node does
 * not look for five hundred modules first.
 */
import { defineConfig } from 'vite';
import { PACKAGE_ROOT, PROGRAMS } from '../package.ts';

export default defineConfig({
  root: PACKAGE_ROOT,
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist/programs',
    emptyOutDir: true,
    sourcemap: true,
    rolldownOptions: {
      input: Object.fromEntries(Object.entries(PROGRAMS).map(([module, name]) => [name, `${module}.ts`])),
      output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
  // Native code, a layout compiled from another language, and a logger that may start threads of its own, are found where they lie.
  ssr: { noExternal: true, external: ['classic-level', 'level', 'pino', 'elkjs/lib/elk.bundled.js'] },
});
