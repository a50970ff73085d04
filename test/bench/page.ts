/**
 * The page with 10,000 actors in a real browser: how long until the list is read, how late a change is seen, and how
 * long a frame takes while scrolling. Run by hand: `node --enable-source-maps dist/test/bench/page.js [actors]`.
 */
import { realClock } from '../../src/clock.ts';
import { listenOperator } from '../../src/visualizer/listen.ts';
import { chromium } from 'playwright-core';
import { letter } from '../support/letter.ts';
import { startSiteOn } from '../visualizer/site.ts';

const ACTORS = Number(process.argv[2] ?? 10_000);
const CHANGES = 40;
const SENDERS = 200;
const MUST = { firstMs: 1_000, changeMs: 200 };

const site = await startSiteOn(realClock);
for (let start = 0; start < ACTORS; start += SENDERS) {
  const rooms = Array.from({ length: Math.min(SENDERS, ACTORS - start) }, (_, index) => `r${start + index}`);
  await Promise.all(rooms.map((room) => site.node.send(letter(`lamp/${room}`, 'open', { room }))));
}
const listening = await listenOperator(site.app, '127.0.0.1:0');
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const listBegun = performance.now();
  await site.questions.list({ limit: 100 });
  const listMs = performance.now() - listBegun;
  const page = await browser.newPage();
  // The first visit fills the browser's caches and warms the server, as a page that is left open has.
  await page.goto(listening.url);
  await page.locator('.row').first().waitFor();
  const begun = performance.now();
  await page.reload();
  await page.locator('.row').first().waitFor();
  const firstMs = performance.now() - begun;
  await page.getByRole('link', { name: `all ${ACTORS}` }).waitFor();
  const wholeMs = performance.now() - begun;
  const late: number[] = [];
  for (let count = 0; count < CHANGES; count++) {
    // A lamp that was pressed waits anew and goes to the end of the list: that, too, is a change seen.
    const first = (await page.locator('.row').first().getAttribute('data-address'))!;
    const seen = page.evaluate(
      (address) =>
        new Promise<number>((resolve) => {
          const phase = (): string | null | undefined =>
            document.querySelector(`[data-address="${address}"] .phase`)?.textContent;
          const before = phase();
          const observer = new MutationObserver(() => {
            if (phase() === before) return;
            observer.disconnect();
            requestAnimationFrame(() => resolve(Date.now()));
          });
          observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
      first,
    );
    // In order behind the watch that was just begun.
    await page.evaluate(() => true);
    await site.node.send(letter(first, 'press'));
    const committed = Date.now();
    late.push((await seen) - committed);
  }
  late.sort((a, b) => a - b);
  const frames = await page.evaluate(
    () =>
      new Promise<number[]>((resolve) => {
        const spent: number[] = [];
        let last = performance.now();
        const step = (): void => {
          const now = performance.now();
          spent.push(now - last);
          last = now;
          window.scrollBy(0, 400);
          if (spent.length < 120) requestAnimationFrame(step);
          else resolve(spent.sort((a, b) => a - b));
        };
        requestAnimationFrame(step);
      }),
  );
  const at = (of: number[], share: number): number => Math.round(of[Math.floor((of.length - 1) * share)]!);
  const rows = await page.locator('.row').count();
  const figures = {
    actors: ACTORS,
    questionListMs: Math.round(listMs),
    firstViewMs: Math.round(firstMs),
    wholeListMs: Math.round(wholeMs),
    changeP50Ms: at(late, 0.5),
    changeP99Ms: at(late, 0.99),
    frameP50Ms: at(frames, 0.5),
    frameP99Ms: at(frames, 0.99),
    rowsInDocument: rows,
  };
  const isWithin = firstMs <= MUST.firstMs && figures.changeP99Ms <= MUST.changeMs;
  process.stdout.write(`${JSON.stringify(figures)}\n${isWithin ? 'within' : 'NOT within'} ${JSON.stringify(MUST)}\n`);
} finally {
  await browser.close();
  await listening.close();
  await site.stop();
}
