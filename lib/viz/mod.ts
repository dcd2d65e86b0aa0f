/**
 * Figures: data in, plotly figure out. And where they go: a page that opens without network, or a notebook's cell.
 *
 * @module
 */
import "./notebook/notebook_values.ts";

export { accuracyFigure, type AccuracyFigureOptions, type AccuracyPoint } from "./figures/accuracy_figure.ts";
export { type AttendedGroup, type AttendedLayer, type AttendedSpan, attendedSpans } from "./attended_spans.ts";
export { attentionEntropy } from "./attention_entropy.ts";
export { attentionMapFigure, type AttentionMapInput } from "./figures/attention_map_figure.ts";
export type { AttentionWeights } from "./attention_weights.ts";
export type { Scale } from "./axis.ts";
export { categoryFigure, type CategoryInput, type CategoryPoint } from "./figures/category_figure.ts";
export { curveFigure, type CurveInput, type CurvePoint, type CurveSeries } from "./figures/curve_figure.ts";
export { darkFigure } from "./dark_figure.ts";
export { displayBundle, givePlotly, notebookBundle, show, type ShowOptions } from "./notebook/display.ts";
export { entropyFigure, type EntropyInput, type EntropyPoint } from "./figures/entropy_figure.ts";
export type { Figure } from "./figure.ts";
export { gridFigure, type GridInput } from "./figures/grid_figure.ts";
export { headGridFigure, type HeadGridInput } from "./figures/head_grid_figure.ts";
export { needleHeatmapFigure, type NeedleHeatmapInput } from "./figures/needle_heatmap_figure.ts";
export {
  needleRecall,
  needleRecallFigure,
  type NeedleRecallInput,
  type NeedleRecallPoint,
  type PickedTokens,
} from "./figures/needle_recall_figure.ts";
export { closeKept, keep } from "./kept.ts";
export { paretoFigure, type ParetoInput, type ParetoPoint } from "./figures/pareto_figure.ts";
export { type ProgressLine, progressLine, type ProgressLineOptions } from "./notebook/progress_line.ts";
export { print } from "./notebook/print.ts";
export { readPlotlySource } from "./page/plotly_source.ts";
export { positionIdsFigure, type PositionIdsInput, type PositionIdsPoint } from "./figures/position_ids_figure.ts";
export { rooflineFigure, type RooflineInput, type RooflinePoint } from "./figures/roofline_figure.ts";
export {
  renderReport,
  type Report,
  type ReportCell,
  type ReportChoice,
  type ReportSection,
  type ReportTable,
} from "./page/report.ts";
export { saveFigure } from "./page/save_figure.ts";
export { type ScoreCurve, scoresFigure, type ScoresInput } from "./figures/scores_figure.ts";
export { selectedSpansFigure, type SelectedSpansInput } from "./figures/selected_spans_figure.ts";
export { selectionFrequencyFigure, type SelectionFrequencyInput } from "./figures/selection_frequency_figure.ts";
export { type AttendedStep, selectionStepsFigure, type SelectionStepsInput } from "./figures/selection_steps_figure.ts";
export { shadedTextFigure, type ShadedTextInput } from "./figures/shaded_text_figure.ts";
export { type SpanEffectPoint, spanEffectsFigure, type SpanEffectsInput } from "./figures/span_effects_figure.ts";
export { FIGURE_BYTES, figureBytes } from "./size_limit.ts";
export { type ColorScale, palette } from "./theme.ts";
export type { TokenRange, TokenText } from "./token_range.ts";
