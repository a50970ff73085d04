/** A drawing as an SVG document that stands alone: for files, documents and other people's pages. Pure. */
import { LABEL_LINE, lettering, watchesOf } from './graph.ts';
import type { Drawing } from './drawing.ts';

const STYLE = `
.ground{fill:#fbfbfa}.box{fill:#fff;stroke:#d3d3cd}.state{fill:#f3f3f1;stroke:#c4c4bd}.final,.any{fill:none;stroke:#c4c4bd}.any{stroke-dasharray:3 3}
.name{font:600 12px system-ui,sans-serif;fill:#1b1d20}.line{fill:none;stroke:#8a8f96}.tip{fill:#8a8f96}.dot{fill:#1b1d20}
.watch{font:10px ui-monospace,monospace;fill:#62676e}.label{font:10px ui-monospace,monospace;fill:#62676e;paint-order:stroke;stroke:#fbfbfa;stroke-width:3px}.active{fill:#e8f0fc;stroke:#2560bf}
@media (prefers-color-scheme:dark){.ground{fill:#121417}.box{fill:#191c20;stroke:#333a42}.state{fill:#1e2227;stroke:#3b434c}.final,.any{stroke:#3b434c}.name{fill:#dfe2e6}.dot{fill:#dfe2e6}.watch{fill:#969ca5}.label{fill:#969ca5;stroke:#191c20}.active{fill:#1a2a45;stroke:#8ab4ff}}`;

export function svgOf(drawing: Drawing, title: string, active: ReadonlySet<string> = new Set()): string {
  const { width, height, boxes, lines, initials, anys } = drawing;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8Z"/></marker></defs>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
  ];
  for (const drawn of boxes) {
    const { box, x, y, width: w, height: h, isOpen } = drawn;
    const look = isOpen ? 'box' : active.has(box.node.id) ? 'active' : 'state';
    parts.push(`<rect class="${look}" x="${x}" y="${y}" width="${w}" height="${h}" rx="6"/>`);
    if (box.node.type === 'final')
      parts.push(`<rect class="final" x="${x + 3}" y="${y + 3}" width="${w - 6}" height="${h - 6}" rx="4"/>`);
    const { anchor, name, watches } = lettering(drawn, 12);
    const place = ({ x: at, y: line }: { x: number; y: number }): string =>
      `x="${at}" y="${line}" text-anchor="${anchor}"`;
    parts.push(`<text class="name" ${place(name)}>${escaped(box.name)}</text>`);
    const standing = watchesOf(box.node);
    if (standing !== '') parts.push(`<text class="watch" ${place(watches)}>${escaped(standing)}</text>`);
  }
  for (const { x, y } of initials) parts.push(`<circle class="dot" cx="${x}" cy="${y}" r="4.5"/>`);
  for (const { x, y, width: w, height: h } of anys) {
    parts.push(
      `<rect class="any" x="${x}" y="${y}" width="${w}" height="${h}" rx="11"/>`,
      `<text class="label" x="${x + w / 2}" y="${y + h / 2 + 3.5}" text-anchor="middle">any state</text>`,
    );
  }
  for (const { path } of lines) parts.push(`<path class="line" d="${path}" marker-end="url(#tip)"/>`);
  for (const { line, label } of lines) {
    if (line === null || label === null) continue;
    line.label.forEach((text, index) =>
      parts.push(
        `<text class="label" x="${label.x}" y="${label.y + LABEL_LINE * (index + 0.8)}">${escaped(text)}</text>`,
      ),
    );
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
