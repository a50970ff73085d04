/** A chart as Mermaid's text, for documents that draw it themselves. Pure. */
import type { Chart } from '../answers.ts';

/** Mermaid's `stateDiagram-v2` of a chart. */
export function mermaidOf(chart: Chart): string {
  const lines = ['stateDiagram-v2'];
  const name = (id: string): string => (id === '' ? chart.kind : id.replaceAll('.', '__'));
  const label = (id: string): string => id.split('.').at(-1)!;
  const nested = (id: string, depth: number): void => {
    const pad = '  '.repeat(depth);
    const node = chart.nodes.find((other) => other.id === id)!;
    const children = chart.nodes.filter((other) => other.parent === id);
    if (node.initial !== undefined) lines.push(`${pad}[*] --> ${name(node.initial)}`);
    children.forEach((child, index) => {
      if (node.type === 'parallel' && index > 0) lines.push(`${pad}--`);
      if (child.type === 'compound' || child.type === 'parallel') {
        lines.push(`${pad}state "${label(child.id)}" as ${name(child.id)} {`);
        nested(child.id, depth + 1);
        lines.push(`${pad}}`);
      } else {
        lines.push(`${pad}state "${label(child.id)}" as ${name(child.id)}`);
        if (child.type === 'final') lines.push(`${pad}${name(child.id)} --> [*]`);
      }
    });
    for (const edge of chart.edges.filter((other) => children.some((child) => child.id === other.from))) {
      for (const to of edge.to) {
        const text = edge.event ?? (edge.after === undefined ? 'always' : `after ${edge.after}`);
        lines.push(
          `${pad}${name(edge.from)} --> ${name(to)}: ${text}${edge.guard === undefined ? '' : ` [${edge.guard}]`}`,
        );
      }
    }
  };
  nested('', 1);
  return `${lines.join('\n')}\n`;
}
