/**
 * Figures: data in, plotly figure out. And where they go: a page that opens without network, or a notebook's cell.
 *
 * @module
 */
export { accuracyFigure, type AccuracyFigureOptions, type AccuracyPoint } from "./accuracy_figure.ts";
export { type AttendedGroup, type AttendedLayer, type AttendedSpan, attendedSpans } from "./attended_spans.ts";
export { curveFigure, type CurveInput, type CurvePoint, type CurveSeries } from "./curve_figure.ts";
export { darkFigure } from "./dark_figure.ts";
export { displayBundle, show, type ShowOptions } from "./display.ts";
export type { Figure } from "./figure.ts";
export type { Scale } from "./axis.ts";
export { gridFigure, type GridInput } from "./grid_figure.ts";
export { needleHeatmapFigure, type NeedleHeatmapInput } from "./needle_heatmap_figure.ts";
export { paretoFigure, type ParetoInput, type ParetoPoint } from "./pareto_figure.ts";
export { renderReport, type Report, type ReportSection, type ReportTable } from "./report.ts";
export { selectedSpansFigure, type SelectedSpansInput } from "./selected_spans_figure.ts";
export { type AttendedStep, selectionStepsFigure, type SelectionStepsInput } from "./selection_steps_figure.ts";
export type { TokenRange, TokenText } from "./token_range.ts";
export { readPlotlySource } from "./plotly_source.ts";
export { FIGURE_BYTES, figureBytes } from "./size_limit.ts";
export { type ColorScale, palette } from "./theme.ts";
export { saveFigure } from "./save_figure.ts";
