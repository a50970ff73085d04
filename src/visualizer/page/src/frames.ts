/** Server-sent events out of a byte stream's text, however it is cut into pieces. */
export interface Frame {
  id: string | null;
  event: string;
  data: string;
}

/** Takes text as it comes; returns the events that are complete with it. */
export function createFrames(): (text: string) => Frame[] {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop()!;
    return blocks.map(frameOf).filter((frame) => frame !== null);
  };
}

/** null: a comment, sent to keep the connection alive. */
function frameOf(block: string): Frame | null {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') };
}
