/** The system's Chromium with the page in it, over a real server; and the reason where there is none. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PAGE } from './site.ts';

const PROGRAM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Alone and quiet: no sandbox (tests may run as root), nothing asked of the network. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why a test in a browser cannot be run here; false = it can. */
export function noBrowser(): string | false {
  if (!existsSync(PROGRAM)) return `there is no browser at ${PROGRAM}; set CHROMIUM`;
  return existsSync(path.join(PAGE, 'index.html')) ? false : 'the page has not been built: npm run build';
}

export interface Visit {
  page: Page;
  /** What the browser complained about: errors of scripts, and what the security policy refused. */
  complaints: string[];
}

let opened: Promise<{ page: Page; context: BrowserContext }> | null = null;
let launched: Browser | null = null;
after(() => launched?.close());

/** Of the whole file: what is complained of late is nobody's otherwise. */
const complaints: string[] = [];

async function open(): Promise<{ page: Page; context: BrowserContext }> {
  launched = await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS });
  const context = await launched.newContext({ reducedMotion: 'reduce' });
  // Beside other work a slow machine takes long; what never comes is an error then too.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // That a request failed is what some tests are about, and the page says it in place.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (request.isNavigationRequest()) return;
    const { origin, protocol } = new URL(request.url());
    // By the document that asks: the one before may still be asking while the next is on its way.
    if (protocol.startsWith('http') && origin !== new URL(request.frame().url()).origin)
      complaints.push(`asked ${request.url()}`);
  });
  return { page, context };
}

/** Goes to an address in the one tab that all tests of a file share: what opens it anew is the page, not the browser. */
export async function visit(url: string): Promise<Visit> {
  opened ??= open();
  const { page } = await opened;
  await page.goto(url);
  return { page, complaints };
}

/** Goes on to a view of the page that is open, as a link of its own would; where it is not open, it is opened. */
export async function goOn(url: string): Promise<Visit> {
  const { href, origin } = new URL(url);
  if (opened === null || new URL((await opened).page.url()).origin !== origin) return visit(url);
  const { page } = await opened;
  await page.evaluate((to) => {
    window.history.pushState(null, '', to);
    window.dispatchEvent(new PopStateEvent('popstate'));
    window.scrollTo(0, 0);
  }, href);
  return { page, complaints };
}
