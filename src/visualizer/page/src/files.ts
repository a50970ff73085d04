/** Hands what the page has drawn to the browser as files. */

export function keepText(name: string, text: string, type: string): void {
  keep(name, new Blob([text], { type }));
}

/** Twice as many dots as the drawing has pixels, for dense screens; a drawing beyond this is drawn with fewer. */
const PNG_SCALE = 2;
const PNG_SIDE_MAX = 12_000;

/** Draws an SVG document into a PNG. @throws Error where the browser cannot */
export async function keepPng(name: string, svg: string): Promise<void> {
  const image = new Image();
  // A data: URL, which the security policy allows for images, where it allows no blob.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = Math.min(PNG_SCALE, PNG_SIDE_MAX / Math.max(image.width, image.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  const png = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (png === null) throw new Error('the browser draws no picture of this size');
  keep(name, png);
}

function keep(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
