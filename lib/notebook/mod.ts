/**
 * How values show themselves as the result of a notebook's cell: in words and tables here, so that any layer can use it;
 * lib/viz adds pictures. Nothing here knows what a value means.
 */
export { type DisplayBundle, displaySymbol, type Picture, showAs, showWithPictures } from "./show_as.ts";
export { sparkline, sparklineSvg } from "./sparkline.ts";
export { escapeHtml, valueBundle, type ValueTable } from "./value_table.ts";
